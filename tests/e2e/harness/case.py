"""The base of the test classes: one server per class, and the words of the product."""
import json
import os
import re
import sys
import time
import unittest
import uuid

from .server import STORE, Server, in_threads  # noqa: F401 - in_threads for the tests

TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
UUID4 = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
OBJECT_ID = re.compile(r"^[0-9a-f]{24}$")
ORIGINS = ("http://localhost:3000", "http://localhost:3001", "http://127.0.0.1:3000", "http://127.0.0.1:3001")
FOREIGN = "https://elsewhere.example"
FORM = ("Content-Type", "application/x-www-form-urlencoded")
SENT = {"success": True, "message": "Message sent successfully"}


def new_email():
    return f"ann-{uuid.uuid4().hex[:12]}@x.io"


class Chat:
    """A chat that was just made: what the widget knows."""

    def __init__(self, client, **body):
        if not body:
            body = {"email": new_email(), "name": "Ann"}
        r = client.post("/api/users/chats/create", body)
        if r.status != 200:
            raise AssertionError(f"create {body}: {r}")
        answer = r.json()
        self.client = client
        self.email = body.get("email")
        self.id = answer["chat_id"]
        self.user_id = answer["user_id"]

    def send(self, content="hello", role="user", headers=(), **more):
        r = self.client.post(f"/api/users/chats/{self.id}/send", {"content": content, "role": role, **more}, headers)
        if r.status != 200:
            raise AssertionError(f"send: {r}")
        return r.json()

    def history(self, limit=200):
        """All messages, oldest first, read page by page."""
        pages, before = [], ""
        while True:
            r = self.client.get(f"/api/chats/{self.id}/messages?limit={limit}" + (f"&before={before}" if before else ""))
            if r.status != 200:
                raise AssertionError(f"history: {r}")
            page = r.json()["messages"]
            if not page:
                return [m for p in reversed(pages) for m in p]
            pages.append(page)
            before = page[0]["_id"]

    def poll(self):
        """This chat as the widget's poll shows it."""
        r = self.client.get(f"/api/users/{self.user_id}/chats")
        if r.status != 200:
            raise AssertionError(f"poll: {r}")
        return next(c for c in r.json()["chats"] if c["chat_id"] == self.id)


class ServerCase(unittest.TestCase):
    """One server for all tests of a class; args and listeners may be set by the subclass."""

    args = ()
    listeners = 1
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        cls.server = Server(*cls.args, listeners=cls.listeners, patient=True).start()
        cls.http = cls.server.http

    @classmethod
    def tearDownClass(cls):
        try:
            cls.server.stop()
        finally:
            cls.server.discard()

    def get(self, target, headers=(), status=200):
        r = self.http.get(target, headers)
        self.assertEqual(r.status, status, f"GET {target}: {r}")
        return r

    def post(self, target, body=None, headers=(), status=200):
        r = self.http.post(target, body, headers)
        self.assertEqual(r.status, status, f"POST {target}: {r}")
        return r

    def chat(self, **body):
        return Chat(self.http, **body)

    # shapes
    def assertTime(self, value):
        self.assertRegex(value, TIME)

    def assertKeys(self, value, keys):
        """Every contracted key is there; keys of our own may be too."""
        self.assertIsInstance(value, dict)
        missing = set(keys.split()) - set(value)
        self.assertFalse(missing, f"missing {missing} in {value}")

    def assertError(self, response, status, detail=None):
        """{"detail":"<sentence>"}; detail: the exact text, a compiled pattern, or None for any."""
        self.assertEqual(response.status, status, response)
        self.assertEqual(response.header("Content-Type"), "application/json")
        self.assertEqual(list(response.json()), ["detail"], response)
        self.assertIsInstance(response.detail, str)
        self.assertTrue(response.detail)
        if isinstance(detail, str):
            self.assertEqual(response.detail, detail)
        elif detail is not None:
            self.assertRegex(response.detail, detail)
        if status == 503:
            self.assertRegex(response.header("Retry-After") or "", r"^\d+$")

    def assertInvalid(self, response, loc, kind=None):
        """422 with its list; loc: the beginning of the first element's place."""
        self.assertEqual(response.status, 422, response)
        self.assertEqual(response.header("Content-Type"), "application/json")
        self.assertEqual(list(response.json()), ["detail"], response)
        self.assertIsInstance(response.detail, list, response)
        self.assertTrue(response.detail)
        for item in response.detail:
            self.assertKeys(item, "type loc msg input")
            self.assertIsInstance(item["type"], str)
            self.assertIsInstance(item["msg"], str)
            self.assertIn(item["loc"][0], ("body", "query", "path"))
        self.assertEqual(response.detail[0]["loc"][:len(loc)], list(loc), response.detail)
        if kind:
            self.assertEqual(response.detail[0]["type"], kind, response.detail)

    def eventually(self, probe, what, seconds=60.0):
        """Waits until probe() is true: for what happens on another thread of the server."""
        end = time.monotonic() + seconds
        while True:
            value = probe()
            if value:
                return value
            if time.monotonic() > end:
                self.fail(f"not within {seconds} s: {what}")
            time.sleep(0.02)


def fewer_on_mongo(many, few):
    """How many times. The database that tests bring takes a hundredth of what SQLite does; the whole measure on it is
    tools/soak's."""
    return few if STORE == "mongo" and os.environ.get("SAKURAD_TEST_FULL") != "1" else many


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def report(title, **figures):
    """A line of measured figures: tests print times and assert none."""
    print(f"  measured: {title}: " + ", ".join(f"{k} {v}" for k, v in figures.items()), flush=True)


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def main():
    """Runs the file's tests: a skipped test or none at all is a failure too."""
    program = unittest.main(module="__main__", exit=False, verbosity=2)
    result = program.result
    sys.exit(0 if result.wasSuccessful() and result.testsRun > 0 and not result.skipped else 1)
