"""The console session of the README: tools/try and tools/subscribe on a running server."""
import os
import re
import subprocess

from harness.case import ServerCase, main
from harness.server import clean_environment

TOOLS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools")


class Session(ServerCase):
    def tool(self, name, *args):
        done = subprocess.run([os.path.join(TOOLS, name), *args], text=True, timeout=120, env=clean_environment(),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return done.returncode, done.stdout, done.stderr

    def url(self, scheme="http"):
        return f"{scheme}://127.0.0.1:{self.server.ports[0]}"

    def test_try_twice(self):
        for _ in range(2):
            code, out, err = self.tool("try", self.url())
            self.assertEqual((code, err), (0, ""), out)
            self.assertEqual(len(re.findall(r'^\{"type":"chat_updates","data":\{"type":"chat_message_notification"', out, re.M)), 1, out)
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
