/* What runs before main, and what the compiler calls on its own. */
#include <stddef.h>
#include <stdint.h>

#include "board.h"

/* From the linker script. */
extern uint32_t image_data[], data_begin[], data_end[], bss_begin[], bss_end[];
extern uint32_t stack_low[], stack_top[];

#define PAINT 0x57414C4Cu

void *memcpy(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);

void *memcpy(void *to, const void *from, size_t bytes)
{
    uint8_t *t = to;
    const uint8_t *f = from;
    while (bytes--)
        *t++ = *f++;
    return to;
}

void *memset(void *to, int value, size_t bytes)
{
    uint8_t *t = to;
    while (bytes--)
        *t++ = (uint8_t)value;
    return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    uint8_t *t = to;
    const uint8_t *f = from;
    if (t <= f)
        return memcpy(to, from, bytes);
    while (bytes--)
        t[bytes] = f[bytes];
    return to;
}

uint32_t stack_used(void)
{
    const volatile uint32_t *word = stack_low;
    while (word < stack_top && *word == PAINT)
        word++;
    return (uint32_t)((uintptr_t)stack_top - (uintptr_t)word);
}

void start(void)
{
    volatile uint32_t *to = data_begin;
    for (const volatile uint32_t *from = image_data; to < data_end;)
        *to++ = *from++;
    for (to = bss_begin; to < bss_end;)
        *to++ = 0;
    volatile uint32_t here = 0;
    uintptr_t below = (uintptr_t)&here - 64u; /* the frame of this function */
    for (to = stack_low; (uintptr_t)to < below;)
        *to++ = PAINT;
    main();
}
