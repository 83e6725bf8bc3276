struct ring_buf {
    uint8_t *bytes;
    uint32_t size, first, count;
};
#define RING_BUF_DECLARE(name, length)                                                             \
    static uint8_t acted_##name[length];                                                           \
    static struct ring_buf name = {acted_##name, length, 0, 0}
static inline uint32_t ring_buf_put(struct ring_buf *ring, const uint8_t *bytes, uint32_t count)
{
    uint32_t put = 0;
    for (; put < count && ring->count < ring->size; put++, ring->count++)
        ring->bytes[(ring->first + ring->count) % ring->size] = bytes[put];
    return put;
}
static inline uint32_t ring_buf_get(struct ring_buf *ring, uint8_t *bytes, uint32_t count)
{
    uint32_t got = 0;
    for (; got < count && ring->count; got++, ring->count--)
        bytes[got] = ring->bytes[ring->first++ % ring->size];
    return got;
}
