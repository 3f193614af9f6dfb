#include "push/ws_handshake.h"

#include "http/request.h"

#include <openssl/evp.h>
#include <pthread.h>

#define WS_KEY_LEN 24 /* 16 bytes in base64 */
#define SHA1_BYTES 20

static const char WS_GUID[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
static const char UPGRADE_HEADERS[] = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";

/* Fetched once and kept for the process's life: EVP_sha1() would look it up again for every digest. */
static EVP_MD *sha1;
static pthread_once_t sha1_once = PTHREAD_ONCE_INIT;

static void fetch_sha1(void)
{
    sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
}

static bool is_base64(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

/* 16 bytes are 22 digits and two pads. */
static bool is_key(struct slice key)
{
    if (key.len != WS_KEY_LEN || memcmp(key.ptr + WS_KEY_LEN - 2, "==", 2) != 0)
        return false;
    for (size_t i = 0; i < WS_KEY_LEN - 2; i++)
        if (!is_base64(key.ptr[i]))
            return false;
    return true;
}

static enum err refuse(struct ws_verdict *v, int status, const char *detail, const char *headers)
{
    *v = (struct ws_verdict){.status = status, .detail = detail, .headers = headers};
    return ERR_INVALID;
}

enum err ws_handshake_check(const struct ws_upgrade *u, struct ws_verdict *v)
{
    bool get = slice_eq(u->method, SLICE_LIT("GET"));
    if (!get && !slice_eq(u->method, SLICE_LIT("HEAD")))
        return refuse(v, 405, "A WebSocket is opened by GET", "Allow: GET, HEAD\r\n");
    if (u->http_major != 1 || u->http_minor < 1)
        return refuse(v, 400, "A WebSocket needs HTTP/1.1", "");
    if (!get || !http_list_has(u->upgrade, SLICE_LIT("websocket"))) /* RFC 6455, 4.1: only a GET upgrades */
        return refuse(v, 426, "This path speaks WebSocket: send Upgrade: websocket", UPGRADE_HEADERS);
    if (!http_list_has(u->connection, SLICE_LIT("upgrade")))
        return refuse(v, 400, "Connection header must list Upgrade", "");
    if (!slice_eq(slice_trim(u->version, " \t"), SLICE_LIT("13")))
        return refuse(v, 426, "Sec-WebSocket-Version must be 13", UPGRADE_HEADERS);
    if (!is_key(slice_trim(u->key, " \t")))
        return refuse(v, 400, "Sec-WebSocket-Key must be 16 bytes in base64", "");
    *v = (struct ws_verdict){.status = 101, .headers = ""};
    return OK;
}

enum err ws_handshake_accept(struct slice key, char out[static WS_ACCEPT_LEN])
{
    char text[WS_KEY_LEN + sizeof(WS_GUID) - 1];
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_len = 0;
    key = slice_trim(key, " \t");
    if (key.len != WS_KEY_LEN)
        return ERR_INVALID;
    memcpy(text, key.ptr, WS_KEY_LEN);
    memcpy(text + WS_KEY_LEN, WS_GUID, sizeof(WS_GUID) - 1);
    pthread_once(&sha1_once, fetch_sha1);
    if (!sha1 || !EVP_Digest(text, sizeof(text), digest, &digest_len, sha1, NULL) || digest_len != SHA1_BYTES)
        return ERR_NOMEM;
    unsigned char base64[WS_ACCEPT_LEN + 1]; /* EVP_EncodeBlock adds a NUL */
    EVP_EncodeBlock(base64, digest, SHA1_BYTES);
    memcpy(out, base64, WS_ACCEPT_LEN);
    return OK;
}

enum err ws_handshake_response(struct buf *out, struct slice key, struct slice protocol)
{
    char accept[WS_ACCEPT_LEN];
    enum err e = ws_handshake_accept(key, accept);
    if (e != OK)
        return e;
    buf_append_lit(out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Accept: ");
    buf_append(out, accept, WS_ACCEPT_LEN);
    if (protocol.len > 0) {
        buf_append_lit(out, "\r\nSec-WebSocket-Protocol: ");
        buf_append_slice(out, protocol);
    }
    buf_append_lit(out, "\r\n\r\n");
    return buf_ok(out) ? OK : ERR_NOMEM;
}
