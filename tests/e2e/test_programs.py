"""The programs that docs/clients.md prints are run as they are printed: those that sign a widget token, in five languages, and
those that use the client module, against each other."""
import os
import re
import shutil
import subprocess
import tempfile
import threading

from harness.case import ServerCase, main
from harness.pages import ROOT, blocks
from harness.server import Server, clean_environment, run
from harness.tokens import bearer

PAGE = "docs/clients.md"
# What runs a block of this kind, and whether it is there wherever tests are.
LANGUAGES = {"python": ("python3", "token.py", True), "js": ("node", "token.js", True), "php": ("php", "token.php", False),
             "go": ("go run", "token.go", False), "ruby": ("ruby", "token.rb", False)}
NODE = "/usr/bin/node"
# The page asks for a newer node than the distribution's 18, which has neither of these by itself (tests/web/package.json has ws).
AS_IF_NEWER = f"""import {{ WebSocket as ws }} from '{ROOT}/tests/web/node_modules/ws/wrapper.mjs';
import {{ webcrypto }} from 'node:crypto';
globalThis.WebSocket ??= ws;
globalThis.crypto ??= webcrypto;
"""


def forged(token):
    """The same but for a letter of the signature's first byte, so that it is another one for sure."""
    body, signature = token.rsplit(".", 1)
    return f"{body}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"


class Programs(ServerCase):
    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.mkdtemp(prefix="sakurad-programs-")
        cls.keys = {}
        for name, end in (("plain", b""), ("unix", b"\n"), ("dos", b"\r\n")):
            cls.keys[name] = os.path.join(cls.place, name)
            with open(os.path.join(cls.place, name), "wb") as f:
                f.write(b"\xfe\x00\n key of 48 bytes, not all of which are text \xff!" + end)
            os.chmod(cls.keys[name], 0o600)
        cls.server = Server("--auth-key", cls.keys["plain"], patient=True).start()
        cls.http = cls.server.http

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.place)
        super().tearDownClass()

    def write(self, name, text):
        path = os.path.join(self.place, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    # tokens
    def sign(self, command, path, key, customer):
        env = clean_environment({"GO111MODULE": "off", "HOME": os.environ.get("HOME", self.place)})  # go keeps its objects there
        done = subprocess.run([*command, path, key, customer], text=True, env=env, cwd=self.place, timeout=240,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done.stdout.strip()

    def test_tokens_are_signed_in_each_language(self):
        seen, ran = set(), set()
        for language, text in blocks(PAGE):
            if language not in LANGUAGES or "aud" not in text:
                continue
            command, file, always = LANGUAGES[language]
            command, path = command.split(), self.write(file, text)
            seen.add(language)
            if not shutil.which(command[0]):
                self.assertFalse(always, f"{command[0]} is not installed")
                print(f"  {command[0]} is not here: {language} not tried", flush=True)
                continue
            with self.subTest(language):
                for name, key in self.keys.items():
                    customer = f'{language} "{name}" Zoë/7'
                    self.works(self.sign(command, path, key, customer), customer)
                    if language == "go":
                        break  # it is compiled each time
                ran.add(language)
        self.assertEqual(seen, set(LANGUAGES))
        self.assertLessEqual({"python", "js"}, ran)

    def works(self, token, customer):
        """For this customer, whom nobody knew before, and for nobody else."""
        made = self.post("/api/users/chats/create", {"user_id": customer}, bearer(token)).json()
        self.assertEqual(made["user_id"], customer)
        self.post(f"/api/users/chats/{made['chat_id']}/send", {"content": "hello"}, bearer(token))
        self.post(f"/api/users/chats/{made['chat_id']}/send", {"content": "hello"}, bearer(forged(token)), status=401)
        self.get("/api/users", bearer(token), status=403)

    # the client module
    def test_the_bot_answers_the_visitor(self):
        """Both programs, the bot first; what the visitor's prints ends with the bot's words."""
        visitor, bot = [text for kind, text in blocks(PAGE) if kind == "js" and "createClient(" in text]
        client = self.get("/client.js").body.decode()
        agents = re.search(r'assets/agents[^"]*', client).group()
        place = os.path.join(self.place, "bot")
        os.makedirs(os.path.join(place, "assets"))
        for name, text in (("package.json", '{"type": "module"}'), ("client.js", client), (agents, self.get(f"/{agents}").body.decode())):
            self.write(f"bot/{name}", text)
        url = f"http://127.0.0.1:{self.server.ports[0]}"

        def program(name, text):
            text = text.replace("'https://chat.example.com/client.js'", "'./client.js'").replace("https://chat.example.com", url)
            return self.write(f"bot/{name}", AS_IF_NEWER + text)

        token = run("--issue-token", "dashboard", "--subject", "bot", "--name", "Bot", "--auth-key", self.keys["plain"])[1].strip()
        with subprocess.Popen([NODE, program("bot.mjs", bot + "\nconsole.log('ready');")], text=True, cwd=place,
                              env=clean_environment({"TOKEN": token}), stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as running:
            try:
                watchdog = threading.Timer(120, running.kill)
                watchdog.start()
                self.assertEqual(running.stdout.readline(), "ready\n", "the bot did not start")
                done = subprocess.run([NODE, program("visitor.mjs", visitor)], text=True, cwd=place, timeout=120,
                                      env=clean_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            finally:
                watchdog.cancel()
                running.kill()
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("'… Do you ship to Norway?'", done.stdout)
        shown = " ".join(done.stdout.split())  # Node breaks a long list into lines
        self.assertTrue(shown.endswith("""[ 'Do you ship to Norway?', "Thank you. We are back at eight o'clock." ]"""), shown)

    def test_nothing_else_is_printed_as_a_program(self):
        """A new block is run by a test above; a line for the widget's queue is at least a program."""
        for kind, text in blocks(PAGE):
            if kind == "js" and "createClient(" not in text and "aud" not in text:
                self.assertTrue(re.match(r"\(window\.Sakura = ", text), text)
                subprocess.run([NODE, "--check", self.write("line.js", text)], check=True, timeout=60)


if __name__ == "__main__":
    main()
