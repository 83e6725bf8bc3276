#include "acted.h"

struct Memory {
    uint8_t read(int place)
    {
        uint8_t byte;
        return acted_kept(false, place, &byte, 1) ? byte : 0xFF;
    }
    void update(int place, uint8_t byte)
    {
        acted_kept(true, place, &byte, 1);
    }
};
static Memory EEPROM;
