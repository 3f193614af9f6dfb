"""The dashboard's calls, row by row of the contract."""
import uuid

from harness.case import FORM, OBJECT_ID, ServerCase, main, new_email

USER = "_id name email ip vibe category status location device dashboard_user_id chats"
MESSAGE = "_id sender content timestamp status isLink linkUrl tags"


class Refetch(ServerCase):
    """GET /api/debug/users-chats"""

    def test_shape(self):
        chat = self.chat()
        chat.send("hello", "user")
        answer = self.get("/api/debug/users-chats").json()
        user = next(u for u in answer["users"] if u["_id"] == chat.user_id)
        self.assertKeys(user, USER)
        self.assertEqual((user["name"], user["email"], user["category"], user["status"], user["location"], user["device"]),
                         ("Ann", chat.email, "agent-inbox", "active", {}, {}))
        shown = user["chats"][0]
        self.assertKeys(shown, "chat_id status created_at last_activity total_messages messages")
        self.assertEqual((shown["chat_id"], shown["status"], shown["total_messages"]), (chat.id, "open", 1))
        self.assertTime(shown["created_at"])
        self.assertTime(shown["last_activity"])
        message = shown["messages"][0]
        self.assertKeys(message, "role text timestamp read")
        self.assertEqual((message["role"], message["text"], message["read"]), ("user", "hello", False))
        self.assertTime(message["timestamp"])

    def test_limit(self):
        for _ in range(3):
            self.chat()
        self.assertEqual(len(self.get("/api/debug/users-chats?limit=2").json()["users"]), 2)
        for value, kind in (("0", "greater_than_equal"), ("1001", "less_than_equal"), ("-1", "greater_than_equal"),
                            ("x", "int_parsing"), ("1.5", "int_parsing"), ("", "int_parsing")):
            with self.subTest(value):
                self.assertInvalid(self.http.get(f"/api/debug/users-chats?limit={value}"), ("query", "limit"), kind)

    def test_owner(self):
        owner, email = uuid.uuid4().hex, new_email()
        self.post("/api/users/data", {"email": email, "user_id": owner})
        self.chat(email=email)
        self.chat()
        users = self.get(f"/api/debug/users-chats?owner={owner}").json()["users"]
        self.assertEqual([u["email"] for u in users], [email])
        self.assertEqual(self.get("/api/debug/users-chats?owner=nobody").json()["users"], [])


class Order(ServerCase):
    """Most recently active first; the 101st customer comes to the front with its next message"""

    def test_most_recently_active_first(self):
        chats = [self.chat() for _ in range(5)]

        def order():
            mine = {c.user_id for c in chats}
            return [u["_id"] for u in self.get("/api/debug/users-chats").json()["users"] if u["_id"] in mine]
        self.assertEqual(order(), [c.user_id for c in reversed(chats)])
        for c in (chats[2], chats[0], chats[4], chats[0]):
            c.send("again", "user")
            self.assertEqual(order()[0], c.user_id)
        chats[1].send("an answer", "agent")
        self.assertEqual(order(), [chats[i].user_id for i in (1, 0, 4, 2, 3)])
        listed = [u["_id"] for u in self.get("/api/users?limit=5").json()["users"]]
        self.assertEqual(listed, order())

    def test_the_101st_customer(self):
        first = self.chat()
        first.send("early")
        for _ in range(100):
            self.chat()
        users = self.get("/api/debug/users-chats").json()["users"]
        self.assertEqual(len(users), 100)
        self.assertNotIn(first.user_id, [u["_id"] for u in users])
        more = self.get("/api/debug/users-chats?limit=1000").json()["users"]
        self.assertIn(first.user_id, [u["_id"] for u in more])
        first.send("back again")
        users = self.get("/api/debug/users-chats").json()["users"]
        self.assertEqual(len(users), 100)
        self.assertEqual(users[0]["_id"], first.user_id)
        self.assertEqual([m["text"] for m in users[0]["chats"][0]["messages"]], ["early", "back again"])


class Users(ServerCase):
    """GET /api/users and GET /api/users/{id or email}"""

    def test_list(self):
        for _ in range(5):
            self.chat()
        answer = self.get("/api/users").json()
        self.assertKeys(answer, "users total skip limit")
        self.assertEqual((answer["skip"], answer["limit"]), (0, 100))
        self.assertEqual(answer["total"], len(answer["users"]))
        for user in answer["users"]:
            self.assertKeys(user, USER + " last_seen")

    def test_skip_and_limit(self):
        for _ in range(7):
            self.chat()
        total = self.get("/api/users").json()["total"]
        seen = []
        for skip in range(0, total, 3):
            page = self.get(f"/api/users?skip={skip}&limit=3").json()
            self.assertEqual((page["total"], page["skip"], page["limit"]), (total, skip, 3))
            seen += [u["_id"] for u in page["users"]]
        self.assertEqual((len(seen), len(set(seen))), (total, total))
        self.assertEqual(self.get(f"/api/users?skip={total}").json()["users"], [])

    def test_refused(self):
        for route in ("/api/users", "/api/chats"):
            for query, field, kind in (("skip=-1", "skip", "greater_than_equal"), ("limit=0", "limit", "greater_than_equal"),
                                       ("limit=1001", "limit", "less_than_equal"), ("skip=x", "skip", "int_parsing"),
                                       ("limit=ten", "limit", "int_parsing"), ("limit=", "limit", "int_parsing"),
                                       ("limit=1.5", "limit", "int_parsing"),
                                       ("skip=99999999999999999999999", "skip", None)):
                with self.subTest(route + "?" + query):
                    self.assertInvalid(self.http.get(f"{route}?{query}"), ("query", field), kind)
            for query in ("limit=1000", "limit=1", "skip=0", "skip=1000000"):
                with self.subTest(route + "?" + query):
                    self.get(f"{route}?{query}")

    def test_one(self):
        chat = self.chat()
        chat.send("hello")
        for ident in (chat.user_id, chat.email):
            user = self.get(f"/api/users/{ident}").json()
            self.assertKeys(user, USER)
            self.assertEqual((user["_id"], user["email"]), (chat.user_id, chat.email))
            self.assertEqual(user["chats"][0]["messages"][0]["text"], "hello")
        self.assertError(self.http.get("/api/users/nobody"), 404, "User not found")


class Chats(ServerCase):
    """GET /api/chats, /api/chats/{chat_id} and /api/chats/{chat_id}/messages"""

    def test_list(self):
        mine = self.chat()
        others = [self.chat() for _ in range(4)]
        mine.send("hello", "user")
        answer = self.get("/api/chats").json()
        self.assertKeys(answer, "chats total skip limit")
        self.assertEqual((answer["skip"], answer["limit"], answer["total"]), (0, 100, len(answer["chats"])))
        self.assertGreater(answer["total"], len(others))
        for chat in answer["chats"]:
            self.assertKeys(chat, "chat_id user_id status created_at updated_at messages state")
        by_email = self.get(f"/api/chats?email={mine.email}").json()
        self.assertEqual((by_email["total"], [c["chat_id"] for c in by_email["chats"]]), (1, [mine.id]))
        self.assertEqual(by_email["chats"][0]["user_id"], mine.user_id)
        self.assertKeys(by_email["chats"][0]["messages"][0], MESSAGE)
        nobody = self.get("/api/chats?email=nobody@x.io").json()
        self.assertEqual((nobody["total"], nobody["chats"]), (0, []))

    def test_pages(self):
        for _ in range(7):
            self.chat()
        total = self.get("/api/chats").json()["total"]
        seen = []
        for skip in range(0, total, 3):
            seen += [c["chat_id"] for c in self.get(f"/api/chats?skip={skip}&limit=3").json()["chats"]]
        self.assertEqual((len(seen), len(set(seen))), (total, total))

    def test_one(self):
        chat = self.chat()
        sent = chat.send("see https://x.io", "user")
        answer = self.get(f"/api/chats/{chat.id}").json()
        self.assertKeys(answer, "chat_id user_id status created_at updated_at messages state")
        self.assertEqual((answer["chat_id"], answer["user_id"], answer["status"]), (chat.id, chat.user_id, "open"))
        self.assertIsInstance(answer["state"], dict)
        self.assertTime(answer["created_at"])
        self.assertTime(answer["updated_at"])
        message = answer["messages"][0]
        self.assertKeys(message, MESSAGE)
        self.assertEqual((message["_id"], message["sender"], message["content"], message["timestamp"]),
                         (sent["message_id"], "user", "see https://x.io", sent["timestamp"]))
        self.assertIsInstance(message["isLink"], bool)
        self.assertIsInstance(message["tags"], list)
        self.assertError(self.http.get("/api/chats/none"), 404, "Chat not found")

    def test_history_by_pages(self):
        chat = self.chat()
        ids = [chat.send(f"n {i}")["message_id"] for i in range(25)]
        newest = self.get(f"/api/chats/{chat.id}/messages?limit=10").json()["messages"]
        self.assertEqual([m["_id"] for m in newest], ids[15:])
        older = self.get(f"/api/chats/{chat.id}/messages?limit=10&before={ids[15]}").json()["messages"]
        self.assertEqual([m["_id"] for m in older], ids[5:15])
        oldest = self.get(f"/api/chats/{chat.id}/messages?limit=10&before={ids[5]}").json()["messages"]
        self.assertEqual([m["_id"] for m in oldest], ids[:5])
        self.assertEqual(self.get(f"/api/chats/{chat.id}/messages?before={ids[0]}").json()["messages"], [])
        for size in (1, 3, 7, 100):
            self.assertEqual([m["_id"] for m in chat.history(size)], ids)

    def test_history_is_stable_while_messages_come(self):
        chat = self.chat()
        ids = [chat.send(f"n {i}")["message_id"] for i in range(20)]
        page = self.get(f"/api/chats/{chat.id}/messages?limit=5").json()["messages"]
        for i in range(7):
            chat.send(f"late {i}")
        older = self.get(f"/api/chats/{chat.id}/messages?limit=5&before={page[0]['_id']}").json()["messages"]
        self.assertEqual([m["_id"] for m in older], ids[10:15])

    def test_history_refused(self):
        chat = self.chat()
        self.assertError(self.http.get("/api/chats/none/messages"), 404, "Chat not found")
        for query in ("limit=0", "limit=1001", "limit=x"):
            with self.subTest(query):
                self.assertInvalid(self.http.get(f"/api/chats/{chat.id}/messages?{query}"), ("query", "limit"))
        r = self.http.get(f"/api/chats/{chat.id}/messages?before=nonsense")
        self.assertInvalid(r, ("query", "before"))


class Reply(ServerCase):
    """POST /api/dashboard/chats/{chat_id}/send and POST /api/chats/{chat_id}/send"""

    def test_a_reply_without_a_role_is_an_agents(self):
        """It was stored as the visitor's."""
        chat = self.chat()
        for path in (f"/api/dashboard/chats/{chat.id}/send", f"/api/chats/{chat.id}/send"):
            for body, headers, role in (({"content": "x"}, [], "agent"), ("content=x", [FORM], "agent"),
                                        ({"content": "x", "role": "user"}, [], "user"),
                                        ({"content": "x", "role": "assistant"}, [], "assistant")):
                with self.subTest(path, body=body):
                    self.post(path, body, headers)
                    self.assertEqual(chat.poll()["messages"][-1]["role"], role)
        self.post(f"/api/users/chats/{chat.id}/send", {"content": "x"})
        self.assertEqual(chat.poll()["messages"][-1]["role"], "user")


class AiAgent(ServerCase):
    """PATCH and GET /api/dashboard/chats/{chat_id}/ai-agent"""

    def state(self, chat):
        return self.get(f"/api/dashboard/chats/{chat.id}/ai-agent").json()

    def test_default(self):
        chat = self.chat()
        self.assertEqual(self.state(chat), {"success": True, "ai_agent_enabled": True, "chat_id": chat.id})

    def test_off_and_on(self):
        chat = self.chat()
        for body, enabled, word in (({"enabled": False}, False, "disabled"), ({"enabled": True}, True, "enabled"),
                                    ({"ai_agent_enabled": False}, False, "disabled"), ({"ai_agent_enabled": True}, True, "enabled"),
                                    ({"ai_agent_enabled": True, "enabled": False}, False, "disabled")):
            with self.subTest(body):
                r = self.http.patch(f"/api/dashboard/chats/{chat.id}/ai-agent", body)
                self.assertEqual(r.status, 200, r)
                self.assertEqual(r.json(), {"success": True, "ai_agent_enabled": enabled,
                                            "message": f"AI agent {word} successfully"})
                self.assertEqual(self.state(chat)["ai_agent_enabled"], enabled)

    def test_messages_do_not_change_it(self):
        chat = self.chat()
        self.http.patch(f"/api/dashboard/chats/{chat.id}/ai-agent", {"enabled": False})
        for role in ("user", "agent", "assistant"):
            chat.send("x", role)
        self.assertFalse(self.state(chat)["ai_agent_enabled"])

    def test_refused(self):
        chat = self.chat()
        for name in ("enabled", "ai_agent_enabled"):
            for value in ("perhaps", 2, [], {}, None, 0.5):
                with self.subTest(name, value=value):
                    r = self.http.patch(f"/api/dashboard/chats/{chat.id}/ai-agent", {name: value})
                    self.assertInvalid(r, ("body", name))
        for body in ({}, {"other": True}):
            with self.subTest("a body that names neither switched it on", body=body):
                self.assertInvalid(self.http.patch(f"/api/dashboard/chats/{chat.id}/ai-agent", body), ("body", "enabled"),
                                   "missing")
        self.assertTrue(self.state(chat)["ai_agent_enabled"])

    def test_unknown(self):
        self.assertError(self.http.patch("/api/dashboard/chats/none/ai-agent", {"enabled": True}), 404, "Chat not found")
        self.assertError(self.http.get("/api/dashboard/chats/none/ai-agent"), 404, "Chat not found")


class Reports(ServerCase):
    """GET /api/reports/stats and GET /api/agent/stats"""

    def numbers(self):
        report, agent = self.get("/api/reports/stats").json(), self.get("/api/agent/stats").json()
        self.assertKeys(report, "success total_chats agent_chats channels timestamp")
        self.assertKeys(agent, "success chats_responded_to model status initialized timestamp")
        self.assertTime(report["timestamp"])
        self.assertTime(agent["timestamp"])
        self.assertEqual(report["channels"], {"whatsapp": 0, "instagram": 0, "website": report["total_chats"]})
        self.assertEqual((report["success"], agent["success"], agent["model"], agent["status"], agent["initialized"]),
                         (True, True, None, "offline", False))
        return report["total_chats"], report["agent_chats"], agent["chats_responded_to"]

    def test_they_follow_the_messages(self):
        steps = [self.numbers()]
        a, b, c = self.chat(), self.chat(), self.chat()
        for action in (lambda: a.send("x", "user"), lambda: a.send("x", "agent"), lambda: a.send("x", "agent"),
                       lambda: a.send("x", "assistant"), lambda: b.send("x", "assistant"), lambda: b.send("x", "assistant"),
                       lambda: c.send("x", "Agent")):
            action()
            steps.append(self.numbers())
        total, agents, responded = steps[0]
        self.assertEqual([(t - total, g - agents, r - responded) for t, g, r in steps[1:]],
                         [(3, 0, 0), (3, 1, 0), (3, 1, 0), (3, 1, 1), (3, 2, 2), (3, 2, 2), (3, 2, 2)])


class Overview(ServerCase):
    """GET /api/debug/database-overview"""

    STATISTICS = ("total_widget_customers total_customer_chats total_messages total_dashboard_users customers_with_chats "
                  "customers_linked_to_dashboard customers_not_linked")

    def overview(self):
        return self.get("/api/debug/database-overview").json()

    def test_keys(self):
        chat = self.chat()
        chat.send("first")
        chat.send("last")
        answer = self.overview()
        self.assertKeys(answer, "database_name collections statistics timestamp")
        self.assertTime(answer["timestamp"])
        self.assertKeys(answer["collections"], "customers customer-chats dashboard_users")
        self.assertEqual(answer["collections"]["dashboard_users"], {"count": 0, "data": []})
        self.assertKeys(answer["statistics"], self.STATISTICS)
        customers, chats = answer["collections"]["customers"], answer["collections"]["customer-chats"]
        for row in customers["data"]:
            self.assertKeys(row, "_id name email category status dashboard_user_id ip location device created_at last_seen vibe")
        for row in chats["data"]:
            self.assertKeys(row, "_id chat_id user_id status created_at last_activity total_messages messages_count "
                                 "first_message last_message")
        mine = next(row for row in chats["data"] if row["chat_id"] == chat.id)
        self.assertEqual((mine["user_id"], mine["total_messages"], mine["messages_count"]), (chat.user_id, 2, 2))
        self.assertIn("first", str(mine["first_message"]))
        self.assertIn("last", str(mine["last_message"]))
        self.assertRegex(next(r for r in customers["data"] if r["_id"] == chat.user_id)["_id"], OBJECT_ID)

    def test_statistics_follow(self):
        before = self.overview()["statistics"]
        chat, _ = self.chat(), self.chat()
        chat.send("x")
        self.post("/api/users/data", {"email": new_email(), "user_id": "owner-1"})
        after = self.overview()
        grown = {k: after["statistics"][k] - before[k] for k in self.STATISTICS.split()}
        self.assertEqual(grown, {"total_widget_customers": 3, "total_customer_chats": 2, "total_messages": 1,
                                 "total_dashboard_users": 0, "customers_with_chats": 2,
                                 "customers_linked_to_dashboard": 1, "customers_not_linked": 2})
        self.assertEqual(after["collections"]["customers"]["count"], after["statistics"]["total_widget_customers"])
        self.assertEqual(after["collections"]["customer-chats"]["count"], after["statistics"]["total_customer_chats"])


class LargeOverview(ServerCase):
    def test_at_most_100_rows(self):
        for _ in range(101):
            self.chat()
        answer = self.get("/api/debug/database-overview").json()["collections"]
        for name in ("customers", "customer-chats"):
            self.assertGreater(answer[name]["count"], 100)
            self.assertEqual(len(answer[name]["data"]), 100)


class Probe(ServerCase):
    """GET /health: the old WebSocket service's probe"""

    def test_health(self):
        answer = self.get("/health").json()
        self.assertEqual(answer["mongo"], self.get("/api/health").json()["store"]["status"])
        self.assertEqual((answer["status"], answer["mongo"], answer["redis"]), ("ok", "healthy", "disconnected"))


if __name__ == "__main__":
    main()
