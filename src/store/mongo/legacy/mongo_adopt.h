/* mongo_adopt.h: what existing data lacks so that every chat can be seen and reached. What fails is logged and left as
 * it is. mongo_totals(), of the table of functions, is here: at start, whoever counts sees what is amiss. */
#pragma once
#include "../mongo_store.h"

/* Any thread, by a connection of its own; returns how many chats it gave a chat_id. */
int64_t mongo_adopt_chat_ids(const struct mongo_conn *conn);
