#include "link.h"

uint32_t tifed_link_get32(const uint8_t *bytes)
{
    return tifed_link_get16(bytes) | tifed_link_get16(bytes + 2) << 16;
}

uint8_t *tifed_link_put32(uint8_t *bytes, uint32_t value)
{
    return tifed_link_put16(tifed_link_put16(bytes, value), value >> 16);
}

/* CRC-32 (IEEE 802.3, reflected), four bits at a time: a table of 64 bytes instead of 1024. */
uint32_t tifed_link_crc(const uint8_t *bytes, uint32_t count)
{
    static const uint32_t table[16] = {0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu,
                                       0x76DC4190u, 0x6B6B51F4u, 0x4DB26158u, 0x5005713Cu,
                                       0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu,
                                       0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu};
    uint32_t crc = 0xFFFFFFFFu;
    for (uint32_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ table[crc & 15u];
        crc = crc >> 4 ^ table[crc & 15u];
    }
    return ~crc;
}

static void start_over(tifed_link *link)
{
    link->received = 0;
    link->block = 0;
    link->zero = link->broken = false;
}

void tifed_link_init(tifed_link *link)
{
    start_over(link);
}

static bool sound(tifed_link *link)
{
    const uint8_t *frame = tifed_link_frame(link);
    if (link->broken || link->block || link->received < TIFED_LINK_HEADER + TIFED_LINK_CHECK)
        return false;
    uint32_t checked = link->received - TIFED_LINK_CHECK;
    return tifed_link_get16(frame + 6) == checked - TIFED_LINK_HEADER &&
           tifed_link_get32(frame + checked) == tifed_link_crc(frame, checked);
}

static void append(tifed_link *link, uint8_t byte)
{
    if (link->received < TIFED_LINK_FRAME)
        tifed_link_frame(link)[link->received++] = byte;
    else
        link->broken = true;
}

bool tifed_link_feed(tifed_link *link, uint8_t byte)
{
    if (byte == 0u) { /* only ever a delimiter */
        bool complete = sound(link);
        start_over(link);
        return complete;
    }
    if (link->block) {
        link->block--;
        append(link, byte);
        return false;
    }
    if (link->zero)
        append(link, 0);
    link->block = (uint8_t)(byte - 1u);
    link->zero = byte != 255u;
    return false;
}

/* Only a device with a key needs them one by one: elsewhere they are part of tifed_link_send. */
#ifdef TIFED_DEVICE_SEALED
#define STEP void
#else
#define STEP static inline __attribute__((always_inline)) void
#endif

STEP tifed_link_head(tifed_link *link, uint8_t version, uint8_t type, uint16_t session,
                     uint16_t sequence, uint16_t length)
{
    uint8_t *frame = tifed_link_frame(link);
    frame[0] = version;
    frame[1] = type;
    tifed_link_put16(frame + 2, session);
    tifed_link_put16(frame + 4, sequence);
    tifed_link_put16(frame + 6, length);
}

/* The zeros of a frame become the codes of the blocks that follow them, so that it is encoded where
 * it lies. Only behind a full block, which stands for no zero, there is no place for a code: what is
 * there by then is sent, and its last byte makes room. */
STEP tifed_link_leave(tifed_link *link, uint16_t length, tifed_link_write *write)
{
    uint8_t *frame = tifed_link_frame(link), *leaving = link->buffer, *code = leaving + 1,
            block = 1;
    uint32_t size = TIFED_LINK_HEADER + length;
    tifed_link_put32(frame + size, tifed_link_crc(frame, size));
    size += TIFED_LINK_CHECK;
    leaving[0] = 0; /* ends whatever noise the other side has taken for a frame */
    for (uint32_t i = 0; i < size; i++) {
        if (frame[i] == 0u) {
            *code = block;
            code = frame + i;
            block = 1;
        } else if (++block == 255u) {
            *code = block;
            write(leaving, (uint16_t)(frame + i + 1 - leaving));
            leaving = code = frame + i;
            block = 1;
            leaving += i + 1u == size; /* there is no block behind a full last one */
        }
    }
    *code = block;
    frame[size] = 0;
    write(leaving, (uint16_t)(frame + size + 1 - leaving));
    start_over(link); /* the buffer was shared: a frame that was arriving is lost */
}

void tifed_link_send(tifed_link *link, uint8_t type, uint16_t session, uint16_t sequence,
                     uint16_t length, tifed_link_write *write)
{
    tifed_link_head(link, (uint8_t)TIFED_LINK_VERSION, type, session, sequence, length);
    tifed_link_leave(link, length, write);
}
