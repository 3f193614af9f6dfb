"""A restart keeps everything; two servers on one file do not."""
import json
import os
import re
import unittest

from harness.case import Chat, main, new_email
from harness.server import STORE, Server, free_port, run

VIEWS = ("/api/debug/users-chats?limit=1000", "/api/users?limit=1000", "/api/chats?limit=1000", "/api/reports/stats",
         "/api/agent/stats", "/api/debug/database-overview")


def without_now(answer):
    """An answer without what differs from one moment to the next. BSON dates have milliseconds only."""
    kept = {k: v for k, v in answer.items() if k not in ("timestamp", "cursor")}
    if STORE != "mongo":
        return kept
    return json.loads(re.sub(r"(T\d\d:\d\d:\d\d\.\d{3})\d{3}Z", r"\1000Z", json.dumps(kept)))


class Restart(unittest.TestCase):
    def setUp(self):
        self.server = Server(patient=True).start()
        self.addCleanup(self.server.discard)

    def fill(self):
        http = self.server.http
        chats = [Chat(http) for _ in range(5)]
        for i, chat in enumerate(chats):
            for n in range(i * 20):
                chat.send(f"{i} {n}", ("user", "agent", "assistant")[n % 3], client_message_id=f"k{n}")
        http.post("/api/users/data", {"email": chats[1].email, "category": "human-chats", "status": "escalated",
                                      "location": {"city": "Porto"}, "user_id": "owner-1"})
        http.post("/api/users/data", {"email": new_email()})
        http.patch(f"/api/dashboard/chats/{chats[2].id}/ai-agent", {"enabled": False})
        return chats

    def everything(self, chats):
        http = self.server.http
        out = {view: without_now(http.get(view).json()) for view in VIEWS}
        for chat in chats:
            for target in (f"/api/users/{chat.email}/chats", f"/api/chats/{chat.id}", f"/api/chats/{chat.id}/messages",
                           f"/api/dashboard/chats/{chat.id}/ai-agent"):
                out[target] = without_now(http.get(target).json())
        with self.server.websocket() as ws:
            ws.greet()
            ws.subscribe("unread_counts")
            out["counts"] = ws.recv_json()["data"]["counts"]
        return out

    def restart(self, how):
        how()
        self.server.start()

    def test_everything_is_as_before(self):
        chats = self.fill()
        before = self.everything(chats)
        for name, how in (("after SIGTERM", self.server.stop), ("after SIGKILL", self.server.kill)):
            with self.subTest(name):
                self.restart(how)
                after = self.everything(chats)
                for key, value in before.items():
                    self.assertEqual(after[key], value, key)
        self.server.stop()

    def test_life_goes_on_where_it_stopped(self):
        chats = self.fill()
        cursor = self.server.http.get("/api/debug/users-chats").json()["cursor"]
        self.restart(self.server.stop)
        chat = chats[3]
        chat.client = self.server.http
        old = chat.history()
        again = chat.send("another text", client_message_id="k7")
        self.assertEqual(again["message_id"], old[7]["_id"], "a key is remembered")
        new = chat.send("new")
        self.assertEqual([m["_id"] for m in chat.history()], [m["_id"] for m in old] + [new["message_id"]])
        changed = self.server.http.get(f"/api/debug/users-chats?since={cursor}").json()["users"]
        self.assertEqual([[m["text"] for m in c["messages"]] for u in changed for c in u["chats"]], [["new"]])
        self.assertEqual(self.server.http.get("/api/debug/users-chats").json()["users"][0]["_id"], chat.user_id)
        self.assertEqual(Chat(self.server.http, email=chat.email).user_id, chat.user_id)
        self.server.stop()

    def test_what_came_while_a_dashboard_was_away_is_told_when_it_subscribes(self):
        """It stayed unseen until the next message."""
        chats = self.fill()
        cursor = self.server.http.get("/api/debug/users-chats").json()["cursor"]
        self.restart(self.server.stop)
        with self.server.subscriber(since=cursor) as ws:
            self.assertEqual(ws.until_pong(), [], "nothing came")
        chats[0].client = self.server.http
        chats[0].send("while it was away")
        self.restart(self.server.stop)
        with self.server.subscriber(since=cursor) as ws:
            ws.take_hint()
        self.server.stop()

    def test_an_old_etag_does_not_match_other_bytes(self):
        chats = self.fill()
        tags = {v: self.server.http.get(v).header("ETag") for v in ("/api/debug/users-chats", f"/api/users/{chats[1].email}/chats")}
        self.restart(self.server.stop)
        for i in range(50):
            chats[1].client = self.server.http
            chats[1].send(f"after {i}")
            for view, tag in tags.items():
                self.assertEqual(self.server.http.get(view, [("If-None-Match", tag)]).status, 200)
        self.server.stop()

    def test_a_killed_server_leaves_nothing_in_shared_memory(self):
        """The MongoDB driver names a file there after the process: the next one with that id would complain of it."""
        pid = self.server.process.pid
        self.server.kill()
        self.assertFalse(os.path.exists(f"/dev/shm/mongoc-{pid}"))


class OneFile(unittest.TestCase):
    def test_a_second_server_on_the_same_file_is_refused(self):
        first = Server(store_kind="sqlite", patient=True).start()
        self.addCleanup(first.discard)
        chat = Chat(first.http)
        code, out, err = run("--store", first.store, "--listen", f"127.0.0.1:{free_port()}")
        self.assertEqual(code, 1, (out, err))
        self.assertIn("sakurad.db", err)
        chat.send("the first goes on")
        first.kill()
        first.start()  # a killed server leaves no lock behind
        first.stop()


if __name__ == "__main__":
    main()
