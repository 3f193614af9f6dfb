#include "push/ws_frame.h"

#include <endian.h>

size_t ws_frame_header(char out[static WS_FRAME_HEADER_MAX], enum ws_opcode opcode, uint64_t payload_len)
{
    out[0] = (char)(0x80 | opcode);
    if (payload_len < 126) {
        out[1] = (char)payload_len;
        return 2;
    }
    if (payload_len <= UINT16_MAX) {
        uint16_t len = htobe16((uint16_t)payload_len);
        out[1] = 126;
        memcpy(out + 2, &len, sizeof(len));
        return 4;
    }
    uint64_t len = htobe64(payload_len);
    out[1] = 127;
    memcpy(out + 2, &len, sizeof(len));
    return 10;
}

void ws_frame_append(struct buf *out, enum ws_opcode opcode, struct slice payload)
{
    char header[WS_FRAME_HEADER_MAX];
    buf_append(out, header, ws_frame_header(header, opcode, payload.len));
    buf_append_slice(out, payload);
}

size_t ws_frame_length(const char *ptr)
{
    unsigned short_len = (unsigned char)ptr[1];
    if (short_len < 126)
        return 2 + short_len;
    if (short_len == 126) {
        uint16_t len;
        memcpy(&len, ptr + 2, sizeof(len));
        return 4 + (size_t)be16toh(len);
    }
    uint64_t len;
    memcpy(&len, ptr + 2, sizeof(len));
    return 10 + (size_t)be64toh(len);
}

unsigned ws_frame_count(struct slice frames)
{
    unsigned count = 0;
    for (size_t at = 0; at < frames.len; at += ws_frame_length(frames.ptr + at))
        count++;
    return count;
}
