/* Memory whose power can be cut at any byte that is written to it. */
#ifndef FLASH_H
#define FLASH_H

#include "cases.h"
#include "tifed_memory.h"

/* What a cut leaves of the write that it comes in: the bytes before it; these, and another value in
 * the byte that it hits; the bytes behind it, for a memory that writes backwards; anything. */
enum { FLASH_BEFORE, FLASH_HALF, FLASH_BEHIND, FLASH_ANYTHING, FLASH_MODES };

typedef struct flash {
    uint8_t *bytes;
    uint32_t size;
    uint32_t written; /* bytes since this was set to 0 */
    uint32_t cut;     /* after as many of them power is gone; UINT32_MAX: it stays */
    int mode;
    bool off;
} flash;

/* Bytes that all have the value `filled`. */
void make_flash(flash *f, uint32_t size, int filled);

/* The functions that a store or a kept model gets, with a context of a flash. */
tifed_memory flash_memory(flash *f);

/* Power is there; from now on it is cut after `cut` bytes. */
void power(flash *f, uint32_t cut, int mode);

#endif
