#include "flash.h"

#include <string.h>

static void check_place(const flash *f, uint32_t place, uint32_t count)
{
    if (place > f->size || count > f->size - place)
        fail("a place behind the end", "flash");
}

static int read_flash(void *context, uint32_t place, uint8_t *bytes, uint32_t count)
{
    const flash *f = context;
    check_place(f, place, count);
    if (f->off)
        return -1;
    memcpy(bytes, f->bytes + place, count);
    return 0;
}

static int write_flash(void *context, uint32_t place, const uint8_t *bytes, uint32_t count)
{
    flash *f = context;
    check_place(f, place, count);
    if (f->off)
        return -1;
    uint32_t left = f->cut - f->written;
    if (count <= left) {
        memcpy(f->bytes + place, bytes, count);
        f->written += count;
        return 0;
    }
    f->off = true;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *byte = f->bytes + place + i;
        if (f->mode == FLASH_ANYTHING)
            *byte = (uint8_t)(left * 7u + i * 31u + 1u);
        else if (f->mode == FLASH_BEHIND ? i >= count - left : i < left)
            *byte = bytes[i];
        else if (f->mode == FLASH_HALF && i == left)
            *byte = (uint8_t)~bytes[i];
    }
    return -1;
}

void make_flash(flash *f, uint32_t size, int filled)
{
    f->bytes = exactly(size);
    f->size = size;
    memset(f->bytes, filled, size);
    power(f, UINT32_MAX, FLASH_BEFORE);
}

tifed_memory flash_memory(flash *f)
{
    tifed_memory memory = {read_flash, write_flash, f};
    return memory;
}

void power(flash *f, uint32_t cut, int mode)
{
    f->written = 0;
    f->cut = cut;
    f->mode = mode;
    f->off = false;
}
