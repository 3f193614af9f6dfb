"""Callers of every kind, and a server that tells them apart: what tests of authentication share."""
import os

from .case import ServerCase, new_email
from .rawhttp import Client
from .server import Server
from .tokens import bearer, claims, forge
from .websocket import new_key, upgrade_headers

KEY = b"k" * 48
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PUBLIC = {"/api/health", "/health", "/api/openapi.json", "/api/asyncapi.json"}
SIGNED = {"/api/chat"}
ADMIN = {"/metrics", "/api/debug/database-overview"}
OVERALL = {"/api/reports/stats", "/api/agent/stats"}
LISTINGS = {"/api/debug/users-chats", "/api/users", "/api/chats"}
DASHBOARD = LISTINGS | {"/api/users/{user}", "/api/dashboard/chats/{chat}/send", "/api/chats/{chat}/send",
                        "/api/dashboard/chats/{chat}/ai-agent"}
CREATE, SOCKET = "/api/users/chats/create", "/ws/dashboard"


class Person:
    """A customer with a chat that holds a secret."""

    def __init__(self, http, dashboard, name, owner):
        self.email = f"{name}-{new_email()}"
        self.secret = f"secret-of-{name}"
        self.owner = owner
        # by a dashboard, whose word makes the address the customer's own
        r = http.post(CREATE, {"email": self.email, "name": self.secret + "-name"}, dashboard)
        answer = r.json()
        self.token, self.chat, self.id = answer["token"], answer["chat_id"], answer["user_id"]
        self.headers = bearer(self.token)
        for status in (http.post("/api/users/data", {"email": self.email, "user_id": owner, "ip": self.secret + "-ip"},
                                 self.headers).status,
                       http.post(f"/api/users/chats/{self.chat}/send", {"content": self.secret}, self.headers).status,
                       http.post(f"/api/dashboard/chats/{self.chat}/send",
                                 {"content": self.secret + "-answer", "role": "agent"}, dashboard).status):
            if status != 200:
                raise AssertionError(f"{name}: {status}")

    @property
    def traces(self):
        return [t.encode() for t in (self.secret, self.email, self.chat, self.id)]


def body_for(pattern, person):
    """A body that would do something, aimed at the person."""
    if pattern == CREATE:
        return {"email": person.email, "user_id": person.id}
    if pattern == "/api/users/data":
        return {"email": person.email, "name": "taken over", "user_id": "thief"}
    if pattern == "/api/chat":
        return {"message": "hello", "session_id": "s"}
    if pattern.endswith("/ai-agent"):
        return {"enabled": False}
    if pattern.endswith("/read"):
        return {"message_id": "0123456789abcdef01234567"}
    if pattern == "/api/users/{user}":
        return {"name": "taken over"}
    if pattern == "/api/chats/{chat}":
        return {"assigned_to": "thief", "status": "closed"}
    return {"content": "intruder", "role": "user"}


class AuthCase(ServerCase):
    """Two public listeners and one for operators; keys in the server's own directory."""

    more = ()

    @classmethod
    def setUpClass(cls):
        cls.server = Server("--auth-key", "key", "--admin-listen", "127.0.0.1:0", *cls.more, listeners=2, patient=True)
        write_key(cls.server, "key", KEY)
        cls.server.start()
        cls.admin_port = int(cls.server.logged(r"listening for operators address=127\.0\.0\.1:(\d+)")[1])
        cls.http = cls.server.http
        cls.dashboard = bearer(forge(claims("dashboard"), KEY))
        cls.bound = {owner: bearer(forge(claims("dashboard", owner=owner), KEY)) for owner in ("o1", "o2")}
        cls.ann = Person(cls.http, cls.dashboard, "ann", "o1")
        cls.bob = Person(cls.http, cls.dashboard, "bob", "o2")

    def doors(self):
        """(name, client, is for operators)"""
        for i, port in enumerate(self.server.ports):
            yield f"public {i}", Client(("127.0.0.1", port)), False
        yield "operators", Client(("127.0.0.1", self.admin_port)), True

    def assertNoTrace(self, response, person):
        for trace in person.traces:
            self.assertNotIn(trace, response.body, response)
            self.assertNotIn(trace, response.raw_head, response)


def write_key(server, name, key, mode=0o600):
    file = os.path.join(server.directory, name)
    with open(file, "wb") as f:
        f.write(key + b"\n")
    os.chmod(file, mode)
    return file


def request(client, method, target, body, headers):
    socket = target.startswith(SOCKET) and method == "GET"
    headers = list(headers) + (upgrade_headers(new_key()) if socket else [])
    payload = None if method in ("GET", "HEAD", "OPTIONS") else body
    return client.request(method, target, payload, headers)
