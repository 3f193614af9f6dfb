"""URI DATABASE: what the database itself holds: how many messages, and the keys that are there more than once."""
import collections
import json
import sys

import pymongo

messages = pymongo.MongoClient(sys.argv[1])[sys.argv[2]]["customer-messages"]
keys = collections.Counter((m["chat_id"], m.get("client_message_id")) for m in messages.find())
print(json.dumps({"documents": sum(keys.values()), "doubles": [k for k, n in keys.items() if n > 1]}))
