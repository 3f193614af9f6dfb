/* words.h: the words by which customers are searched, and what is asked for, in the form in which they are compared.
 * Words:   a text is cut at blanks. Within that a word begins at each letter or digit that stands first or behind punctuation,
 *          and goes on to the blank: ann.smith@x.io has the words ann.smith@x.io, smith@x.io, x.io, io. So a prefix of a
 *          word is a prefix of any part of an address or name, of the whole, and of what begins within.
 *          What has no letter or digit is a word as it is.
 * Folded:  simple lower case of Latin, Greek, Cyrillic and Armenian letters (Ä = ä, Σ = ς = σ). Accents count (ä is not a),
 *          and composed letters are not taken apart.
 * Thread:  pure functions.
 * Owns:    struct words holds the folded text; its items point into it, so it is not copied.
 * Bounds:  what is more of a customer than these is not searched. */
#pragma once
#include "base/slice.h"

#define WORDS_MAX      32   /* of a customer, its address first */
#define WORD_BYTES     100  /* compared of a word */
#define WORDS_TEXT_MAX 1024 /* bytes looked at of a name or an address */
#define ASKED_BYTES    256  /* of a search's text */
#define ASKED_WORDS    8

struct words {
    struct slice items[WORDS_MAX]; /* no two alike */
    size_t count;
    size_t used;
    char text[2 * WORDS_TEXT_MAX];
};

void words_of_customer(struct words *out, struct slice name, struct slice email);

/* A search's text; what goes past ASKED_BYTES or ASKED_WORDS is passed over. Each is to be a prefix of some word. */
void words_of_search(struct words *out, struct slice asked);
size_t
words_asked(struct slice asked); /* how many there are in at most ASKED_BYTES; they are counted to ASKED_WORDS + 1 */
/* Each of asked is a prefix of some word of the customer's. */
bool words_match(const struct words *customers, const struct words *asked);
bool words_have(const struct words *w, struct slice word);
