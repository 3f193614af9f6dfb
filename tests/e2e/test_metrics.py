"""GET /metrics: the Prometheus text format, and numbers that follow what happens."""
from harness.case import ServerCase, main
from harness.routes import covers

EXPECTED = {
    "sakurad_connections_accepted_total": "counter", "sakurad_connections_refused_total": "counter",
    "sakurad_connections_cut_total": "counter", "sakurad_connections_open": "gauge",
    "sakurad_http_requests_total": "counter", "sakurad_http_malformed_total": "counter",
    "sakurad_received_bytes_total": "counter", "sakurad_sent_bytes_total": "counter",
    "sakurad_cache_lookups_total": "counter", "sakurad_cache_bytes": "gauge", "sakurad_cache_entries": "gauge",
    "sakurad_refetch_composed_total": "counter", "sakurad_store_ops_total": "counter", "sakurad_store_errors_total": "counter",
    "sakurad_queue_depth": "gauge", "sakurad_queue_full_total": "counter", "sakurad_notices_total": "counter",
    "sakurad_websockets_total": "counter", "sakurad_websockets_open": "gauge", "sakurad_stage_seconds": "histogram",
    "sakurad_info": "gauge", "sakurad_limit": "gauge", "sakurad_thread_cpu_seconds_total": "counter",
    "sakurad_request_seconds": "histogram", "sakurad_batch_operations": "histogram", "sakurad_store_commit_seconds": "histogram",
}
STAGES = ("parse_queued", "queued_durable", "durable_answered", "durable_notified", "notified_written")


class Scrape(ServerCase):
    def test_content_type(self):
        r = self.get("/metrics")
        self.assertRegex(r.header("Content-Type"), r"^text/plain; version=0\.0\.4(; charset=utf-8)?$")

    def test_every_metric_is_there(self):
        m = self.server.metrics()
        for name, kind in EXPECTED.items():
            with self.subTest(name):
                self.assertEqual(m.types.get(name), kind)

    def test_what_runs_and_what_it_may_hold(self):
        m = self.server.metrics()
        info = [dict(labels) for (name, labels) in m.series if name == "sakurad_info"]
        self.assertEqual(len(info), 1)
        self.assertEqual(info[0]["version"], self.get("/api/health").json()["version"])
        threads = [dict(labels)["thread"] for (name, labels) in m.series if name == "sakurad_thread_cpu_seconds_total"]
        self.assertEqual(len(threads), len(set(threads)), threads)
        for kind, count in (("worker", info[0]["workers"]), ("reader", info[0]["readers"]), ("broadcast", info[0]["broadcasters"])):
            self.assertEqual(sum(t.startswith(kind + "-") for t in threads), int(count), threads)
        self.assertIn("writer", threads)
        self.assertEqual([m.get("sakurad_limit", what=w) for w in ("queue", "batch", "connections")], [16384, 512, 20000])

    def test_a_thread_that_works_has_used_its_core(self):
        def used():
            return sum(value for (name, labels), value in self.server.metrics().series.items()
                       if name == "sakurad_thread_cpu_seconds_total" and dict(labels)["thread"].startswith("worker-"))
        before = used()
        for _ in range(50):
            self.get("/api/health")
        self.assertGreater(used(), before)

    def test_histograms_are_whole(self):
        self.chat().send("x")
        m = self.server.metrics()
        for name, kind in m.types.items():
            if kind != "histogram":
                continue
            groups = {}
            for (n, labels), value in m.series.items():
                if n == name + "_bucket":
                    bound = float(dict(labels)["le"].replace("+Inf", "inf"))
                    groups.setdefault(tuple(l for l in labels if l[0] != "le"), []).append((bound, value))
            self.assertTrue(groups, name)
            for labels, buckets in groups.items():
                with self.subTest(name, labels=labels):
                    buckets.sort()
                    counts = [v for _, v in buckets]
                    self.assertEqual(counts, sorted(counts), "cumulative")
                    self.assertEqual(buckets[-1][0], float("inf"))
                    self.assertEqual(counts[-1], m.get(name + "_count", **dict(labels)))
                    self.assertGreaterEqual(m.get(name + "_sum", **dict(labels)), 0)

    def test_requests_by_route_and_code(self):
        def count(code):
            found = [(dict(labels)["route"], value) for (name, labels), value in self.server.metrics().series.items()
                     if name == "sakurad_http_requests_total" and dict(labels)["code"] == str(code)]
            return sum(value for route, value in found if covers("/api/users/{user}/chats", route))
        ok, missing = count(200), count(404)
        chat = self.chat()
        for _ in range(5):
            self.get(f"/api/users/{chat.email}/chats")
            self.get("/api/users/nobody/chats", status=404)
        # The last may be counted only after its answer has gone out.
        self.eventually(lambda: count(200) >= ok + 5 and count(404) >= missing + 5, "all counted")
        self.assertEqual((count(200), count(404)), (ok + 5, missing + 5))

    def test_a_send_passes_every_stage(self):
        chat = self.chat()
        with self.server.subscriber() as ws:
            before = self.server.metrics()
            for _ in range(10):
                chat.send("x")
                ws.recv_json()

            def delivered(metrics):
                return metrics.get("sakurad_notices_total", event="delivered")
            # A turn's frames are counted once they have all gone out.
            self.eventually(lambda: delivered(self.server.metrics()) >= delivered(before) + 10, "all counted")
            after = self.server.metrics()
        for stage in STAGES:
            with self.subTest(stage):
                self.assertGreater(after.get("sakurad_stage_seconds_count", stage=stage),
                                   before.get("sakurad_stage_seconds_count", stage=stage))
        for event in ("raised", "delivered"):
            self.assertEqual(after.get("sakurad_notices_total", event=event) - before.get("sakurad_notices_total", event=event), 10)
        self.assertEqual(after.get("sakurad_store_ops_total", kind="insert_message") -
                         before.get("sakurad_store_ops_total", kind="insert_message"), 10)

    def test_cache_hits_and_one_composition_per_version(self):
        self.chat().send("x")
        self.get("/api/debug/users-chats")
        before = self.server.metrics()
        for _ in range(20):
            self.get("/api/debug/users-chats")
        after = self.server.metrics()
        self.assertGreaterEqual(after.get("sakurad_cache_lookups_total", result="hit") -
                                before.get("sakurad_cache_lookups_total", result="hit"), 20)
        self.assertEqual(after.get("sakurad_refetch_composed_total"), before.get("sakurad_refetch_composed_total"))

    def test_open_connections(self):
        def others():
            """Open beside the scrape's own."""
            return self.server.metrics().get("sakurad_connections_open") - 1

        self.http.close()
        self.eventually(lambda: others() == 0, "those of the tests before gone")
        held = [self.server.connect() for _ in range(5)]
        for c in held:
            c.request("GET", "/api/health")
        self.eventually(lambda: others() == 5, "each counted once")
        for c in held:
            c.close()
        self.eventually(lambda: others() == 0, "the connections forgotten")

    def test_counters_never_fall(self):
        before = self.server.metrics()
        self.chat().send("x")
        after = self.server.metrics()
        for key, value in before.series.items():
            if before.types.get(key[0]) == "counter":
                self.assertGreaterEqual(after.series[key], value, key)


if __name__ == "__main__":
    main()
