"""GET /api/openapi.json describes what is served: every route, no more, no less."""
import re

from harness.case import ServerCase, main
from harness.routes import PATTERNS, ROUTES, methods_of, path

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
        self.assertEqual({d for d in described if d[0] != "HEAD"}, {(m, shape(p)) for m, p in ROUTES})

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
        at = self.document
        for part in ref[2:].split("/"):
            at = at[part.replace("~1", "/").replace("~0", "~")]
        return at

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


if __name__ == "__main__":
    main()
