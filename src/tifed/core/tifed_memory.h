/* Memory that keeps what is in it: EEPROM, FRAM, a file or a partition in flash, or RAM where nothing
 * has to outlive a reset. tifed_store.h and tifed_kept.h reach theirs by two functions of yours. */
#ifndef TIFED_MEMORY_H
#define TIFED_MEMORY_H

#include "tifed.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Places are counted in bytes from 0, which may be any address of yours. Both functions return 0 if
 * all `count` bytes were read or written, and else anything but 0.
 *
 * A write has to promise this, on which it rests that a power cut loses nothing but what was under
 * way:
 *
 * - Once it has returned 0, the bytes are there, after a power cut too. (Flush a file.)
 * - If the power fails while it runs, these `count` bytes may be anything afterwards, and no other
 *   byte has changed. Flash that is erased in blocks does not do this by itself: erasing takes
 *   neighbours along. A file system that survives power cuts (littlefs), NVS or EEPROM emulation
 *   do. */
typedef struct tifed_memory {
    int (*read)(void *context, uint32_t place, uint8_t *bytes, uint32_t count);
    int (*write)(void *context, uint32_t place, const uint8_t *bytes,
                 uint32_t count); /* NULL: it is
                                                                                          not written */
    void *context;
} tifed_memory;

#ifdef __cplusplus
}
#endif
#endif
