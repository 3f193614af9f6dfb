"""URI DATABASE: fills an empty database as existing deployments have it, with every oddity; prints how many it put there."""
import datetime
import json
import sys

import pymongo
from bson import ObjectId

LONG = 10500  # more embedded messages than 10,000
# What other programs have called their chats: all of it is some customer's history.
ODD_IDS = ["a/b c?d#e", "100%", "%41", "Zoë 👋 \u202e", " blank ", "line\nbreak\t\x01", "{\"$ne\":1}", "..", "+", "*", "x" * 1024]


def day(n, us=0):
    return datetime.datetime(2024, 1, n, 3, 4, 5, us, tzinfo=datetime.timezone.utc)


def main(uri, name):
    db = pymongo.MongoClient(uri)[name]
    ann, bob = ObjectId("65a000000000000000000001"), "65a000000000000000000002"
    db.customers.insert_many([
        # times in three forms, numbers as text, fields of other tools
        {"_id": ann, "email": "ann@old.io", "name": "Ann", "created_at": "2024-01-02T03:04:05.678901", "last_seen": day(9),
         "total_visits": "7", "location": {"city": "Kyoto", "geo": [35.0, 135]}, "dashboard_user_id": ObjectId(), "user_id": "ref-1"},
        {"_id": bob, "email": "bob@old.io"},
        {"_id": "visitor 9"},
        {"_id": "odd", "email": "odd@old.io"},
        {"_id": "long", "email": "long@old.io", "name": "Long", "last_seen": "2024-01-05T00:00:00Z"}])
    db["customer-chats"].insert_many([
        # ObjectId customer, named by its text; ids not unique; a date, ISO texts, no time; text or content only; strays
        {"chat_id": "old-1", "user_id": str(ann), "status": "open", "created_at": day(2), "other": "kept", "messages": [
            {"_id": "msg_1704164645", "role": "user", "content": "one", "text": "one", "timestamp": day(2), "read": True},
            {"_id": "msg_1704164645", "role": "agent", "content": "two", "timestamp": "2024-01-02T03:04:05.5Z"},
            {"role": "user", "text": "three", "timestamp": "2024-01-02 03:04:06.000001+00:00"},
            "stray", None, {"text": "four"}]},
        # text customer, named by an ObjectId; no array, null array; a wrong count
        {"chat_id": "old-2", "user_id": ObjectId(bob), "total_messages": 99, "messages": None},
        {"_id": "own", "chat_id": "old-3", "user_id": ObjectId(bob), "created_at": "2023-01-01T00:00:00", "ai_agent_enabled": False},
        {"chat_id": "old-4", "user_id": "visitor 9", "total_messages": None, "last_activity": None,
         "messages": [{"role": "assistant", "content": "hi"}]},
        {"chat_id": "old-long", "user_id": "long", "created_at": day(3), "messages": [
            {"_id": "msg_1", "role": "user", "text": f"m{i}", "timestamp": day(3, i)} for i in range(LONG)]},
        # chats of nobody: no user_id, one that names no customer (text, an ObjectId, an ObjectId's text); and one with no chat_id
        {"_id": ObjectId("65b000000000000000000001"), "chat_id": "old-bare", "messages": [{"role": "user", "text": "bare"}]},
        {"chat_id": "old-nobody", "user_id": "nobody", "created_at": day(4), "messages": [{"role": "user", "text": "anybody?"}]},
        {"chat_id": "old-gone", "user_id": ObjectId("65c000000000000000000001"), "last_activity": "2024-01-06T00:00:00"},
        {"chat_id": "old-gone-2", "user_id": "65c000000000000000000002"},
        {"_id": "old-nameless", "user_id": "visitor 9", "messages": [{"role": "user", "text": "no chat_id"}]},
        *({"chat_id": id, "user_id": "odd", "messages": [{"role": "user", "text": f"in {id}"}]} for id in ODD_IDS)])
    # messages of the new layout behind embedded ones
    db["customer-messages"].insert_one({"_id": ObjectId("66a000000000000000000001"), "chat_id": "old-4", "role": "user",
                                        "content": "newer", "text": "newer", "timestamp": day(20)})
    print(json.dumps({"customers": db.customers.count_documents({}), "long": LONG, "odd": ODD_IDS}))


def counts(uri, name):
    """As above with "count" behind: what is there now."""
    db = pymongo.MongoClient(uri)[name]
    print(json.dumps({c: db[c].count_documents({}) for c in ("customers", "customer-chats")}))


(counts if sys.argv[3:] == ["count"] else main)(*sys.argv[1:3])
