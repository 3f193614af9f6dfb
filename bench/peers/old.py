"""old.py: a stand-in, of our own writing, for the service that sakurad replaces: FastAPI and pymongo, one worker,
whole messages pushed into one document per chat, four database operations for each message:
find the chat, push the message, find the chat again for the notification, count for the unread numbers.

    MONGO_URI=mongodb://127.0.0.1:27017 python old.py PORT
"""

import datetime
import os
import sys
import uuid

import pymongo
import uvicorn
from bson import ObjectId
from fastapi import FastAPI, HTTPException, Request, WebSocket, WebSocketDisconnect
from fastapi.concurrency import run_in_threadpool

app = FastAPI()
db = pymongo.MongoClient(os.environ.get("MONGO_URI", "mongodb://127.0.0.1:27017"))[os.environ.get("MONGO_DB", "bench_old")]
subscribers = set()


def now():
    return datetime.datetime.now(datetime.timezone.utc)


@app.on_event("startup")
def make_indexes():
    db.customers.create_index("email")
    db["customer-chats"].create_index("chat_id")
    db["customer-chats"].create_index("user_id")


@app.get("/api/health")
def health():
    return {"status": "healthy"}


@app.post("/api/users/chats/create")
def create(body: dict):
    user = db.customers.find_one({"email": body["email"]})
    if not user:
        user = {"_id": ObjectId(), "email": body["email"], "name": body.get("name"), "category": "agent-inbox",
                "status": "active", "created_at": now()}
        db.customers.insert_one(user)
    chat_id = str(uuid.uuid4())
    db["customer-chats"].insert_one({"chat_id": chat_id, "user_id": user["_id"], "status": "open", "messages": [],
                                     "created_at": now(), "last_activity": now(), "total_messages": 0})
    return {"success": True, "chat_id": chat_id, "user_id": str(user["_id"]), "message": "Chat instance created successfully"}


def store(chat_id, content, role):
    chats = db["customer-chats"]
    if not chats.find_one({"chat_id": chat_id}):
        raise HTTPException(404, f"Chat not found: {chat_id}")
    at = now()
    message = {"_id": f"msg_{at.timestamp()}", "role": role, "content": content, "text": content, "timestamp": at,
               "status": "sent", "read": False}
    chats.update_one({"chat_id": chat_id}, {"$push": {"messages": message}, "$inc": {"total_messages": 1},
                                            "$set": {"last_activity": at, "updated_at": at}})
    chats.find_one({"chat_id": chat_id}, {"user_id": 1})
    db.customers.count_documents({"category": "agent-inbox", "status": "active"}, limit=1000)
    return at


@app.post("/api/users/chats/{chat_id}/send")
async def send(chat_id: str, request: Request):
    body = await request.json()
    role = body.get("role", "user")
    at = await run_in_threadpool(store, chat_id, body["content"], role)
    notice = {"type": "chat_updates", "data": {"type": "chat_message_notification", "chat_id": chat_id,
                                               "message_role": role, "timestamp": at.isoformat()}}
    for socket in list(subscribers):
        await socket.send_json(notice)
    return {"success": True, "message": "Message sent successfully"}


def chats_of(user):
    out = []
    for chat in db["customer-chats"].find({"user_id": user["_id"]}):
        messages = [{"_id": m["_id"], "role": m["role"], "text": m["text"], "content": m["content"],
                     "timestamp": m["timestamp"].isoformat(), "read": m["read"]} for m in chat["messages"]]
        out.append({"chat_id": chat["chat_id"], "status": chat["status"], "created_at": chat["created_at"].isoformat(),
                    "last_activity": chat["last_activity"].isoformat(), "total_messages": chat["total_messages"],
                    "messages": messages})
    return out


@app.get("/api/users/{email}/chats")
def poll(email: str):
    user = db.customers.find_one({"email": email})
    if not user:
        raise HTTPException(404, "User not found")
    chats = chats_of(user)
    return {"user_id": str(user["_id"]), "user_name": user["name"], "user_email": user["email"], "chats": chats,
            "total_chats": len(chats)}


@app.get("/api/debug/users-chats")
def refetch():
    return {"users": [{"_id": str(u["_id"]), "name": u["name"], "email": u["email"], "category": u["category"],
                       "status": u["status"], "chats": chats_of(u)} for u in db.customers.find().limit(100)]}


@app.websocket("/ws/dashboard")
async def dashboard(socket: WebSocket):
    await socket.accept()
    await socket.send_json({"type": "connected", "connection_id": str(uuid.uuid4())})
    subscribers.add(socket)
    try:
        while True:
            body = await socket.receive_json()
            await socket.send_json({"type": "subscribed", "subscription_type": body.get("subscription_type")})
    except WebSocketDisconnect:
        subscribers.discard(socket)


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False)
