/* sqlite.c: the durable limit: SQLite alone, one writer, messages appended in transactions of BATCH rows.
 *   sqlite DIR BATCH SECONDS [chain|index]
 * WAL, synchronous=FULL, 250-byte rows over 1,000 chats. chain: sakurad's own table (src/store/sqlite/sqlite_schema.c: each row
 * names the one before it); index: a (chat, seq) index beside the rows. The file is made in DIR and removed.
 * Prints one JSON object. */
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define CHATS   1000
#define SAMPLES 2000000

static const char SCHEMA[] =
    "CREATE TABLE messages(rev INTEGER PRIMARY KEY, chat INTEGER NOT NULL, prev INTEGER NOT NULL,"
    " seq INTEGER NOT NULL, ts INTEGER NOT NULL, role TEXT NOT NULL, text TEXT NOT NULL,"
    " client_key TEXT);"
    "CREATE UNIQUE INDEX messages_client_key ON messages(chat, client_key)"
    " WHERE client_key IS NOT NULL;";

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static void run(sqlite3 *db, const char *sql)
{
    char *why = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) {
        fprintf(stderr, "%s: %s\n", sql, why);
        exit(1);
    }
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s;
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL) != SQLITE_OK)
        exit(1);
    return s;
}

static void step(sqlite3_stmt *s)
{
    if (sqlite3_step(s) != SQLITE_DONE) {
        fprintf(stderr, "step failed\n");
        exit(1);
    }
    sqlite3_reset(s);
}

static void insert(sqlite3_stmt *s, long long rev, long long *heads, int *seqs, const char *text)
{
    int chat = rand() % CHATS;
    sqlite3_bind_int64(s, 1, rev);
    sqlite3_bind_int(s, 2, chat);
    sqlite3_bind_int64(s, 3, heads[chat]);
    sqlite3_bind_int(s, 4, ++seqs[chat]);
    sqlite3_bind_int64(s, 5, 1790000000000000 + rev);
    sqlite3_bind_text(s, 6, "user", 4, SQLITE_STATIC);
    sqlite3_bind_text(s, 7, text, 220, SQLITE_STATIC);
    step(s);
    heads[chat] = rev;
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    int batch = atoi(argv[2]);
    double seconds = atof(argv[3]);
    bool index = argc > 4 && strcmp(argv[4], "index") == 0;
    char path[4096], side[4104], text[221];
    snprintf(path, sizeof(path), "%s/bench-sqlite-%d.db", argv[1], (int)getpid());
    memset(text, 'm', sizeof(text));
    sqlite3 *db;
    if (batch < 1 || sqlite3_open(path, &db) != SQLITE_OK)
        return 1;
    run(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;");
    run(db, SCHEMA);
    if (index)
        run(db, "CREATE INDEX by_chat ON messages(chat, seq)");
    sqlite3_stmt *begin = prepare(db, "BEGIN IMMEDIATE"), *commit = prepare(db, "COMMIT");
    sqlite3_stmt *s = prepare(db, "INSERT INTO messages(rev, chat, prev, seq, ts, role, text) VALUES (?,?,?,?,?,?,?)");
    static long long heads[CHATS];
    static int seqs[CHATS];
    static float took[SAMPLES];
    long long rev = 0;
    int batches = 0;
    double from = now(), cpu_from = cpu(), at = from;
    while (at - from < seconds && batches < SAMPLES) {
        step(begin);
        for (int i = 0; i < batch; i++)
            insert(s, ++rev, heads, seqs, text);
        step(commit);
        double end = now();
        took[batches++] = (float)(end - at);
        at = end;
    }
    double cpu_s = cpu() - cpu_from;
    qsort(took, (size_t)batches, sizeof(float), by_value);
    printf("{\"batch\":%d,\"rows_per_s\":%.1f,\"cpu_us_per_row\":%.3f,\"commit_p50_us\":%.1f,\"commit_p99_us\":%.1f}\n",
           batch, (double)rev / (at - from), cpu_s * 1e6 / (double)rev, (double)took[batches / 2] * 1e6,
           (double)took[batches * 99 / 100] * 1e6);
    sqlite3_finalize(begin);
    sqlite3_finalize(commit);
    sqlite3_finalize(s);
    sqlite3_close(db);
    unlink(path);
    snprintf(side, sizeof(side), "%s-wal", path);
    unlink(side);
    snprintf(side, sizeof(side), "%s-shm", path);
    unlink(side);
}
