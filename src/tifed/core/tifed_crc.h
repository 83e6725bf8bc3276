/* Numbers as they lie in memory that keeps them, lowest byte first, and what shows that they are
 * whole; internal. */
#ifndef TIFED_CRC_H
#define TIFED_CRC_H

#include <stdint.h>

#define TIFED_CRC_START 0xFFFFFFFFu

/* CRC-32 (IEEE 802.3, reflected) goes on over more bytes; begun with TIFED_CRC_START, it is the
 * complement of the last result. */
uint32_t tifed_crc_add(uint32_t crc, const uint8_t *bytes, uint32_t count);

/* Of some bytes alone. */
uint32_t tifed_crc(const uint8_t *bytes, uint32_t count);

uint32_t tifed_get32(const uint8_t *bytes);
void tifed_put32(uint8_t *bytes, uint32_t value);

#endif
