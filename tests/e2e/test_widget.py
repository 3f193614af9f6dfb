"""The widget's calls, row by row of the contract."""
import json
import re
import uuid

from harness.case import FORM, OBJECT_ID, SENT, UUID4, ServerCase, in_threads, main, new_email
from harness.routes import SEND_ROUTES, path

JSON = ("Content-Type", "application/json")
AI_OFF = "AI agent responses are currently disabled. A human agent will respond soon."
DEFAULT_NAMES = ("Widget User", "User abc", "")
DEFAULT_EMAILS = ("someone@widget.local", "unknown@example.com", "")


def multipart(*fields, boundary="----b0undary"):
    parts = "".join(f'--{boundary}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields)
    return ("Content-Type", f"multipart/form-data; boundary={boundary}"), (parts + f"--{boundary}--\r\n").encode()


class Health(ServerCase):
    def test_GET_api_health(self):
        answer = self.get("/api/health").json()
        self.assertEqual(answer["status"], "healthy")
        self.assertKeys(answer, "status store bus version uptime_seconds")


class UsersData(ServerCase):
    """POST /api/users/data"""

    def user(self, ident):
        return self.get(f"/api/users/{ident}").json()

    def test_every_field_is_kept(self):
        email, owner = new_email(), uuid.uuid4().hex
        given = {"email": email, "name": "Ann", "timestamp": "2026-01-02T03:04:05Z", "lastSeen": "2026-01-02T03:04:05Z",
                 "totalVisits": 7, "ip": "192.0.2.1", "location": {"country": "PT", "city": "Porto", "n": [1, 2.5]},
                 "device": {"type": "phone", "os": None}, "vibe": "happy", "visitDuration": 12.5, "chatId": "c-1",
                 "category": "human-chats", "status": "escalated", "user_id": owner}
        r = self.post("/api/users/data", given)
        self.assertEqual(r.json(), {"success": True, "message": "User data received successfully for c-1"})
        user = self.user(email)
        for key in ("email", "name", "ip", "location", "device", "vibe", "category", "status"):
            self.assertEqual(user[key], given[key], key)
        self.assertEqual(user["dashboard_user_id"], owner)
        self.assertRegex(user["_id"], OBJECT_ID)
        self.assertNotEqual(user["_id"], owner)

    def test_defaults(self):
        r = self.post("/api/users/data", {})
        self.assertEqual(r.json(), {"success": True, "message": "User data received successfully for unknown@example.com"})
        user = self.user("unknown@example.com")
        self.assertEqual({k: user[k] for k in ("name", "vibe", "category", "status", "location", "device")},
                         {"name": "Unknown User", "vibe": "neutral", "category": "agent-inbox", "status": "active",
                          "location": {}, "device": {}})

    def test_message_names_the_email_without_a_chat(self):
        email = new_email()
        self.assertEqual(self.post("/api/users/data", {"email": email}).json()["message"],
                         f"User data received successfully for {email}")

    def test_upsert_by_email(self):
        email = new_email()
        before = self.get("/api/users?limit=1").json()["total"]
        self.post("/api/users/data", {"email": email, "name": "Ann", "vibe": "calm"})
        first = self.user(email)
        self.post("/api/users/data", {"email": email, "name": "Anna", "vibe": "angry", "location": {"city": "Faro"}})
        second = self.user(email)
        self.assertEqual(second["_id"], first["_id"])
        self.assertEqual((second["name"], second["vibe"], second["location"]), ("Anna", "angry", {"city": "Faro"}))
        self.assertEqual(self.get("/api/users?limit=1").json()["total"], before + 1)

    def test_last_seen_in_every_form_that_clients_write(self):
        email = new_email()
        for given in ("2026-01-02T03:04:05Z", "2026-01-02 05:04:05+0200", "Fri, 02 Jan 2026 03:04:05 GMT", 1767323045,
                      1767323045.0, "1767323045", 1767323045000, "1767323045000", 1767323045000000):
            with self.subTest(given):
                self.post("/api/users/data", {"email": email, "lastSeen": "2020-01-01T00:00:00Z"})
                self.post("/api/users/data", {"email": email, "lastSeen": given})
                self.assertEqual(self.last_seen(email), "2026-01-02T03:04:05.000000Z")

    def test_last_seen_that_cannot_be_read_is_left_as_it_was(self):
        """It was silently "now"."""
        email = new_email()
        self.post("/api/users/data", {"email": email, "lastSeen": "2026-01-02T03:04:05Z"})
        for given in ("1/2/2026, 3:04:05 AM", "yesterday", -5, 1e300, "12e5x", "\u0661"):
            with self.subTest(given):
                self.post("/api/users/data", {"email": email, "lastSeen": given})
                self.assertEqual(self.last_seen(email), "2026-01-02T03:04:05.000000Z")

    def last_seen(self, email):
        return next(u for u in self.get("/api/users?limit=1000").json()["users"] if u["email"] == email)["last_seen"]

    def test_upsert_at_the_same_instant_makes_one_customer(self):
        email = new_email()
        before = self.get("/api/users?limit=1").json()["total"]

        def work(index):
            r = self.server.client().post("/api/users/data", {"email": email, "name": f"Ann {index}"})
            self.assertEqual(r.status, 200)
        in_threads(8, work)
        self.assertEqual(self.get("/api/users?limit=1").json()["total"], before + 1)

    def test_refused(self):
        rows = (
            ("a list", "[1]", "dict_type"), ("a string", '"x"', "dict_type"), ("a number", "1", "dict_type"),
            ("null", "null", None), ("invalid JSON", "{", "json_invalid"), ("trailing text", "{} x", "json_invalid"),
            ("single quotes", "{'email':'a'}", "json_invalid"), ("NaN", '{"totalVisits":NaN}', "json_invalid"),
            ("no body", None, "missing"),
        )
        for name, body, kind in rows:
            with self.subTest(name):
                r = self.http.post("/api/users/data", body, [JSON] if body is not None else [])
                self.assertInvalid(r, ("body",), kind)

    def test_keys_that_a_driver_refuses_stop_nobody(self):
        """An empty key in `location` made the batch fail and be tried again until every send was a 503."""
        chat, other = self.chat(), self.server.client()
        for location in ('{"":1}', '{"a":{"":[{"":2}]}}', '{"a.b":1,".":2,"$set":{"$x":3}}', '{"d":1,"d":2}'):
            with self.subTest(location):
                email = new_email()
                r = other.post("/api/users/data", '{"email":"%s","location":%s}' % (email, location), [JSON])
                self.assertEqual(r.status, 200, r)
                chat.send(location)
                self.assertEqual(self.user(email)["location"], json.loads(location))
        self.assertEqual(self.get("/api/health").json()["status"], "healthy")

    def test_a_key_with_NUL_is_named(self):
        for field, value in (("location", '{"a\\u0000b":1}'), ("device", '{"a":[{"\\u0000":{}}]}')):
            with self.subTest(value):
                r = self.http.post("/api/users/data", '{"email":"%s","%s":%s}' % (new_email(), field, value), [JSON])
                self.assertInvalid(r, ("body", field), "value_error")
        email = new_email()
        self.post("/api/users/data", {"email": email, "location": {"a": "\0", "\\u0000": "\\u0000"}})
        self.assertEqual(self.user(email)["location"], {"a": "\0", "\\u0000": "\\u0000"})

    def test_odd_values_are_kept_or_refused_but_never_an_error_of_ours(self):
        for field in ("email", "name", "timestamp", "lastSeen", "totalVisits", "ip", "location", "device", "vibe",
                      "visitDuration", "chatId", "category", "status", "user_id"):
            for value in (None, True, -1, 1e300, 12345678901234567890, "", "x" * 50000, [], [[1]], {"a": {"b": 1}}):
                with self.subTest(field=field, value=str(value)[:20]):
                    r = self.http.post("/api/users/data", {"email": new_email(), field: value})
                    self.assertIn(r.status, (200, 422), r)
        self.get("/api/debug/users-chats?limit=1000")


class Create(ServerCase):
    """POST /api/users/chats/create"""

    def create(self, **body):
        answer = self.post("/api/users/chats/create", body).json()
        self.assertEqual((answer["success"], answer["message"]), (True, "Chat instance created successfully"))
        self.assertRegex(answer["chat_id"], UUID4)
        return answer

    def user(self, ident):
        return self.get(f"/api/users/{ident}").json()

    def test_neither_id_nor_email(self):
        for body in ({}, {"name": "Ann"}, {"user_id": None, "email": None}, {"user_id": "", "email": ""}):
            with self.subTest(body):
                self.assertError(self.http.post("/api/users/chats/create", body), 400, "Either user_id or email is required")

    def test_not_an_object(self):
        for body in ("[]", "{", "", '"x"'):
            with self.subTest(body):
                self.assertInvalid(self.http.post("/api/users/chats/create", body, [JSON]), ("body",))

    def test_types(self):
        for field in ("user_id", "email", "name"):
            for value in (True, [], {}):
                with self.subTest(field=field, value=value):
                    body = {"email": new_email(), field: value}
                    self.assertInvalid(self.http.post("/api/users/chats/create", body), ("body", field), "string_type")

    def test_only_an_email_makes_a_fresh_id(self):
        email = new_email()
        answer = self.create(email=email)
        self.assertRegex(answer["user_id"], OBJECT_ID)
        user = self.user(email)
        self.assertEqual((user["_id"], user["email"], user["category"], user["status"]),
                         (answer["user_id"], email, "agent-inbox", "active"))
        self.assertEqual(user["name"], f"User {answer['user_id'][:8]}")

    def test_only_an_id_makes_default_name_and_email(self):
        ident = uuid.uuid4().hex[:24]
        answer = self.create(user_id=ident)
        self.assertEqual(answer["user_id"], ident)
        user = self.user(ident)
        self.assertEqual((user["name"], user["email"]), (f"User {ident[:8]}", f"user_{ident}@widget.local"))

    def test_a_number_is_taken_as_its_digits(self):
        """Clients in the field are loose with types."""
        self.assertEqual(self.create(user_id=123456789, email=new_email())["user_id"], "123456789")

    def test_an_id_of_the_callers_own_is_kept_as_it_is(self):
        ident = f"customer #{uuid.uuid4().hex[:6]} / é"
        self.assertEqual(self.create(user_id=ident, email=new_email())["user_id"], ident)

    def test_found_by_id_then_by_email(self):
        email = new_email()
        first = self.create(email=email, name="Ann")
        self.assertEqual(self.create(user_id=first["user_id"])["user_id"], first["user_id"])
        self.assertEqual(self.create(email=email)["user_id"], first["user_id"])
        self.assertEqual(self.create(user_id=uuid.uuid4().hex[:24], email=email)["user_id"], first["user_id"])
        other = self.create(email=new_email())
        self.assertEqual(self.create(user_id=other["user_id"], email=email)["user_id"], other["user_id"],
                         "the id goes before the email")
        self.assertEqual(self.get(f"/api/users/{first['user_id']}/chats").json()["total_chats"], 4)

    def test_each_call_makes_a_chat(self):
        email = new_email()
        ids = [self.create(email=email)["chat_id"] for _ in range(3)]
        self.assertEqual(len(set(ids)), 3)
        chats = self.get(f"/api/users/{email}/chats").json()
        self.assertEqual({c["chat_id"] for c in chats["chats"]}, set(ids))

    def test_a_create_that_is_sent_again_makes_one_chat(self):
        """Each try after a lost answer made another one."""
        email, other = new_email(), new_email()
        for name, headers, fields in (("header", [("Idempotency-Key", '"k"')], {}), ("field", [], {"client_message_id": "f"})):
            with self.subTest(name):
                body = {"email": email, "name": "Ann", **fields}
                first = self.post("/api/users/chats/create", body, headers).json()
                self.assertRegex(first["chat_id"], UUID4)
                self.assertEqual(self.post("/api/users/chats/create", body, headers).json(), first)
                another = self.post("/api/users/chats/create", {**body, "email": other}, headers).json()
                self.assertNotEqual(another["chat_id"], first["chat_id"])
        self.assertEqual(self.get(f"/api/users/{email}/chats").json()["total_chats"], 2)
        self.server.kill()
        self.server.start()
        type(self).http = self.server.http
        self.assertEqual(self.post("/api/users/chats/create", body).json(), first)
        self.assertNotEqual(self.post("/api/users/chats/create", {**body, "client_message_id": ""}).json()["chat_id"],
                            first["chat_id"])

    def test_a_create_that_is_sent_again_at_the_same_instant_makes_one_chat(self):
        email, ids = new_email(), []
        before = self.get("/api/chats?limit=1").json()["total"]

        def work(index):
            r = self.server.client().post("/api/users/chats/create", {"email": email}, [("Idempotency-Key", "same")])
            self.assertEqual(r.status, 200, r)
            ids.append((r.json()["chat_id"], r.json()["user_id"]))
        in_threads(8, work)
        self.assertEqual(len(set(ids)), 1)
        self.assertEqual(self.get("/api/chats?limit=1").json()["total"], before + 1)

    def test_a_default_name_is_replaced_by_a_better_one(self):
        for default in DEFAULT_NAMES:
            with self.subTest(default):
                email = new_email()
                self.create(email=email, name=default)
                self.create(email=email, name="Ann Better")
                self.assertEqual(self.user(email)["name"], "Ann Better")

    def test_a_good_name_stays(self):
        email = new_email()
        self.create(email=email, name="Ann")
        for worse in DEFAULT_NAMES + ("Bob",):
            with self.subTest(worse):
                self.create(email=email, name=worse)
                self.assertEqual(self.user(email)["name"], "Ann")

    def test_a_default_email_is_replaced_by_a_better_one(self):
        for default in DEFAULT_EMAILS:
            with self.subTest(default):
                ident, better = uuid.uuid4().hex[:24], new_email()
                self.create(user_id=ident, **({"email": default} if default != "unknown@example.com" else {}))
                if default == "unknown@example.com":
                    self.post("/api/users/data", {})  # the one customer of that email
                    ident = self.user("unknown@example.com")["_id"]
                self.create(user_id=ident, email=better)
                self.assertEqual(self.user(ident)["email"], better)
                self.assertEqual(self.user(better)["_id"], ident)

    def test_an_address_that_is_another_customers_id_is_refused(self):
        """It was taken; once that customer was out of memory its widget was served the attacker's chats."""
        address = new_email()
        self.create(user_id=address, name="Its id is an address")
        plain = self.create(email=new_email())["user_id"]
        for email in (plain, plain.upper(), address, "no-sign", " x "):
            for target, body in (("/api/users/chats/create", {"email": email}),
                                 ("/api/users/chats/create", {"user_id": "eve", "email": email}),
                                 ("/api/users/data", {"email": email})):
                with self.subTest(email=email, target=target):
                    self.assertInvalid(self.http.post(target, body), ("body", "email"), "value_error")
        self.assertError(self.http.get("/api/users/eve"), 404, "User not found")
        self.assertEqual(self.user(address)["name"], "Its id is an address")
        self.assertEqual(self.create(user_id=address, email=address)["user_id"], address)  # its own

    def test_an_id_that_is_an_address_means_who_has_it(self):
        email = new_email()
        ident = self.create(email=email)["user_id"]
        self.assertEqual(self.create(user_id=email)["user_id"], ident)
        self.assertEqual(self.get(f"/api/users/{email}/chats").json()["total_chats"], 2)

    def test_a_default_address_finds_nobody(self):
        """Two strangers were one customer, and read each other."""
        for email in ("unknown@example.com", "Unknown@Example.com", "guest@widget.local"):
            with self.subTest(email):
                self.post("/api/users/data", {"email": email})
                ids = {self.create(email=email)["user_id"] for _ in range(3)}
                self.assertEqual(len(ids), 3)
                self.assertError(self.http.get(f"/api/users/{email}/chats"), 404, "User not found")
                for ident in ids:
                    made = f"user_{ident}@widget.local"
                    self.assertEqual(self.user(ident)["email"], made)
                    self.assertEqual(self.get(f"/api/users/{made}/chats").json()["user_id"], ident)
        self.assertError(self.http.post("/api/users/chats/create", {"email": "  "}), 400,
                         "Either user_id or email is required")

    def test_spellings_of_one_address_are_one_customer(self):
        email = "Zoë.B@" + new_email().split("@")[1]
        email = email.replace("Zoë", "Zoe" + uuid.uuid4().hex[:8])
        ident = self.create(email=email)["user_id"]
        for spelling in (email.lower(), email.upper(), f" {email} "):
            with self.subTest(spelling):
                self.assertEqual(self.create(email=spelling)["user_id"], ident)
                self.post("/api/users/data", {"email": spelling, "vibe": "happy"})
                path = spelling.replace(" ", "%20")
                self.assertEqual(self.get(f"/api/users/{path}/chats").json()["user_id"], ident)
                self.assertEqual({c["user_id"] for c in self.get(f"/api/chats?email={path}").json()["chats"]}, {ident})
        self.assertEqual(self.get(f"/api/users/{ident}/chats").json()["total_chats"], 4)

    def test_a_good_email_stays(self):
        email = new_email()
        ident = self.create(email=email)["user_id"]
        for other in ("x@widget.local", "", new_email()):
            with self.subTest(other):
                self.create(user_id=ident, email=other)
                self.assertEqual(self.user(ident)["email"], email)

    def test_at_the_same_instant_makes_one_customer(self):
        email = new_email()
        ids = []

        def work(index):
            ids.append(self.server.client().post("/api/users/chats/create", {"email": email}).json()["user_id"])
        in_threads(8, work)
        self.assertEqual(len(set(ids)), 1)
        self.assertEqual(self.get(f"/api/users/{email}/chats").json()["total_chats"], 8)


class Send(ServerCase):
    """POST /api/users/chats/{chat_id}/send, and the dashboard's two routes that do the same"""

    def bodies(self):
        part, parts = multipart(("content", "hi 1+1=2 é"), ("role", "agent"))
        simple = json.dumps({"content": "hi 1+1=2 é", "role": "agent"})
        form = "content=hi+1%2B1%3D2+%C3%A9&role=agent"
        return (
            ("JSON", [JSON], simple),
            ("JSON with a charset", [("Content-Type", "application/json; charset=utf-8")], simple),
            ("JSON, content type in capitals", [("Content-Type", "APPLICATION/JSON")], simple),
            ("JSON as a subtype", [("Content-Type", "application/vnd.api+json")], simple),
            ("JSON under text/plain", [("Content-Type", "text/plain;charset=UTF-8")], simple),
            ("JSON without a content type", [], simple),
            ("JSON, not escaped", [JSON], json.dumps({"content": "hi 1+1=2 é", "role": "agent"}, ensure_ascii=False)),
            ("JSON, with blanks and more fields", [JSON],
             ' \r\n{ "x" : [1, {"content": "no"}], "content" : "hi 1+1=2 \\u00e9", "role":"agent" } \n'),
            ("JSON, a field given twice: the last", [JSON], '{"content":"no","content":"hi 1+1=2 é","role":"agent"}'),
            ("urlencoded", [FORM], form),
            ("urlencoded with a charset", [("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")], form),
            ("urlencoded, other fields too", [FORM], "a=b&&" + form + "&c"),
            ("multipart", [part], parts),
            ("multipart, quoted boundary", [("Content-Type", 'multipart/form-data; boundary="----b0undary"')], parts),
            ("chunked JSON", [JSON, ("Transfer-Encoding", "chunked")],
             f"{len(simple):x}\r\n{simple}\r\n0\r\n\r\n"),
        )

    def test_every_form_of_body_on_every_route(self):
        for pattern in SEND_ROUTES:
            chat = self.chat()
            for count, (name, headers, body) in enumerate(self.bodies(), 1):
                with self.subTest(name, route=pattern):
                    answer = self.post(path(pattern, chat.id), body, headers).json()
                    self.assertEqual({k: answer[k] for k in SENT}, SENT)
                    self.assertKeys(answer, "message_id timestamp")
                    self.assertTime(answer["timestamp"])
                    history = chat.history()
                    self.assertEqual(len(history), count)
                    self.assertEqual((history[-1]["_id"], history[-1]["content"], history[-1]["timestamp"]),
                                     (answer["message_id"], "hi 1+1=2 é", answer["timestamp"]))
                    self.assertEqual(chat.poll()["messages"][-1]["role"], "agent")

    def test_a_text_cut_in_the_middle_of_an_emoji_arrives(self):
        """It was a 400, and the message lost."""
        chat = self.chat()
        for body in ('{"content":"cut \\ud83d"}', '\ufeff{"content":"cut \\ude00"}'):
            self.post(f"/api/users/chats/{chat.id}/send", body, [JSON])
            self.assertEqual(chat.poll()["messages"][-1]["content"], "cut \ufffd")
        for name in ("client_message_id", "role"):
            r = self.http.post(f"/api/users/chats/{chat.id}/send", '{"content":"x","%s":"a\\ud83d"}' % name, [JSON])
            self.assertEqual(r.status, 422 if name == "client_message_id" else 200, r)
        for name in ("email", "user_id"):
            r = self.http.post("/api/users/chats/create", '{"%s":"a@\\ud83d.io"}' % name, [JSON])
            self.assertInvalid(r, ("body", name))
        r = self.http.post("/api/users/data", '{"email":"%s","location":{"a":"\\ud83d"}}' % new_email(), [JSON])
        self.assertInvalid(r, ("body", "location"))

    def test_role_is_user_by_default_and_any_other_is_kept(self):
        chat = self.chat()
        for role in ("user", "agent", "assistant", "system", "x", "é" * 32, "a role", "ROLE", "\"'<>&"):
            with self.subTest(role):
                chat.send("x", role)
                self.assertEqual(chat.poll()["messages"][-1]["role"], role)
        self.post(f"/api/users/chats/{chat.id}/send", {"content": "x"})
        self.assertEqual(chat.poll()["messages"][-1]["role"], "user")

    def test_errors_on_every_route(self):
        chat = self.chat()
        part, parts = multipart(("role", "user"))
        rows = (
            ("content missing", [JSON], "{}", 400, "Message content is required"),
            ("content empty", [JSON], '{"content":""}', 400, "Message content is required"),
            ("form without content", [FORM], "role=user", 400, "Message content is required"),
            ("form with empty content", [FORM], "content=&role=user", 400, "Message content is required"),
            ("multipart without content", [part], parts, 400, "Message content is required"),
            ("no body", [], None, 400, "Request body is empty"),
            ("empty body", [JSON], "", 400, "Request body is empty"),
            ("not JSON", [JSON], "{", 400, r"^Invalid request body: ."),
            ("not JSON either", [JSON], '{"content":"x"', 400, r"^Invalid request body: ."),
            ("a comma too many", [JSON], '{"content":"x",}', 400, r"^Invalid request body: ."),
            ("text after the value", [JSON], '{"content":"x"}}', 400, r"^Invalid request body: ."),
            ("key without quotes", [JSON], '{content:"x"}', 400, r"^Invalid request body: ."),
            ("bad UTF-8", [JSON], b'{"content":"\xff"}', 400, r"^Invalid request body: ."),
            ("overlong UTF-8", [JSON], b'{"content":"\xc0\xaf"}', 400, r"^Invalid request body: ."),
            ("raw control character", [JSON], b'{"content":"a\x01b"}', 400, r"^Invalid request body: ."),
            ("too deep", [JSON], '{"content":"x","a":' + "[" * 5000 + "]" * 5000 + "}", 400, r"^Invalid request body: ."),
            ("plain text", [("Content-Type", "text/plain")], "hello", 400, r"^Invalid request body: ."),
            ("multipart without a boundary", [("Content-Type", "multipart/form-data")], "x", 400, r"^Invalid request body: ."),
            ("multipart that never ends", [part], parts[:-6], 400, r"^Invalid request body: ."),
            ("form with a bad escape", [FORM], "content=%zz", 400, r"^Invalid request body: ."),
            ("content a number", [JSON], '{"content":1}', 422, ("body", "content")),
            ("content a list", [JSON], '{"content":["x"]}', 422, ("body", "content")),
            ("content an object", [JSON], '{"content":{"a":1}}', 422, ("body", "content")),
            ("content null", [JSON], '{"content":null}', 422, ("body", "content")),
            ("content true", [JSON], '{"content":true}', 422, ("body", "content")),
            ("role a number", [JSON], '{"content":"x","role":1}', 422, ("body", "role")),
            ("role a list", [JSON], '{"content":"x","role":[]}', 422, ("body", "role")),
            ("role of 33 characters", [JSON], json.dumps({"content": "x", "role": "é" * 33}), 422, ("body", "role")),
            ("role empty", [JSON], '{"content":"x","role":""}', 422, ("body", "role")),
        )
        for pattern in SEND_ROUTES:
            for name, headers, body, status, expected in rows:
                with self.subTest(name, route=pattern):
                    r = self.http.post(path(pattern, chat.id), body, headers)
                    if status == 422:
                        self.assertInvalid(r, expected)
                    else:
                        self.assertError(r, status, re.compile(expected) if expected.startswith("^") else expected)
        self.assertEqual(chat.history(), [])

    def test_unknown_chat(self):
        for pattern in SEND_ROUTES:
            for ident in ("none", str(uuid.uuid4()), "x" * 64, "a%20b"):
                with self.subTest(pattern, ident=ident):
                    r = self.http.post(path(pattern, ident), {"content": "x"})
                    self.assertError(r, 404, f"Chat not found: {ident.replace('%20', ' ')}")

    def test_content_is_checked_before_the_chat(self):
        for pattern in SEND_ROUTES:
            with self.subTest(pattern):
                self.assertError(self.http.post(path(pattern), {"content": ""}), 400, "Message content is required")

    def test_order_is_kept(self):
        chat = self.chat()
        ids = [chat.send(f"n {i}")["message_id"] for i in range(50)]
        self.assertEqual([m["_id"] for m in chat.history()], ids)
        self.assertEqual(sorted(ids), ids, "ids sort as the messages stand")
        times = [m["timestamp"] for m in chat.history()]
        self.assertEqual(sorted(times), times)

    def test_total_and_last_activity_follow(self):
        chat = self.chat()
        before = chat.poll()
        self.assertEqual((before["total_messages"], before["messages"]), (0, []))
        stamp = chat.send("x")["timestamp"]
        after = chat.poll()
        self.assertEqual((after["total_messages"], after["last_activity"]), (1, stamp))


class Idempotent(ServerCase):
    """Header Idempotency-Key or field client_message_id: stored once, answered the same"""

    def test_by_field_and_by_header(self):
        for name, headers, fields in (("field", [], {"client_message_id": "k"}), ("header", [("Idempotency-Key", "k")], {}),
                                      ("128 characters", [], {"client_message_id": "é" * 128})):
            with self.subTest(name):
                chat = self.chat()
                first = chat.send("one", headers=headers, **fields)
                self.assertEqual(chat.send("one", headers=headers, **fields), first)
                self.assertEqual(chat.send("other text", headers=headers, **fields), first)
                self.assertEqual([m["content"] for m in chat.history()], ["one"])
                self.assertEqual(chat.poll()["total_messages"], 1)

    def test_field_and_header_are_one_key(self):
        chat = self.chat()
        first = chat.send("one", client_message_id="k")
        self.assertEqual(chat.send("one", headers=[("Idempotency-Key", "k")]), first)

    def test_the_applications_own_key_wins(self):
        """Browsers and proxies add headers of their own: one that came with two messages made one of them."""
        chat = self.chat()
        same = [("Idempotency-Key", "from a proxy")]
        ids = [chat.send(key, headers=same, client_message_id=key)["message_id"] for key in ("a", "b", "a")]
        self.assertEqual((ids[0] == ids[2], ids[0] == ids[1]), (True, False))
        wrong = chat.send("c", headers=[("Idempotency-Key", "k" * 129)], client_message_id="c")
        self.assertEqual(chat.send("c", client_message_id="c"), wrong)
        self.assertEqual(chat.send("d", headers=[("Idempotency-Key", "d")], client_message_id=""),
                         chat.send("d", headers=[("Idempotency-Key", "d")]))

    def test_an_empty_key_is_none(self):
        for name, headers, fields in (("header", [("Idempotency-Key", "")], {}), ("blanks", [("Idempotency-Key", "  ")], {}),
                                      ("quotes", [("Idempotency-Key", '""')], {}), ("field", [], {"client_message_id": ""}),
                                      ("null", [], {"client_message_id": None}),
                                      ("both", [("Idempotency-Key", "")], {"client_message_id": ""})):
            with self.subTest(name):
                chat = self.chat()
                self.assertNotEqual(chat.send("one", headers=headers, **fields), chat.send("two", headers=headers, **fields))
                self.assertEqual([m["content"] for m in chat.history()], ["one", "two"])

    def test_quotes_around_the_header_are_not_part_of_it(self):
        chat = self.chat()
        first = chat.send("one", headers=[("Idempotency-Key", '"8e03978e"')])
        self.assertEqual(chat.send("one", headers=[("Idempotency-Key", "8e03978e")]), first)
        self.assertEqual(chat.send("one", client_message_id="8e03978e"), first)
        self.assertNotEqual(chat.send("one", client_message_id='"8e03978e"'), first)
        self.assertNotEqual(chat.send("one", headers=[("Idempotency-Key", '"')]), first)

    def test_form_field(self):
        chat = self.chat()
        answers = [self.post(f"/api/chats/{chat.id}/send", "content=x&client_message_id=k", [FORM]).json() for _ in range(2)]
        self.assertEqual(answers[0], answers[1])
        self.assertEqual(len(chat.history()), 1)

    def test_another_key_or_another_chat_is_another_message(self):
        chat, other = self.chat(), self.chat()
        ids = {chat.send("one", client_message_id="a")["message_id"], chat.send("one", client_message_id="b")["message_id"],
               other.send("one", client_message_id="a")["message_id"], chat.send("one")["message_id"],
               chat.send("one")["message_id"]}
        self.assertEqual(len(ids), 5)

    def test_at_the_same_instant(self):
        chat = self.chat()
        answers = []

        def work(index):
            client = self.server.client()
            for n in range(20):
                r = client.post(f"/api/chats/{chat.id}/send", {"content": "x", "client_message_id": f"k{n}"})
                self.assertEqual(r.status, 200, r)
                answers.append((n, r.json()["message_id"]))
        in_threads(6, work)
        self.assertEqual(len(set(answers)), 20)
        self.assertEqual(len(chat.history()), 20)

    def test_refused_keys(self):
        chat = self.chat()
        for name, headers, fields in (("field of 129", [], {"client_message_id": "k" * 129}),
                                      ("header of 129", [("Idempotency-Key", "k" * 129)], {}),
                                      ("header not UTF-8", [("Idempotency-Key", "k\xff")], {}),
                                      ("not text", [], {"client_message_id": [5]})):
            with self.subTest(name):
                r = self.http.post(f"/api/chats/{chat.id}/send", {"content": "x", **fields}, headers)
                self.assertIn(r.status, (400, 422), r)
        self.assertEqual(chat.history(), [])

    def test_deduplicated_sends_are_counted(self):
        chat = self.chat()
        before = self.server.metrics().get("sakurad_sends_deduplicated_total")
        chat.send("x", client_message_id="k")
        chat.send("x", client_message_id="k")
        self.assertEqual(self.server.metrics().get("sakurad_sends_deduplicated_total"), before + 1)


class Poll(ServerCase):
    """GET /api/users/{id or email}/chats"""

    def test_shape(self):
        chat = self.chat()
        chat.send("hello", "user")
        for ident in (chat.user_id, chat.email, chat.email.replace("@", "%40")):
            with self.subTest(ident):
                answer = self.get(f"/api/users/{ident}/chats").json()
                self.assertKeys(answer, "user_id user_name user_email chats total_chats")
                self.assertEqual((answer["user_id"], answer["user_name"], answer["user_email"], answer["total_chats"]),
                                 (chat.user_id, "Ann", chat.email, 1))
                shown = answer["chats"][0]
                self.assertKeys(shown, "chat_id status created_at last_activity total_messages messages")
                self.assertEqual((shown["chat_id"], shown["status"], shown["total_messages"]), (chat.id, "open", 1))
                self.assertTime(shown["created_at"])
                self.assertTime(shown["last_activity"])
                message = shown["messages"][0]
                self.assertKeys(message, "_id role text content timestamp read")
                self.assertEqual((message["role"], message["text"], message["content"], message["read"]),
                                 ("user", "hello", "hello", False))
                self.assertTime(message["timestamp"])

    def test_ids_are_unique(self):
        chat = self.chat()
        for i in range(200):
            chat.send(str(i))
        ids = [m["_id"] for m in chat.poll()["messages"]]
        self.assertEqual((len(ids), len(set(ids))), (200, 200))

    def test_a_customer_without_chats(self):
        email = new_email()
        self.post("/api/users/data", {"email": email})
        answer = self.get(f"/api/users/{email}/chats").json()
        self.assertEqual((answer["chats"], answer["total_chats"]), ([], 0))

    def test_unknown(self):
        for ident in ("nobody", "nobody@x.io", "0" * 24):
            with self.subTest(ident):
                self.assertError(self.http.get(f"/api/users/{ident}/chats"), 404, "User not found")

    def test_becoming_known(self):
        """An unknown customer's 404 must not be remembered."""
        email = new_email()
        self.get(f"/api/users/{email}/chats", status=404)
        self.chat(email=email)
        self.get(f"/api/users/{email}/chats")


class AskAi(ServerCase):
    """POST /api/chat"""

    def test_no_ai_connected(self):
        answer = self.post("/api/chat", {"message": "hi", "session_id": "s 1"}).json()
        self.assertKeys(answer, "response session_id timestamp")
        self.assertEqual((answer["response"], answer["session_id"]), (AI_OFF, "s 1"))
        self.assertTime(answer["timestamp"])

    def test_with_ai_off_for_that_chat(self):
        chat = self.chat()
        self.assertEqual(self.http.patch(f"/api/dashboard/chats/{chat.id}/ai-agent", {"enabled": False}).status, 200)
        self.assertEqual(self.post("/api/chat", {"message": "hi", "session_id": chat.id}).json()["response"], AI_OFF)

    def test_refused(self):
        rows = (
            ({"session_id": "s"}, ("body", "message"), "missing"),
            ({"message": "m"}, ("body", "session_id"), "missing"),
            ({"message": 1, "session_id": "s"}, ("body", "message"), "string_type"),
            ({"message": "m", "session_id": None}, ("body", "session_id"), "string_type"),
            ({"message": [], "session_id": {}}, ("body", "message"), "string_type"),
            ([], ("body",), None),
            ("{", ("body",), "json_invalid"),
            ("", ("body",), "missing"),
        )
        for body, loc, kind in rows:
            with self.subTest(body=body):
                self.assertInvalid(self.http.post("/api/chat", body, [JSON] if isinstance(body, str) else []), loc, kind)

    def test_every_broken_field_is_named(self):
        r = self.http.post("/api/chat", {})
        self.assertEqual({tuple(item["loc"]) for item in r.detail}, {("body", "message"), ("body", "session_id")})


if __name__ == "__main__":
    main()
