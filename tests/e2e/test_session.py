"""The console session of docs/clients.md as it is printed, and tools/try and tools/subscribe on a running server."""
import json
import os
import re
import subprocess

from harness.case import ServerCase, main
from harness.pages import ROOT, blocks
from harness.server import clean_environment

TOOLS = os.path.join(ROOT, "tools")


class Session(ServerCase):
    def tool(self, name, *args):
        done = subprocess.run([os.path.join(TOOLS, name), *args], text=True, timeout=120, env=clean_environment(),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return done.returncode, done.stdout, done.stderr

    def url(self, scheme="http"):
        return f"{scheme}://127.0.0.1:{self.server.ports[0]}"

    def printed(self):
        """[(command, [line of its output])] of the session."""
        steps = []
        for line in next(text for kind, text in blocks("docs/clients.md") if kind == "console").splitlines():
            if line.startswith("$ "):
                steps.append((line[2:], []))
            elif line:
                steps[-1][1].append(line)
        return steps

    def test_the_session_works_as_printed(self):
        steps = self.printed()
        self.assertEqual(len(steps), 4)
        printed_chat = json.loads(steps[0][1][0])["chat_id"]
        chat, subscriber = printed_chat, None
        for command, lines in steps:
            command = command.replace("localhost:8000", f"127.0.0.1:{self.server.ports[0]}").replace(printed_chat, chat)
            with self.subTest(command):
                if command.endswith("&"):
                    subscriber = subprocess.Popen(command[:-1].split(), cwd=ROOT, stdout=subprocess.PIPE, text=True,
                                                  env=clean_environment())
                    self.addCleanup(subscriber.wait)
                    self.addCleanup(subscriber.kill)
                    self.addCleanup(subscriber.stdout.close)
                    answers = [subscriber.stdout.readline() for _ in lines]
                else:
                    done = subprocess.run(["bash", "-c", command], cwd=ROOT, text=True, timeout=60, stdout=subprocess.PIPE,
                                          env=clean_environment(), check=True)
                    answers = [done.stdout] + [subscriber.stdout.readline() for _ in lines[1:]]
                chat = json.loads(answers[0]).get("chat_id", chat)
                for line, answer in zip(lines, answers):
                    self.assertEqual(self.shape(answer), self.shape(line))

    def shape(self, text):
        """What does not differ from run to run: keys, and words that the server chose. The printed text may be cut by …"""
        words = re.findall(r'"([a-z_]+)":|"(Hello|connected|subscribed|chat_updates|chat_message_notification|[A-Z][a-zA-Z ]+)"', text)
        words = [a or b for a, b in words]
        return words[:4] if "users" in words[:1] else words

    def test_try_twice(self):
        for _ in range(2):
            code, out, err = self.tool("try", self.url())
            self.assertEqual((code, err), (0, ""), out)
            self.assertEqual(len(re.findall(r'^\{"type":"chat_updates","data":\{"type":"chat_message_notification"', out, re.M)), 2, out)
            self.assertTrue(out.rstrip().endswith("it works"), out)

    def test_try_says_when_nobody_listens(self):
        code, _, err = self.tool("try", "http://127.0.0.1:1")
        self.assertEqual(code, 1)
        self.assertIn("no answer from http://127.0.0.1:1", err)

    def test_subscribe_says_when_it_is_no_websocket(self):
        code, _, err = self.tool("subscribe", self.url("ws") + "/api/health")
        self.assertEqual(code, 1)
        self.assertIn("not a WebSocket", err)


if __name__ == "__main__":
    main()
