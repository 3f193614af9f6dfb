"""P1 to P9 (P10: live.py): each function measures one row of the goals, ours and the reference in turn, and writes its section."""

import contextlib
import functools
import itertools
import statistics
import time

from . import svg
from .document import Row, at_least, at_most, figure
from .live import p10
from .servers import have
from .tool import alternate, fill, run, say, store_alone

FRAME = 192  # bytes: the notification that sakurad sends by default, so that the peers carry as much
CENTRIFUGO = {"ws_hello": '{"id":1,"connect":{}}', "ws_expect": '"id":2', "path": "/api/publish",
              "body": '{"channel":"all","data":{"mark":"%TOKEN%","pad":"%PAD%"}}'}


class Run:
    """What every row needs: the bed, how long, how often, and where it writes."""

    def __init__(self, bed, document, out, rounds, seconds, quick):
        self.bed, self.document, self.out = bed, document, out
        self.rounds, self.seconds, self.quick = rounds, seconds, quick
        self.warm = 0.5 if quick else 1
        self.known = {}  # figures that later rows need

    def timing(self, seconds=None):
        return {"duration": seconds or self.seconds, "warm_up": self.warm}

    def plot(self, name, alt, *args, **named):
        text = svg.plot(*args, **named)
        if text:
            (self.out.parent / name).write_text(text)
            self.document.image(name, alt)


def send_values(result):
    op = result.op("send")
    return {"per_s": op["per_s"], "p50": op["p50_us"], "p99": op["p99_us"], "cpu": result.cpu,
            "client": result["client"]["cores"]}


def ours_sending(r, store=None, connections=64, **named):
    """Durable sends to 1,000 chats, and the batch size that came of it."""
    with r.bed.ours(store) as server:
        ids = server.directory / "ids"
        fill(r.bed, server, ids=ids, customers=1000, chats=1000)
        before = (server.metric("sakurad_batch_operations_sum"), server.metric("sakurad_batch_operations_count"))
        result = run(r.bed, "send", server, connections=connections, ids=ids, **r.timing(), **named)
        operations = server.metric("sakurad_batch_operations_sum") - before[0]
        batches = server.metric("sakurad_batch_operations_count") - before[1]
    return {**send_values(result), "batch": operations / max(batches, 1)}


def notify_values(result):
    return {"p50": result.op("notify")["p50_us"], "p99": result.op("notify")["p99_us"],
            "send_p50": result.op("send")["p50_us"], "disk": result.op("fdatasync")["p50_us"]}


def notifying(r, **named):
    with r.bed.ours() as server:
        return notify_values(run(r.bed, "notify", server, data_dir=server.directory, **r.timing(), **named))


def p1(r):
    first = ours_sending(r)
    batch = max(1, round(first["batch"]))
    measures = {"sakurad": lambda: ours_sending(r), "one": lambda: notifying(r)}
    if have("sqlite"):
        measures["sqlite"] = lambda: store_alone("sqlite", r.bed.root, batch, r.seconds, "chain")
        measures["sqlite, index"] = lambda: store_alone("sqlite", r.bed.root, batch, r.seconds, "index")
    m = alternate(r.rounds, measures)
    rate = m.median("sakurad", "per_s")
    r.known["send_per_s"], r.known["send_cpu"] = rate, m.median("sakurad", "cpu")
    r.known["one_send_p50"] = m.median("one", "send_p50")
    disk = m.median("one", "disk")
    r.document.goals([
        at_least("durable sends, 64 connections, 1,000 chats", rate, m.median("sqlite", "rows_per_s"), 0.7, "/s",
                 f"SQLite alone, our table, {batch} a batch:"),
        at_least("the same, beside SQLite with an index by chat", rate, m.median("sqlite, index", "rows_per_s"), 0.7, "/s",
                 f"SQLite alone, index, {batch} a batch:"),
        at_most("p99 of those", m.median("sakurad", "p99"), 5000),
        at_most("one connection: p50 of a send", r.known["one_send_p50"], disk + 100, name=f"fdatasync {figure(disk, 'µs')}"),
        Row("server CPU of a send, 64 connections", figure(m.median("sakurad", "cpu"), "µs"), "", "", True),
    ])


def p2(r):
    half = r.known.get("send_per_s") or ours_sending(r)["per_s"]
    measures = {"quiet": lambda: notifying(r, rate=20, verify=True),
                "loaded": lambda: notifying(r, rate=20, threads=2, background=round(half / 2))}
    if have("uws"):
        measures["uws"] = lambda: fan_peer(r, r.bed.uws, "/ws", 1, 1, rate=20)
    m = alternate(r.rounds, measures)
    disk, wakes = m.median("quiet", "disk"), m.median("uws", "last_p50")
    r.document.goals([
        at_most("POST to frame, 20/s, p50", m.median("quiet", "p50"), disk + 250, name=f"fdatasync {figure(disk, 'µs')}"),
        at_most("the same, p99", m.median("quiet", "p99"), 1500),
        at_most(f"p99 beside {half / 2:,.0f} other sends a second", m.median("loaded", "p99"), 5000),
    ])
    r.document.text(f"At 20 a second every thread on the way sleeps when its turn comes. uWebSockets, one thread that stores "
                    f"nothing, needs {figure(wakes, 'µs')} (p50) from POST to frame at that rate, seen by the same client; "
                    f"that and the disk's {figure(disk, 'µs')} are {figure(wakes + disk, 'µs')}.")


def fan_values(result):
    lost = result["deliveries"]["expected"] - result["deliveries"]["received"]
    return {"per_s": result.op("delivery")["per_s"], "cpu": result.cpu, "last_p50": result.op("last")["p50_us"],
            "last_p99": result.op("last")["p99_us"], "send_p50": result.op("send")["p50_us"], "lost": lost,
            "client": result["client"]["cores"]}


def fan_ours(r, subscribers, publishers, **named):
    with r.bed.ours() as server:
        return fan_values(run(r.bed, "fanout", server, subscribers=subscribers, publishers=publishers, **r.timing(),
                              **named))


def fan_peer(r, make, ws_path, subscribers, publishers, path="/pub", more=(), **named):
    with make() as server:
        return fan_values(run(r.bed, "wsfan", server, *more, ws_url=server.ws + ws_path, path=path, payload=FRAME,
                              subscribers=subscribers, publishers=publishers, **r.timing(), **named))


def fan_peers(r):
    """name → function(subscribers, publishers, options): those that are installed."""
    hello = ("--ws-hello", '{"id":2,"subscribe":{"channel":"all"}}')
    all_peers = {
        "bare": lambda s, p, **n: fan_peer(r, lambda: r.bed.bare("fan"), "/ws", s, p, **n),
        "uws": lambda s, p, **n: fan_peer(r, r.bed.uws, "/ws", s, p, **n),
        "centrifugo": lambda s, p, **n: fan_peer(r, r.bed.centrifugo, "/connection/websocket", s, p,
                                                 **{**CENTRIFUGO, **n, "more": hello}),
        "nchan": lambda s, p, **n: fan_peer(r, r.bed.nchan, "/sub", s, p, **n),
        "node": lambda s, p, **n: fan_peer(r, r.bed.node, "/ws", s, p, **n),
    }
    wanted = have("bare", "uws") if r.quick else have("bare", "uws", "centrifugo", "nchan", "node")
    return {name: all_peers[name] for name in wanted}


NAMES = {"sakurad": "sakurad", "bare": "bare loop", "uws": "uWebSockets", "centrifugo": "Centrifugo", "nchan": "nchan",
         "node": "Node ws"}


def fan_column(r, subscribers, publishers, rows, table):
    peers = fan_peers(r)
    measures = {"sakurad": lambda: fan_ours(r, subscribers, publishers)}
    for name, peer in peers.items():
        measures[name] = lambda peer=peer: peer(subscribers, publishers)
    say(f" {subscribers} subscribers, {publishers} publishers")
    m = alternate(r.rounds, measures)
    what = f"{subscribers:,} subscribers, {publishers} publisher{'s' if publishers > 1 else ''}"
    rows.append(at_least(f"{what}: deliveries", m.median("sakurad", "per_s"), m.median("uws", "per_s"), 1, "/s",
                         "uWebSockets"))
    limit, beside = m.median("uws", "cpu"), "uWebSockets"
    if publishers == 1 and m.median("bare", "cpu") * 1.1 > limit:
        limit, beside = m.median("bare", "cpu") * 1.1, "1.1 × bare loop"
    rows.append(at_most(f"{what}: CPU per delivery", m.median("sakurad", "cpu"), limit,
                        name=f"{beside} {figure(limit, 'µs')}"))
    for name in ["sakurad", *peers]:
        if m.has(name):
            table.append((what, NAMES[name], figure(m.median(name, "per_s"), "/s"), figure(m.median(name, "cpu"), "µs"),
                          figure(m.median(name, "last_p50"), "µs"), figure(m.median(name, "last_p99"), "µs"),
                          figure(m.median(name, "client"))))
    return m


def p3(r):
    columns = [(100, 1), (100, 8), (1000, 1), (1000, 4), (10000, 1), (10000, 4)]
    rows, table = [], []
    for subscribers, publishers in columns:
        m = fan_column(r, subscribers, publishers, rows, table)
        if (subscribers, publishers) == (1000, 1):
            commit = r.known.get("one_send_p50")
            rows.append(at_most("the publisher's answer at 1,000 subscribers, p50", m.median("sakurad", "send_p50"),
                                (commit if commit else float("nan")) + 200, name=f"a send alone {figure(commit, 'µs')}"))
    peers = fan_peers(r)
    measures = {"sakurad": lambda: fan_ours(r, 10000, 1, rate=20)}
    if "uws" in peers:
        measures["uws"] = lambda: peers["uws"](10000, 1, rate=20)
    m = alternate(r.rounds, measures)
    rows.append(at_most("20/s to 10,000: last subscriber, p99", m.median("sakurad", "last_p99"), 150000,
                        name=f"uWebSockets {figure(m.median('uws', 'last_p99'), 'µs')}"))
    r.document.goals(rows)
    r.document.text("All measured by the same client; frames of the same length. `last`: from the first byte of the POST "
                    "to the frame at the last subscriber. Of the peers none stores what it passes on; sakurad commits each "
                    "message first.")
    r.document.table(["", "server", "deliveries", "CPU per delivery", "last p50", "last p99", "client cores"], table)


def p4(r):
    count = 2000 if r.quick else 10000

    def idle(make, mode_options):
        with make() as server:
            time.sleep(1)  # what it sets up once is not a connection's
            result = run(r.bed, "idle", server, subscribers=count, duration=6, **mode_options(server))
        return {"bytes": result["idle"]["rss_per_connection"], "open_per_s": result["idle"]["open_per_s"],
                "open": result["idle"]["open"], "cpu": result.cpu}

    measures = {"sakurad": lambda: idle(r.bed.ours, lambda s: {})}
    for name, make, path in (("uws", r.bed.uws, "/ws"), ("nchan", r.bed.nchan, "/sub"), ("node", r.bed.node, "/ws")):
        if have(name):
            measures[name] = lambda make=make, path=path: idle(
                make, lambda s: {"no_subscribe": True, "ws_url": s.ws + path})
    m = alternate(r.rounds, measures)
    r.document.goals([
        at_most("memory of an idle subscribed WebSocket", m.median("sakurad", "bytes"), 512, "B",
                f"uWebSockets {figure(m.median('uws', 'bytes'), 'B')}"),
        at_least(f"{count:,} opened and subscribed", m.median("sakurad", "open_per_s"), 20000, 1, "/s", "goal"),
    ])
    r.document.table(["server", "RSS per connection", "opened", "CPU per opening"],
                     [(NAMES[n], figure(m.median(n, "bytes"), "B"), figure(m.median(n, "open_per_s"), "/s"),
                       figure(m.median(n, "cpu"), "µs")) for n in measures if m.has(n)])


def request_values(result, op):
    o = result.op(op)
    return {"per_s": o["per_s"], "p50": o["p50_us"], "p99": o["p99_us"], "cpu": result.cpu,
            "client": result["client"]["cores"]}


def first_email(ids):
    mark = ids.read_text().split(None, 1)[0]
    return f"b{mark}.00000000@bench.example"


def p5(r):
    def ours(*options):
        with r.bed.ours() as server:
            result = run(r.bed, "poll", server, *options, customers=100, chats=100, history=50, **r.timing())
        if "--unchanged" in options and result["statuses"].get("304", 0) < result.op("poll")["count"] * 0.9:
            raise RuntimeError(f"not answered 304: {result['statuses']}")
        return request_values(result, "poll")

    with r.bed.ours() as server:
        ids = server.directory / "ids"
        fill(r.bed, server, ids=ids, customers=100, chats=100, history=50)
        body = server.get(f"/api/users/{first_email(ids)}/chats")

    def nginx(path):
        with r.bed.nginx({"poll.json": body}) as server:
            return request_values(run(r.bed, "get", server, path=path, **r.timing()), "request")

    measures = {"unchanged": lambda: ours("--unchanged"), "nginx 304": lambda: nginx("/unchanged"),
                "changed": lambda: ours(), "nginx file": lambda: nginx("/poll.json")}
    m = alternate(r.rounds, {n: f for n, f in measures.items() if not n.startswith("nginx") or have("nginx")})
    r.known["poll_cpu"] = m.median("changed", "cpu")
    r.document.goals([
        at_least("poll, unchanged (304)", m.median("unchanged", "per_s"), m.median("nginx 304", "per_s"), 0.95, "/s",
                 "nginx `return 304`"),
        at_least(f"poll, changed ({len(body):,} bytes)", m.median("changed", "per_s"), m.median("nginx file", "per_s"), 0.9,
                 "/s", "nginx, file"),
        at_most("server CPU, unchanged", m.median("unchanged", "cpu"), m.median("nginx 304", "cpu") / 0.95,
                name=f"nginx {figure(m.median('nginx 304', 'cpu'), 'µs')}"),
        at_most("server CPU, changed", m.median("changed", "cpu"), m.median("nginx file", "cpu") / 0.9,
                name=f"nginx {figure(m.median('nginx file', 'cpu'), 'µs')}"),
    ])


def follow(r, dashboards, rate):
    """Dashboards that refetch after each of `rate` messages a second; compositions per message, CPU per message."""
    with r.bed.ours() as server:
        before = server.metric("sakurad_refetch_composed_total")
        result = run(r.bed, "refetch", server, "--follow", dashboards=dashboards, rate=rate, refetch_interval=0,
                     connections=4, **r.timing())
        composed = server.metric("sakurad_refetch_composed_total") - before
    sends = max(result.op("send")["count"] * (1 + r.warm / result["duration_s"]), 1)
    return {"composed_per_send": composed / sends, "cpu_per_send": result["server"]["cpu_s"] * 1e6 / sends,
            "refetch_p99": result.op("refetch")["p99_us"], "refetches": result.op("refetch")["per_s"]}


def p6(r):
    shape = {"customers": 100, "chats": 200, "history": 20}
    with r.bed.ours() as server:
        fill(r.bed, server, **shape)
        body = server.get("/api/debug/users-chats")

    def ours():
        with r.bed.ours() as server:
            return request_values(run(r.bed, "refetch", server, **shape, **r.timing()), "refetch")

    def nginx():
        with r.bed.nginx({"refetch.json": body}) as server:
            return request_values(run(r.bed, "get", server, path="/refetch.json", **r.timing()), "request")

    measures = {"sakurad": ours, "one dashboard": lambda: follow(r, 1, 50), "no dashboard": lambda: follow(r, 0, 50),
                "50 dashboards": lambda: follow(r, 50, 100)}
    if have("nginx"):
        measures["nginx"] = nginx
    m = alternate(r.rounds, measures)
    first = m.median("one dashboard", "cpu_per_send") - m.median("no dashboard", "cpu_per_send")
    r.document.goals([
        at_least(f"refetch of 100 × 2 × 20 ({len(body):,} bytes)", m.median("sakurad", "per_s"), m.median("nginx", "per_s"),
                 0.9, "/s", "nginx, file"),
        at_most("server CPU of the first refetch after a message, notification included", first, 1000),
        at_most("50 dashboards, 100 messages/s: compositions per message", m.median("50 dashboards", "composed_per_send"),
                1.05, ""),
    ])


def p7(r):
    if not have("secantus", "mongo") == ["secantus", "mongo"]:
        r.document.text("Not measured: bench/peers/setup secantus bare.")
        return

    def ours():
        with r.bed.secantus() as db:
            return ours_sending(r, f"mongodb://127.0.0.1:{db.port}/bench")

    batch = max(1, round(ours()["batch"]))

    def alone():
        with r.bed.secantus() as db:
            return store_alone("mongo", f"mongodb://127.0.0.1:{db.port}", batch, r.seconds)

    def old():
        with r.bed.secantus() as db, r.bed.old(f"mongodb://127.0.0.1:{db.port}") as server:
            return send_values(run(r.bed, "send", server, connections=32, customers=1000, chats=1000, **r.timing()))

    measures = {"sakurad": ours, "alone": alone}
    if have("old"):
        measures["old"] = old
    m = alternate(r.rounds, measures)
    rate = m.median("sakurad", "per_s")
    r.document.goals([
        at_least("sends on the Mongo store, 64 connections", rate, m.median("alone", "rows_per_s"), 0.8, "/s",
                 f"one client inserting {batch} a batch:"),
        at_least("beside the service it replaces, on the same database", rate, m.median("old", "per_s"), 50, "/s",
                 "FastAPI + pymongo"),
    ])


def growth_point(r, server, number):
    """Costs at one size: server CPU of a send, a changed poll, a refetch, a notified send; memory. Each on customers made
    for it just before, so that what is answered has the same length at every size."""
    t = {"duration": 1 if r.quick else 1.5, "warm_up": 0.3}
    read, write = server.directory / f"read-{number}", server.directory / f"write-{number}"
    fill(r.bed, server, ids=read, customers=100, chats=100, history=10)
    poll = run(r.bed, "poll", server, connections=64, ids=read, **t)
    refetch = run(r.bed, "refetch", server, connections=8, ids=read, **t)
    fill(r.bed, server, ids=write, customers=1000, chats=1000)
    notify = run(r.bed, "notify", server, data_dir=server.directory, **t)
    send = run(r.bed, "send", server, connections=64, ids=write, **t)
    return {"send": send.cpu, "poll": poll.cpu, "refetch": refetch.cpu, "notify": notify.cpu,
            "notify_p50": notify.op("notify")["p50_us"], "disk_p50": notify.op("fdatasync")["p50_us"],
            "rss_mb": send["server"]["rss_end"] / 1e6}


GROWTH_ROUNDS = 5
FILLED_ONCE = 10**6


def growth_rounds(r):
    return 1 if r.quick else GROWTH_ROUNDS


class Point:
    """What was measured at one size. The cost is the least of the rounds: a neighbour of the machine only ever adds, by half at
    times, and that would pass for growth. The medians stand beside it."""

    def __init__(self, size, rounds):
        self.size = size
        self.least = {key: min(values) for key, values in rounds.items()}
        self.median = {key: statistics.median(values) for key, values in rounds.items()}
        self.rss_mb = max(rounds["rss_mb"])

    def cell(self, key):
        return f"{figure(self.least[key], 'µs')} ({figure(self.median[key], 'µs')})"


def growth(r, label, steps, grow):
    """grow(server, size) fills a fresh store. The sizes take turns. Small ones are made anew for each turn, because the
    measurement itself adds; large ones are filled once and stay."""
    numbers = itertools.count()
    filled = {}

    def measure(size):
        if size in filled:
            time.sleep(2)  # what the last round left to be rolled up is not this one's
            return growth_point(r, filled[size], next(numbers))
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(r.bed.ours())
            grow(server, size)
            point = growth_point(r, server, next(numbers))
            if size >= FILLED_ONCE:
                filled[size] = server
                stays.push(stack.pop_all())
            return point

    with contextlib.ExitStack() as stays:
        series = alternate(growth_rounds(r), {size: functools.partial(measure, size) for size in steps})
    missing = [f"{size:,}" for size in steps if not series.has(size)]
    if missing:
        raise RuntimeError(f"not measured: {', '.join(missing)} {label}")
    points = [Point(size, {key: values for (name, key), values in series.items() if name == size}) for size in steps]
    for point in points:
        say(f"  {label} {point.size:,}: " + ", ".join(f"{k} {v:,.4g}" for k, v in point.least.items()))
    return points


def grow_messages(r):
    def grow(server, size):
        chats = max(10, size // 100)
        fill(r.bed, server, customers=chats, chats=chats, history=size // chats, threads=2)
    return grow


def grow_customers(r):
    def grow(server, size):
        fill(r.bed, server, customers=size, chats=size, threads=2)
    return grow


def flat(points, key):
    first = points[0].least[key]
    return max(abs(p.least[key] / first - 1) for p in points[1:]) if len(points) > 1 and first else float("nan")


def growth_section(r, name, points, slug):
    head = [name, "send", "poll, changed", "refetch", "send and notification", "POST to frame p50", "fdatasync p50", "RSS"]
    r.document.text("Server CPU of one (64 connections in closed loop; the notified send: one connection): the least of "
                    f"{growth_rounds(r)} rounds, in which the sizes took turns, and their median. RSS: the most.")
    r.document.table(head, [(f"{p.size:,}", *(p.cell(key) for key in ("send", "poll", "refetch", "notify", "notify_p50", "disk_p50")),
                             f"{p.rss_mb:,.0f} MB") for p in points])
    r.plot(f"growth-{slug}.svg", f"cost against {name}", f"Cost as {name} grow", name, "server CPU, µs",
           {label: [(p.size, p.least[key]) for p in points]
            for label, key in (("send", "send"), ("poll, changed", "poll"), ("refetch", "refetch"))}, log_x=True)
    return [Row(f"{what} as {name} grow {points[0].size:,} → {points[-1].size:,}", f"± {flat(points, key) * 100:.0f} %", "",
                "± 10 %", flat(points, key) <= 0.10)
            for what, key in (("send", "send"), ("poll", "poll"), ("refetch", "refetch"), ("send and notification", "notify"))]


def p8(r):
    top = 5 if r.quick else 7
    messages = growth(r, "messages", [10**e for e in range(3, top + 1)], grow_messages(r))
    customers = growth(r, "customers", [10**e for e in range(2, top)], grow_customers(r))
    rows = growth_section(r, "messages", messages, "messages")
    rows += growth_section(r, "customers", customers, "customers")
    limit = 256 + 64
    rows.append(at_most("memory at the largest size", max(messages[-1].rss_mb, customers[-1].rss_mb),
                        limit * 1.048576, "MB"))
    r.document.goals(rows)


def p9(r):
    def mix():
        with r.bed.ours() as server:
            result = run(r.bed, "mix", server, **r.timing(max(r.seconds, 5)))
        return {"cores": result["server"]["cores"], "rss_mb": result["server"]["rss_end"] / 1e6,
                **{f"{op}_p99": result.op(op)["p99_us"] for op in ("send", "poll", "refetch", "notify")}}

    m = alternate(r.rounds, {"sakurad": mix})
    r.document.text("2,000 widgets polling every 2 s, 200 sends/s, 50 dashboards subscribed; a dashboard refetches after a "
                    "notification, one at a time and at most every 0.5 s (whole inbox each time).")
    r.document.goals([at_most("server CPU", m.median("sakurad", "cores"), 0.5, "cores")] +
                     [at_most(f"p99 of a {op}", m.median("sakurad", f"{op}_p99"), 10000)
                      for op in ("send", "poll", "refetch", "notify")])


def plot_rate(r):
    """Latency against rate, and cost against connections."""
    top = r.known.get("send_per_s") or ours_sending(r)["per_s"]
    rates = [round(top * f, -2) for f in ((0.1, 0.5, 0.9) if r.quick else (0.02, 0.1, 0.25, 0.4, 0.55, 0.7, 0.8, 0.9))]
    p50, p99 = [], []
    for rate in rates:
        values = ours_sending(r, rate=max(rate, 100))
        p50.append((rate, values["p50"]))
        p99.append((rate, values["p99"]))
    r.plot("latency.svg", "latency against rate", "Durable send: latency against rate (open loop)", "sends a second", "µs",
           {"p50": p50, "p99": p99}, log_y=True)
    counts = [10, 100, 1000] if r.quick else [10, 100, 1000, 10000]
    cost = {"send": [], "poll, unchanged": []}
    for count in counts:
        with r.bed.ours() as server:
            ids = server.directory / "ids"
            fill(r.bed, server, ids=ids, customers=1000, chats=1000, history=2)
            t = {"connections": count, "ids": ids, "rate": 5000, **r.timing()}
            cost["send"].append((count, run(r.bed, "send", server, **t).cpu))
            cost["poll, unchanged"].append((count, run(r.bed, "poll", server, "--unchanged", **t).cpu))
    r.plot("connections.svg", "cost against connections", "Cost at 5,000 requests a second as connections grow",
           "connections", "server CPU, µs", cost, log_x=True)


def plot_fan(r):
    counts = [10, 100, 1000] if r.quick else [10, 100, 1000, 10000]
    lines = {}
    for count in counts:
        everyone = {"sakurad": lambda: fan_ours(r, count, 4)}
        everyone.update({n: (lambda peer=peer: peer(count, 4)) for n, peer in fan_peers(r).items()})
        m = alternate(1 if r.quick else r.rounds, everyone)
        for name in everyone:
            lines.setdefault(NAMES[name], []).append((count, m.median(name, "per_s")))
    r.plot("fanout.svg", "deliveries against subscribers", "Fan-out with 4 publishers: deliveries against subscribers",
           "subscribers", "deliveries a second", lines, log_x=True)


ROWS = {"P1": ("Durable sends", p1), "P2": ("Notification", p2), "P3": ("Fan-out", p3), "P4": ("Idle WebSockets", p4),
        "P5": ("Poll", p5), "P6": ("Refetch", p6), "P7": ("Sends on the Mongo store", p7), "P8": ("Growth", p8),
        "P9": ("The whole mixture", p9), "P10": ("Live signals", p10), "rate": ("Latency against rate, cost against connections", plot_rate),
        "fan": ("Deliveries against subscribers", plot_fan)}
