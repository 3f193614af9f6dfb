"""Steady state: a send costs its share of a batch, refetches and polls cost the store nothing."""
from harness.case import ServerCase, fewer_on_mongo, in_threads, main, report
from harness.load import pipelined
from harness.rawhttp import build

SENDS, SENDERS, READS, CHATS = fewer_on_mongo(10000, 2000), 16, fewer_on_mongo(1000, 200), 50


class Steady(ServerCase):
    def reads(self):
        m = self.server.metrics()
        return (m.get("sakurad_store_ops_total", kind="read"), m.get("sakurad_store_ops_total", kind="read_on_writer"))

    def test_no_read_after_sends_refetches_and_polls(self):
        chats = [self.chat() for _ in range(CHATS)]
        for chat in chats:
            chat.send("known now")
            chat.poll()
        self.get("/api/debug/users-chats")
        before, start = self.reads(), self.server.metrics()

        def work(index):
            mine = [build("POST", f"/api/users/chats/{chats[i % CHATS].id}/send", body={"content": f"n {i}"})
                    for i in range(index, SENDS, SENDERS)]
            for r in pipelined(self.server.address, mine):
                self.assertEqual(r.status, 200)
        in_threads(SENDERS, work)
        self.http.close()  # idle for as long as that took
        # A refetch or poll after each of some sends: each meets a new version.
        for i in range(READS):
            chat = chats[i % CHATS]
            if i % 4 == 0:
                chat.send("one more")
            self.get("/api/debug/users-chats")
            self.get(f"/api/users/{chat.email if i % 2 else chat.user_id}/chats")
        self.assertEqual(self.reads(), before, "steady state must not read the store")
        end = self.server.metrics()
        messages = end.get("sakurad_store_ops_total", kind="insert_message") - start.get("sakurad_store_ops_total", kind="insert_message")
        self.assertEqual(messages, SENDS + READS // 4)
        batches = end.get("sakurad_store_ops_total", kind="batch") - start.get("sakurad_store_ops_total", kind="batch")
        report(f"{SENDS + READS // 4} sends", batches=int(batches), messages_per_batch=f"{messages / batches:.1f}")

    def test_the_counter_can_rise(self):
        """What is not in memory is read: the test above could fail."""
        before = self.reads()
        self.http.get("/api/users/somebody-unknown/chats")
        self.assertGreater(sum(self.reads()), sum(before))


if __name__ == "__main__":
    main()
