"""P10: typing as each side hears it, beside durable fan-out; a storm of agents; idle WebSockets with every subscription."""

import time

from .document import Row, at_most, figure
from .tool import alternate, run

PERIOD_S = 2.1  # sakurad-bench: how often one connection types


def signals(r, agents, widgets):
    with r.bed.ours() as server:
        result = run(r.bed, "signals", server, subscribers=agents, publishers=widgets, **r.timing(max(r.seconds, 5)))
    heard = result["signals"]
    return {"per_s": result.op("signal")["per_s"], "heard_per_s": result.op("delivery")["per_s"], "cpu": result.cpu,
            "p50": result.op("delivery")["p50_us"], "p99": result.op("delivery")["p99_us"],
            "last_p99": result.op("last")["p99_us"], "customer_p99": result.op("customer")["p99_us"],
            "lost": heard["expected"] - heard["heard"], "client": result["client"]["cores"]}


def fanout(r, subscribers, rate):
    with r.bed.ours() as server:
        result = run(r.bed, "fanout", server, subscribers=subscribers, publishers=8, rate=rate, **r.timing(max(r.seconds, 5)))
    return {"per_s": result.op("send")["per_s"], "heard_per_s": result.op("delivery")["per_s"], "cpu": result.cpu,
            "p50": result.op("delivery")["p50_us"], "p99": result.op("delivery")["p99_us"],
            "last_p99": result.op("last")["p99_us"], "client": result["client"]["cores"]}


def storm(r, agents):
    with r.bed.ours() as server:
        result = run(r.bed, "storm", server, subscribers=agents, duration=8)
    state = result.op("state")
    return {"p50": state["p50_us"], "p99": state["p99_us"], "last": state["max_us"], "cpu": result.cpu,
            "missing": agents - result["storm"]["complete"], "bytes": result["storm"]["bytes_each"]}


def idle(r, count):
    with r.bed.ours() as server:
        time.sleep(1)  # what it sets up once is not a connection's
        result = run(r.bed, "idle", server, "--everything", subscribers=count, duration=12)
    return {"bytes": result["idle"]["rss_per_connection"], "wakes": result["idle"]["wakes_per_s"]}


def p10(r):
    agents, widgets = (20, 200) if r.quick else (100, 1000)
    few, many, count = (300, 900, 10000) if r.quick else (1000, 3000, 10000)
    rate = (agents + widgets) / PERIOD_S
    m = alternate(r.rounds, {"quiet": lambda: signals(r, 10, 20), "typing": lambda: signals(r, agents, widgets),
                             "fanout": lambda: fanout(r, agents, rate), "few": lambda: storm(r, few),
                             "many": lambda: storm(r, many), "idle": lambda: idle(r, count)})
    grown = m.median("many", "cpu") / m.median("few", "cpu")
    r.document.text(f"{widgets:,} widgets and {agents} agents, each typing every {PERIOD_S} s; everybody but who typed hears it. "
                    f"Quiet: 20 widgets and 10 agents. In a storm all agents connect at once and subscribe to everything; a "
                    f"state is complete when everything there is has been told.")
    r.document.goals([
        at_most("p99 of a typing, sent to heard, quiet", m.median("quiet", "p99"), 5000),
        at_most("not heard", m.median("quiet", "lost") + m.median("typing", "lost"), 0, ""),
        at_most("server CPU of one typing heard", m.median("typing", "cpu"), m.median("fanout", "cpu"),
                name=f"fanout at that rate {figure(m.median('fanout', 'cpu'), 'µs')}"),
        at_most(f"storm of {many:,} agents: p99 of the state", m.median("many", "p99"), 2000000),
        Row(f"CPU of a connection, {many:,} beside {few:,} in a storm", figure(m.median("many", "cpu"), "µs"),
            figure(m.median("few", "cpu"), "µs"), f"≤ 1.3 ×: {grown:.2f} ×", None if grown != grown else grown <= 1.3),
        at_most("memory of an idle WebSocket with every subscription", m.median("idle", "bytes"), 614, "B"),
    ])
    r.document.table(["", "sent a second", "heard a second", "CPU of one heard", "p50", "p99", "last p99", "client cores"],
                     [(name, figure(m.median(key, "per_s")), figure(m.median(key, "heard_per_s")),
                       figure(m.median(key, "cpu"), "µs"), figure(m.median(key, "p50"), "µs"),
                       figure(m.median(key, "p99"), "µs"), figure(m.median(key, "last_p99"), "µs"),
                       figure(m.median(key, "client")))
                      for name, key in (("typing, quiet", "quiet"), ("typing", "typing"), ("fanout", "fanout"))])
    r.document.table(["storm", "p50", "p99", "the last one", "CPU of a connection", "bytes to each"],
                     [(f"{n:,}", figure(m.median(key, "p50"), "µs"), figure(m.median(key, "p99"), "µs"),
                       figure(m.median(key, "last"), "µs"), figure(m.median(key, "cpu"), "µs"),
                       figure(m.median(key, "bytes"))) for n, key in ((few, "few"), (many, "many"))])
    r.document.text(f"Idle with every subscription: the server's threads begin to run {m.median('idle', 'wakes'):.2f} times a "
                    f"second, all together.")
