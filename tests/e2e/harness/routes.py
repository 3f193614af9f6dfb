"""Every route of the contract, once: the tables of several tests start from here."""

# (method, pattern): {chat} stands for a chat's id, {user} for a customer's id or email.
ROUTES = (
    ("GET", "/api/health"),
    ("POST", "/api/users/data"),
    ("POST", "/api/users/chats/create"),
    ("POST", "/api/users/chats/{chat}/send"),
    ("GET", "/api/users/{user}/chats"),
    ("POST", "/api/chat"),
    ("GET", "/api/debug/users-chats"),
    ("GET", "/api/users"),
    ("GET", "/api/users/{user}"),
    ("PATCH", "/api/users/{user}"),
    ("GET", "/api/chats"),
    ("GET", "/api/chats/{chat}"),
    ("PATCH", "/api/chats/{chat}"),
    ("POST", "/api/chats/{chat}/read"),
    ("GET", "/api/chats/{chat}/messages"),
    ("POST", "/api/dashboard/chats/{chat}/send"),
    ("POST", "/api/chats/{chat}/send"),
    ("PATCH", "/api/dashboard/chats/{chat}/ai-agent"),
    ("GET", "/api/dashboard/chats/{chat}/ai-agent"),
    ("GET", "/api/reports/stats"),
    ("GET", "/api/debug/database-overview"),
    ("GET", "/api/agent/stats"),
    ("GET", "/health"),
    ("GET", "/metrics"),
    ("GET", "/api/openapi.json"),
    ("GET", "/api/asyncapi.json"),
    ("GET", "/ws/dashboard"),
)
# What browsers load; what answers in JSON is above.
PAGES = ("/", "/demo", "/stats", "/assets/{name}", "/widget.js", "/client.js")
PATTERNS = tuple(dict.fromkeys(pattern for _, pattern in ROUTES))

# GETs that promise ETag and 304: every one of chats, of users, and the refetch.
REVALIDATED = ("/api/users/{user}/chats", "/api/debug/users-chats", "/api/users", "/api/users/{user}", "/api/chats",
               "/api/chats/{chat}", "/api/chats/{chat}/messages")
SEND_ROUTES = ("/api/users/chats/{chat}/send", "/api/dashboard/chats/{chat}/send", "/api/chats/{chat}/send")


def path(pattern, chat="no-such-chat", user="no-such-user"):
    return pattern.replace("{chat}", chat).replace("{user}", user)


def covers(pattern, other):
    """True when every path of `other` is one of `pattern` too: /api/users/{user} covers /api/users/data."""
    ours, theirs = pattern.split("/"), other.split("/")
    return len(ours) == len(theirs) and all(a == b or a.startswith("{") for a, b in zip(ours, theirs))


def methods_of(pattern):
    """What Allow must say: HEAD wherever GET is."""
    methods = {m for m, p in ROUTES if covers(p, pattern)}
    return methods | {"HEAD"} if "GET" in methods else methods
