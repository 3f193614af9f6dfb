/* mongo_adopt.h: what existing data lacks so that every chat can be seen and reached. What fails is logged and left. */
#pragma once
#include "../mongo_store.h"

/* Any thread, by a connection of its own; returns how many chats it named. */
int64_t mongo_adopt_chat_ids(struct mongo_store *s, const struct mongo_conn *conn);
enum err mongo_totals(struct store *s, struct totals *out); /* the vtable's */
