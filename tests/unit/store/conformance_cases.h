/* conformance_cases.h: the cases, one line each; where they are written: conformance_customers.c, conformance_sends.c,
 * conformance_reads.c, conformance_search.c, conformance_changes.c, and what is about the store itself in conformance.c.
 * To add one: a line below, and void case_<name>(struct rig *r) in the file that it belongs to. */
#pragma once
#include "store_rig.h"

#include <stdio.h>

#define CONFORMANCE_CASES(X)                                                                                           \
    X(empty_database)                                                                                                  \
    X(survives_reopening)                                                                                              \
    X(an_address_is_nobody_elses_id)                                                                                   \
    X(default_addresses_are_nobodys)                                                                                   \
    X(addresses_differ_in_more_than_case)                                                                              \
    X(two_spellings_are_there)                                                                                         \
    X(create_by_email)                                                                                                 \
    X(create_by_unknown_id)                                                                                            \
    X(create_for_known)                                                                                                \
    X(create_by_second_id)                                                                                             \
    X(put_new_customer)                                                                                                \
    X(put_known_customer)                                                                                              \
    X(put_customer_moves_inbox)                                                                                        \
    X(claims_and_widgets_words)                                                                                        \
    X(sends_in_order)                                                                                                  \
    X(send_to_unknown_chat)                                                                                            \
    X(link_names_the_owner)                                                                                            \
    X(batch_sees_itself)                                                                                               \
    X(key_stores_once)                                                                                                 \
    X(same_ids_store_once)                                                                                             \
    X(long_history)                                                                                                    \
    X(big_text)                                                                                                        \
    X(ai_switch)                                                                                                       \
    X(agent_counts_once)                                                                                               \
    X(chat_is_given_and_closed)                                                                                        \
    X(faster_one_wins)                                                                                                 \
    X(customers_word_opens)                                                                                            \
    X(changes_among_messages)                                                                                          \
    X(changes_come_again)                                                                                              \
    X(switch_comes_again)                                                                                              \
    X(agents_sign)                                                                                                     \
    X(marks_go_forwards)                                                                                               \
    X(customer_is_changed)                                                                                             \
    X(load_of_unknown)                                                                                                 \
    X(load_ends_with_the_sink)                                                                                         \
    X(recent_customers)                                                                                                \
    X(recent_rows_are_up_to_date)                                                                                      \
    X(search_by_words)                                                                                                 \
    X(search_compares_letters)                                                                                         \
    X(search_by_section_and_owner)                                                                                     \
    X(search_in_order_of_activity)                                                                                     \
    X(search_follows_changes)                                                                                          \
    X(search_takes_text_as_it_is)                                                                                      \
    X(changed_customers)                                                                                               \
    X(chats_by_activity)                                                                                               \
    X(overview_shows_the_first)

#define CASE_DECLARATION(name) void case_##name(struct rig *r);
CONFORMANCE_CASES(CASE_DECLARATION)

#define EXPECT_TEXT(actual, expected)                                                                                  \
    do {                                                                                                               \
        const char *got = (actual);                                                                                    \
        CU_ASSERT_PTR_NOT_NULL(got);                                                                                   \
        if (got && strcmp(got, (expected)) != 0)                                                                       \
            fprintf(stderr, "\n%s:%d got:\n%s\nexpected:\n%s\n", __FILE__, __LINE__, got, (expected));                 \
        CU_ASSERT(got &&strcmp(got, (expected)) == 0);                                                                 \
    } while (0)
#define EXPECT_SLICE(actual, text) CU_ASSERT(slice_eq((actual), slice_cstr(text)))
