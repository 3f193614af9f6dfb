"""The pages and their scripts: how they are served. What they do is tests/web's."""
import gzip
import hashlib
import re

from harness.auth import AuthCase
from harness.case import FOREIGN, ORIGINS, ServerCase, main
from harness.rawhttp import build
from harness.routes import PAGES
from harness.server import Server, run

HTML = {"/": "console", "/demo": "demo", "/stats": "stats"}
SCRIPTS = ("/widget.js", "/client.js")
TYPES = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "html": "text/html; charset=utf-8"}
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'{}; "
          "base-uri 'none'; form-action 'none'; frame-ancestors 'self'; frame-src 'self'")
GZIP = [("Accept-Encoding", "gzip, deflate, br")]


def listed(value):
    return set((value or "").replace(" ", "").split(",")) - {""}


class Pages(ServerCase):
    def parts(self, page):
        """What a page names of /assets."""
        names = re.findall(r'"(/assets/[^"]+)"', self.get(page).body.decode())
        self.assertEqual(sorted(n.rsplit(".", 1)[1] for n in names), ["css", "js"], page)
        return names

    def chunk(self):
        """What /widget.js loads when it is needed."""
        names = re.findall(r'"(/assets/[^"]+)"', self.get("/widget.js").body.decode())
        self.assertEqual(len(names), 1)
        return names[0]

    def everything(self):
        return [*HTML, *SCRIPTS, self.chunk(), *(part for page in HTML for part in self.parts(page))]

    def for_any_site(self):
        return (*SCRIPTS, self.chunk())

    def type_of(self, target):
        return TYPES["html" if target in HTML else target.rsplit(".", 1)[1]]

    def test_every_route_is_tried_here(self):
        self.assertEqual(set(PAGES), {*HTML, *SCRIPTS, "/assets/{name}"})

    def test_types_and_the_headers_of_all(self):
        for target in self.everything():
            with self.subTest(target):
                r = self.get(target)
                self.assertEqual(r.header("Content-Type"), self.type_of(target))
                self.assertEqual(r.header("X-Content-Type-Options"), "nosniff")
                self.assertEqual(r.header("Referrer-Policy"), "no-referrer")
                self.assertIn("Accept-Encoding", listed(r.header("Vary")))
                self.assertTrue(r.body)

    def test_how_long_each_may_be_kept(self):
        for target in self.everything():
            wanted = ("no-cache" if target in HTML else "public, max-age=300" if target in SCRIPTS
                      else "public, max-age=31536000, immutable")
            with self.subTest(target):
                self.assertEqual(self.get(target).header("Cache-Control"), wanted)

    def test_names_of_parts_are_their_contents(self):
        for page, name in [*HTML.items(), ("/widget.js", "panel")]:
            for part in self.parts(page) if page in HTML else [self.chunk()]:
                with self.subTest(part):
                    kind, digest, _ = part.removeprefix("/assets/").split(".")
                    self.assertEqual(kind, name)
                    self.assertEqual(digest, hashlib.sha256(self.get(part).body).hexdigest()[:len(digest)])
                    self.assertGreaterEqual(len(digest), 10)

    def test_pages_have_a_strict_policy_and_nothing_else_has_one(self):
        for target in self.everything():
            with self.subTest(target):
                r = self.get(target, [("Host", "chat.example.com")])
                policy = r.header("Content-Security-Policy")
                if target not in HTML:
                    self.assertIsNone(policy)
                    continue
                self.assertEqual(policy, POLICY.format(" ws://chat.example.com wss://chat.example.com"))
                self.assertEqual(r.header("Cross-Origin-Opener-Policy"), "same-origin")

    def test_only_a_plain_host_gets_into_the_policy(self):
        for host, plain in (("localhost:8000", True), ("127.0.0.1", True), ("a-b.example.com:65535", True), ("[::1]:8000", False),
                            ("a_b", False), ("a;b", False), ("a'b", False), ("a,b", False), ("*", False), ("x" * 256, False),
                            ("a:1:2", False), ("a:b", False), (":80", False)):
            with self.subTest(host), self.server.connect() as c:
                r = c.request("GET", "/", headers=[("Host", host)])
                if r.status == 400:  # no host at all to the parser
                    self.assertFalse(plain)
                    continue
                self.assertEqual(r.header("Content-Security-Policy"), POLICY.format(f" ws://{host} wss://{host}" if plain else ""))

    def test_who_may_load_what_from_another_site(self):
        for target in self.everything():
            script = target in self.for_any_site()
            for origin in (ORIGINS[0], FOREIGN, None):
                with self.subTest(target, origin=origin):
                    r = self.get(target, [("Origin", origin)] if origin else ())
                    self.assertEqual(r.header("Cross-Origin-Resource-Policy"), "cross-origin" if script else "same-origin")
                    allowed = "*" if script else origin if origin == ORIGINS[0] else None
                    self.assertEqual(r.header("Access-Control-Allow-Origin"), allowed)
                    self.assertEqual(r.header("Access-Control-Allow-Credentials"), "true" if allowed == ORIGINS[0] else None)
                    vary = {"Accept-Encoding"} if script or not origin else {"Origin", "Accept-Encoding"}
                    self.assertEqual(listed(r.header("Vary")), vary)

    def test_a_script_for_every_site_is_no_refused_origin(self):
        def refused():
            return self.server.metrics().get("sakurad_origins_refused_total", asked_for="answer")

        before = refused()
        for target in self.for_any_site():
            self.get(target, [("Origin", FOREIGN)])
        self.assertEqual(refused(), before)
        self.get("/", [("Origin", FOREIGN)])
        self.assertEqual(refused(), before + 1)

    def test_compressed_for_who_takes_it(self):
        for target in self.everything():
            with self.subTest(target):
                plain, small = self.get(target), self.get(target, GZIP)
                self.assertIsNone(plain.header("Content-Encoding"))
                self.assertEqual(small.header("Content-Encoding"), "gzip")
                self.assertEqual(gzip.decompress(small.body), plain.body)
                self.assertNotEqual(small.header("ETag"), plain.header("ETag"))
                for r in (plain, small):
                    self.assertRegex(r.header("ETag"), r'^"[^"]+"$')

    def test_what_accept_encoding_means(self):
        rows = {True: ("gzip", "GZIP", "x-gzip", "*", "br, gzip", "gzip;q=0.001", "gzip ; q=1.000", "*;q=0.5", "identity;q=0.5, gzip",
                       "deflate;q=0.9,gzip;q=0.5", "br;q=1.0, *;q=0.1", "gzip, identity;q=0", ", ,gzip", "gzip;q=0.5,identity;q=0.5"),
                False: ("", "br", "identity", "gzip;q=0", "gzip;q=0.0, *", "gzip;q=0.000", "*;q=0", "gzipp", "gzip;q=0.5, identity",
                        "gzip;q=2", "gzip;q=", "gzip;q=-1", "gzip;q=1.1", "gzip;q=0,*;q=1", "identity;q=1, *;q=0.5", "gzip;q=0.x")}
        for taken, values in rows.items():
            for value in values:
                with self.subTest(value):
                    self.assertEqual(self.get("/demo", [("Accept-Encoding", value)]).header("Content-Encoding"), "gzip" if taken else None)
        r = self.get("/demo", [("Accept-Encoding", "br"), ("Accept-Encoding", "gzip")])
        self.assertEqual(r.header("Content-Encoding"), "gzip", "several lines are one list")

    def test_not_modified(self):
        for target in self.everything():
            for headers in ([], GZIP):
                got = self.get(target, headers)
                tag = got.header("ETag")
                for value in (tag, f"W/{tag}", f'"x", {tag}', "*"):
                    with self.subTest(target, value=value):
                        r = self.get(target, [*headers, ("If-None-Match", value)], status=304)
                        self.assertEqual(r.body, b"")
                        for name in ("ETag", "Cache-Control", "Vary", "Content-Security-Policy", "Cross-Origin-Resource-Policy"):
                            self.assertEqual(r.header(name), got.header(name), name)
                        for name in ("Content-Type", "Content-Encoding", "Content-Length"):
                            self.assertIsNone(r.header(name), name)
                r = self.get(target, [*headers, ("If-None-Match", '"x"'), ("If-None-Match", tag)], status=304)
                self.get(target, [*headers, ("If-None-Match", '"x"')])
            # the tag of one form is not the other's
            self.get(target, [*GZIP, ("If-None-Match", self.get(target).header("ETag"))])

    def test_head_says_what_get_says(self):
        for target in self.everything():
            for headers in ([], GZIP):
                with self.subTest(target), self.server.connect() as c:
                    got = c.request("GET", target, headers=headers)
                    c.send(build("HEAD", target, headers) + build("GET", "/api/health"))
                    head = c.response(head=True)
                    self.assertEqual((head.status, [h for h in head.headers if h[0] != b"date"]),
                                     (got.status, [h for h in got.headers if h[0] != b"date"]))
                    self.assertEqual(c.response().status, 200, "HEAD must carry no body")

    def test_other_methods_and_other_names(self):
        for target in (*HTML, *SCRIPTS, "/assets/x.js"):
            for method in ("POST", "PUT", "DELETE", "OPTIONS"):
                with self.subTest(f"{method} {target}"):
                    r = self.http.request(method, target)
                    self.assertError(r, 405, "Method Not Allowed")
                    self.assertEqual(listed(r.header("Allow")), {"GET", "HEAD"})
        part = self.parts("/")[0]
        for target in ("/assets", "/assets/x.js", "/assets/client.js", "/console", "/index.html", "/Demo", "/assets/%2e%2e%2fwidget.js",
                       "/assets/../widget.js", part + ".gz", part[:-1], "/favicon.ico", "/demo/x"):
            with self.subTest(target):
                self.assertError(self.http.get(target), 404, "Not Found")
        self.assertEqual(self.get("/%64emo").body, self.get("/demo").body)

    def test_one_slash_too_many(self):
        for target in ("/demo", "/stats", "/widget.js", self.parts("/")[0]):
            r = self.get(f"{target}/?a=b", status=307)
            self.assertEqual(r.header("Location"), f"{target}?a=b")
        self.assertError(self.http.get("//"), 404, "Not Found")

    def test_nothing_is_inline_and_nothing_is_from_elsewhere(self):
        """A policy that blocks it is no help to who relies on it."""
        for page in HTML:
            body = re.sub(r'"data:[^"]*"', '""', self.get(page).body.decode())  # an icon, with the name of its namespace
            with self.subTest(page):
                self.assertNotRegex(body, r"(?i)<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=|https?://|\./(main|style)")


class Dev(ServerCase):
    """What is worked on, unbundled, where the build is a debug build; and no way to it in any other."""

    def setUp(self):
        self.debug = self.http.get("/?dev").status == 307

    def test_pages_lead_to_their_sources(self):
        for target, source in (("/", "/dev/console/index.html"), ("/demo", "/dev/demo/index.html"),
                               ("/stats", "/dev/stats/index.html"), ("/client.js", "/dev/client/sakura.js")):
            with self.subTest(target):
                r = self.http.get(f"{target}?dev")
                self.assertEqual((r.status, r.header("Location")), (307, source) if self.debug else (200, None))
                r = self.http.get(source)
                self.assertEqual(r.status, 200 if self.debug else 404)
                if self.debug:
                    kind = source.rsplit(".", 1)[1]
                    self.assertEqual((r.header("Content-Type"), r.header("Cache-Control")), (TYPES[kind], "no-store"))
                    self.assertEqual(r.header("Content-Security-Policy") is not None, kind == "html")

    def test_nothing_but_the_sources(self):
        up = ("..", "%2e%2e", ".%2e", "..%2f..", "%2e%2e%2f%2e%2e", "....", ".", "%2e")
        targets = {f"/dev/{a}/{b}" for a in (*up, "client", "web") for b in (*up, "CMakeLists.txt", "assets.c", "passwd", "sakura.d.ts",
                                                                             "%00", "sakura.js%00", ".hidden.js", "%2fsakura.js")}
        targets |= {f"/dev/client/{a}/{b}" for a in up for b in ("main.js", "index.html", "CMakeLists.txt", "sakura.js")}
        targets |= {"/dev", "/dev/", "/dev/client", "/dev/sakura.js", "/dev/client/sakura.js/x.js", "/dev//etc/passwd.js",
                    "/dev/client/" + "x" * 300 + ".js"}
        for target in sorted(targets):
            with self.subTest(target):
                self.assertIn(self.http.get(target).status, (400, 404))


class NoConsole(ServerCase):
    args = ("--no-console",)

    def test_there_are_no_pages(self):
        with_pages = Server().start()
        try:
            parts = re.findall(r'"(/assets/[^"]+)"', with_pages.http.get("/").body.decode())
        finally:
            with_pages.stop()
            with_pages.discard()
        self.assertEqual(len(parts), 2)
        for target in (*HTML, *SCRIPTS, *parts, "/assets/x", "/?dev", "/dev/console/index.html", "/demo/"):
            for method in ("GET", "HEAD", "POST"):
                with self.subTest(f"{method} {target}"):
                    r = self.http.request(method, target)
                    self.assertEqual(r.status, 404)
                    if method != "HEAD":
                        self.assertEqual(r.body, b'{"detail":"Not Found"}')
        self.get("/api/health")


class WithTokens(AuthCase):
    """AuthCase's server has keys and a listener for operators."""

    def test_pages_are_for_everybody_and_stats_is_where_metrics_are(self):
        for door, client, operators in self.doors():
            for target in PAGES:
                if "{" in target:
                    continue
                for headers in ((), self.ann.headers, self.dashboard, [("Authorization", "Bearer rubbish")]):
                    with self.subTest(door=door, target=target):
                        r = client.get(target, headers)
                        self.assertEqual(r.status, 404 if target == "/stats" and not operators else 200, r)
                        if r.status == 200:  # the same for all: what caches share
                            self.assertNotIn("Authorization", listed(r.header("Vary")))
                if target == "/stats" and operators:
                    for part in re.findall(r'"(/assets/[^"]+)"', client.get(target).body.decode()):
                        self.assertEqual(client.get(part).status, 200)
            client.close()


if __name__ == "__main__":
    main()
