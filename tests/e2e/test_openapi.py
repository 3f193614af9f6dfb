"""GET /api/openapi.json describes what is served: every route and every key of its answers, no more, no less."""
import re

from harness.auth import AuthCase
from harness.case import ServerCase, main
from harness.routes import PAGES, PATTERNS, ROUTES, covers, methods_of, path
from harness.schemas import at, closed, faults

VERBS = {"get", "head", "post", "put", "patch", "delete", "options", "trace"}


def shape(pattern):
    """A pattern without its parameters' names."""
    return re.sub(r"\{[^}]*\}", "{}", pattern)


class OpenApi(ServerCase):
    def setUp(self):
        self.document = self.get("/api/openapi.json").json()

    def test_version_and_title(self):
        self.assertRegex(self.document["openapi"], r"^3\.1\.\d+$")
        self.assertKeys(self.document["info"], "title version")

    def test_every_route_is_described(self):
        described = {(verb.upper(), shape(p)) for p, item in self.document["paths"].items() for verb in item
                     if verb in VERBS}
        self.assertEqual({d for d in described if d[0] != "HEAD"}, {(m, shape(p)) for m, p in (*ROUTES, *(('GET', page) for page in PAGES))})

    def test_every_operation_is_whole(self):
        for pattern, item in self.document["paths"].items():
            for verb, operation in item.items():
                if verb not in VERBS:
                    continue
                with self.subTest(f"{verb} {pattern}"):
                    self.assertKeys(operation, "responses summary operationId")
                    self.assertTrue(operation["responses"])
                    named = {p["name"] for p in self.resolved(item.get("parameters", []) + operation.get("parameters", []))
                             if p["in"] == "path"}
                    self.assertEqual(named, set(re.findall(r"\{([^}]*)\}", pattern)))

    def resolved(self, items):
        return [self.follow(i["$ref"]) if "$ref" in i else i for i in items]

    def follow(self, ref):
        self.assertTrue(ref.startswith("#/"), ref)
        return at(self.document, ref)

    def test_every_reference_leads_somewhere(self):
        def walk(node):
            if isinstance(node, dict):
                if isinstance(node.get("$ref"), str):
                    self.follow(node["$ref"])
                for value in node.values():
                    walk(value)
            elif isinstance(node, list):
                for value in node:
                    walk(value)
        walk(self.document)

    def test_operation_ids_are_unique(self):
        ids = [o["operationId"] for item in self.document["paths"].values() for v, o in item.items() if v in VERBS]
        self.assertEqual(len(ids), len(set(ids)))

    def test_the_server_allows_what_is_described(self):
        for pattern in PATTERNS:
            with self.subTest(pattern):
                r = self.http.request("DELETE", path(pattern))
                self.assertEqual(r.status, 405)
                self.assertEqual(set(r.header("Allow").replace(" ", "").split(",")), methods_of(pattern))


class Answers(AuthCase):
    def setUp(self):
        self.document = closed(self.get("/api/openapi.json").json())

    def described(self, method, target, status):
        asked = target.split("?")[0]
        pattern = min((p for p in self.document["paths"] if covers(p, asked)), key=lambda p: p.count("{"))
        answer = self.document["paths"][pattern][method.lower()]["responses"][str(status)]
        return at(self.document, answer["$ref"]) if "$ref" in answer else answer

    def assertDescribed(self, method, target, body, headers, status):
        r = self.http.request(method, target, body, headers)
        self.assertEqual(r.status, status, r)
        answer = self.described(method, target, status)
        for name in ("ETag", "Retry-After", "Location", "WWW-Authenticate"):
            self.assertTrue(r.header(name) is None or name in answer.get("headers", {}), f"{name} of {r}")
        self.assertEqual(faults(self.document, answer["content"]["application/json"]["schema"], r.json()), [], r)

    def test_every_key_is_described(self):
        ann, widget, agent = self.ann, self.ann.headers, self.dashboard
        last = self.get(f"/api/chats/{ann.chat}", agent).json()["messages"][-1]["_id"]
        chat, user = f"/api/chats/{ann.chat}", f"/api/users/{ann.id}"
        rows = (("POST", "/api/users/chats/create", {"email": "new@x.io"}, (), 200),
                ("POST", "/api/users/chats/create", {}, (), 400),
                ("POST", "/api/users/data", {"vibe": "calm"}, widget, 200), ("POST", "/api/users/data", {"vibe": []}, widget, 422),
                ("POST", f"/api/users/chats/{ann.chat}/send", {"content": "a", "role": "assistant"}, widget, 200),
                ("POST", "/api/chat", {"message": "a", "session_id": ann.chat}, widget, 200),
                ("POST", f"{chat}/read", {"message_id": last}, widget, 200), ("POST", f"{chat}/read", {"message_id": "x"}, widget, 404),
                ("POST", f"{chat}/read", {"message_id": last, "side": "both"}, widget, 422), ("POST", f"{chat}/read", {}, (), 401),
                ("PATCH", chat, {"assigned_to": "me", "status": "closed"}, agent, 200), ("PATCH", chat, {"status": "ajar"}, agent, 422),
                ("PATCH", chat, {"status": "open"}, agent + [("If-Match", '"x"')], 412), ("PATCH", chat, {"status": "open"}, widget, 403),
                ("PATCH", user, {"category": "human-chats"}, agent, 200), ("PATCH", user, {"name": "n" * 513}, agent, 422),
                ("PATCH", f"/api/dashboard/chats/{ann.chat}/ai-agent", {"enabled": False}, agent, 200),
                *(("GET", target, None, agent, 200) for target in (
                    chat, user, f"{user}/chats", f"{chat}/messages?limit=1", "/api/users?limit=2", "/api/chats?limit=2",
                    "/api/debug/users-chats", "/api/debug/users-chats?limit=1&since=1", "/api/reports/stats", "/api/agent/stats",
                    f"/api/dashboard/chats/{ann.chat}/ai-agent", "/api/health", "/health")),
                *(("GET", target, None, widget, 200) for target in (chat, f"{user}/chats", f"{chat}/messages")))
        for row in rows:
            with self.subTest(" ".join(row[:2])):
                self.assertDescribed(*row)


if __name__ == "__main__":
    main()
