"""GET /api/users?q=&category=&status=: customers by words of name and address, and by section."""
import uuid
from urllib.parse import quote

from harness.auth import AuthCase
from harness.case import ServerCase, main, new_email



def target(q="", **others):
    return "/api/users?" + "&".join(f"{k}={quote(str(v))}" for k, v in {"q": q, **others}.items())


class Search(ServerCase):
    def setUp(self):
        self.tag = f"z{uuid.uuid4().hex}"  # this test's own word

    def customer(self, name, local="a", **fields):
        email = f"{local}.{self.tag}@shop.example"
        answer = self.post("/api/users/chats/create", {"email": email, "name": name}).json()
        if fields:
            self.assertEqual(self.http.patch(f"/api/users/{answer['user_id']}", fields).status, 200)
        return answer

    def found(self, q="", **others):
        page = self.get(target(q, **others)).json()
        self.assertKeys(page, "users total skip limit")
        return [u["name"] for u in page["users"]], page["total"]

    def test_words_prefixes_and_letters(self):
        self.customer("Ann Smith", "ann")
        self.customer("Änne O'Brien-Lee", "b_x+y")
        for q, names in (("ann", ["Ann Smith"]), ("ÄNN", ["Änne O'Brien-Lee"]), ("lee", ["Änne O'Brien-Lee"]),
                         ("smith ann", ["Ann Smith"]), ("brien änne", ["Änne O'Brien-Lee"]), ("nn", []), ("mith", []),
                         ("", ["Änne O'Brien-Lee", "Ann Smith"]), (f"ann.{self.tag}@SHOP", ["Ann Smith"]),
                         ("y", ["Änne O'Brien-Lee"]), ("ann lee", []), ("@shop", ["Änne O'Brien-Lee", "Ann Smith"])):
            with self.subTest(q):
                self.assertEqual(self.found(f"{q} {self.tag}"), (names, len(names)))

    def test_text_has_no_meaning_but_its_own(self):
        self.customer("100% (sure) a*b _x \\ \"quo\" [a-z]+ $ne")
        for q in ("100%", "(sure)", "a*b", "_x", "\\", "\"quo\"", "[a-z]+", "$ne"):
            self.assertEqual(self.found(f"{q} {self.tag}")[1], 1, q)
        for q in ("1%", "1_0", ".*", "%", "*", "a?b", "' OR '1'='1", "{\"$gt\":\"\"}", "[a-z]{2}", "\x01", "\u202e"):
            self.assertEqual(self.found(f"{q} {self.tag}b")[1], 0, q)

    def test_sections_pages_and_totals(self):
        for n in range(5):
            self.customer(f"C{n}", f"c{n}", category="human-chats", status="escalated" if n % 2 else "resolved")
        odd = {"category": "human-chats", "status": "escalated"}
        self.assertEqual(self.found(self.tag, **odd), (["C3", "C1"], 2))
        self.assertEqual(self.found(self.tag, category="human-chats"), ([f"C{n}" for n in (4, 3, 2, 1, 0)], 5))
        self.assertEqual(self.found(self.tag, skip=1, limit=2), (["C3", "C2"], 5))
        self.assertEqual(self.found(self.tag, skip=9), ([], 5))
        self.assertEqual(self.found(self.tag, category="no such"), ([], 0))
        self.assertEqual(self.found(self.tag, status="Escalated"), ([], 0))
        names, total = self.found(**odd)
        self.assertTrue({"C3", "C1"} <= set(names) and total >= 2)
        self.send(self.get(target(f"c0 {self.tag}")).json()["users"][0]["chats"][0]["chat_id"])
        self.assertEqual(self.found(self.tag, limit=1), (["C0"], 5))

    def send(self, chat):
        self.post(f"/api/users/chats/{chat}/send", {"content": "x"})

    def test_a_row_is_as_the_list_gives_it(self):
        made = self.customer("Row")
        self.send(made["chat_id"])
        [row] = self.get(target(self.tag)).json()["users"]
        listed = {u["_id"]: u for u in self.get("/api/users?limit=1000").json()["users"]}
        self.assertEqual(row, listed[made["user_id"]])

    def test_changes_show_at_once(self):
        made = self.customer("Before")
        for name in ("First", "Second", "First"):
            self.http.patch(f"/api/users/{made['user_id']}", {"name": name})
            for q in ("Before", "First", "Second"):
                self.assertEqual(self.found(f"{q} {self.tag}")[1], int(q == name), (q, name))

    def test_tags(self):
        made = self.customer("Tagged")
        first = self.get(target(self.tag))
        tag = first.header("ETag")
        self.customer_elsewhere()
        again = self.get(target(self.tag), [("If-None-Match", tag)], status=304)
        self.assertEqual((again.body, again.header("ETag")), (b"", tag))
        self.assertNotEqual(self.get(target(self.tag, limit=99)).header("ETag"), tag)
        self.send(made["chat_id"])
        changed = self.get(target(self.tag), [("If-None-Match", tag)])
        self.assertNotEqual(changed.header("ETag"), tag)
        self.assertEqual(self.http.request("HEAD", target(self.tag)).header("Content-Length"), str(len(changed.body)))

    def customer_elsewhere(self):
        self.post("/api/users/chats/create", {"email": new_email()})

    def test_bounds(self):
        for q in ("a" * 257, "a b c d e f g h i", "ä" * 129):
            answer = self.get(target(q), status=422).json()
            self.assertEqual(answer["detail"][0]["loc"], ["query", "q"])
        self.get(target("a" * 256))
        self.get(target("a b c d e f g h"))
        for field in ("category", "status"):
            self.get(target(**{field: "x" * 256}))
            self.get(target(**{field: "x" * 257}), status=422)
        for raw in ("%ff", "%c3", "%zz", "%00"):
            self.get(f"/api/users?q={raw}", status=422)
        self.get(target("a", limit=0), status=422)
        self.get(target("a", skip=-1), status=422)
        self.assertEqual(self.get("/api/users?q=&category=&status=").json(), self.get("/api/users").json())
        for blank in ("%20%09", "%c2%a0", "%e3%80%80%e2%80%8b"):
            self.assertEqual(self.get(f"/api/users?q={blank}").json(), self.get("/api/users").json())


class Scope(AuthCase):
    def test_an_owner_finds_and_counts_its_own(self):
        everyone = self.get(target("secret"), self.dashboard).json()
        self.assertGreaterEqual(everyone["total"], 2)
        for owner, headers in self.bound.items():
            page = self.get(target("secret"), headers).json()
            self.assertEqual(page["total"], len(page["users"]))
            self.assertEqual({u["dashboard_user_id"] for u in page["users"]} - {owner}, set())
            other = self.get(target("secret", category="agent-inbox"), headers).json()
            self.assertEqual(other["total"], page["total"])
        self.assertNoTrace(self.get(target("secret"), self.bound["o2"]), self.ann)
        self.assertEqual(self.get(target(self.ann.email), self.bound["o2"]).json()["total"], 0)
        self.assertEqual(self.get(target(self.ann.email), self.bound["o1"]).json()["total"], 1)

    def test_a_widget_is_refused(self):
        for q in ("", "secret"):
            self.get(target(q, status="active"), self.ann.headers, status=403)
        self.get(target("secret"), status=401)


if __name__ == "__main__":
    main()
