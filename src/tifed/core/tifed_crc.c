#include "tifed_crc.h"

/* Four bits at a time: a table of 64 bytes instead of 1024. */
uint32_t tifed_crc_add(uint32_t crc, const uint8_t *bytes, uint32_t count)
{
    static const uint32_t table[16] = {0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu,
                                       0x76DC4190u, 0x6B6B51F4u, 0x4DB26158u, 0x5005713Cu,
                                       0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu,
                                       0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu};
    for (uint32_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ table[crc & 15u];
        crc = crc >> 4 ^ table[crc & 15u];
    }
    return crc;
}

uint32_t tifed_crc(const uint8_t *bytes, uint32_t count)
{
    return ~tifed_crc_add(TIFED_CRC_START, bytes, count);
}

uint32_t tifed_get32(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

void tifed_put32(uint8_t *bytes, uint32_t value)
{
    for (uint32_t i = 0; i < 4u; i++)
        bytes[i] = (uint8_t)(value >> 8u * i);
}
