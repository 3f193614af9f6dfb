#include "forge.h"

#include "base/err.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 16

static char directory[64];
static char paths[FILES_MAX][128];
static unsigned path_count;

static void append_base64url(struct buf *out, const void *bytes, size_t len)
{
    unsigned char text[8192];
    must(len < 6000);
    int n = EVP_EncodeBlock(text, bytes, (int)len);
    for (int i = 0; i < n && text[i] != '='; i++)
        buf_append_char(out, text[i] == '+' ? '-' : text[i] == '/' ? '_' : (char)text[i]);
}

void forge(struct buf *out, const char *header, const char *claims, const char *digest, const char *key)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    buf_clear(out);
    append_base64url(out, header, strlen(header));
    buf_append_char(out, '.');
    append_base64url(out, claims, strlen(claims));
    must(HMAC(EVP_get_digestbyname(digest), key, (int)strlen(key), (const unsigned char *)out->ptr, out->len, mac,
              &len));
    buf_append_char(out, '.');
    append_base64url(out, mac, len);
}

const char *forge_key_file(const char *name, const void *bytes, size_t len, int mode)
{
    must(path_count < FILES_MAX);
    if (!directory[0]) {
        snprintf(directory, sizeof(directory), "%s", "/tmp/unit-api-XXXXXX");
        must(mkdtemp(directory) != NULL);
    }
    char *path = paths[path_count++];
    snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    must(fd >= 0 && write(fd, bytes, len) == (ssize_t)len && fchmod(fd, (mode_t)mode) == 0);
    close(fd);
    return path;
}

void forge_clean(void)
{
    while (path_count > 0)
        unlink(paths[--path_count]);
    if (directory[0])
        rmdir(directory);
    directory[0] = '\0';
}
