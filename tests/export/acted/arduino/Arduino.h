/* As much of Arduino as the federated sketch asks for. */
#ifndef ARDUINO_H
#define ARDUINO_H

#include "acted.h"

#define E2END 16383 /* the last byte of an EEPROM */

static const int A0 = 14, LED_BUILTIN = 13, HIGH = 1, LOW = 0, INPUT_PULLUP = 2, OUTPUT = 1;

static int analogRead(int)
{
    return acted_measured() << 2;
}
static void pinMode(int, int)
{
}
static int digitalRead(int pin)
{
    return acted_pressed(pin - 2) ? LOW : HIGH;
}
static void digitalWrite(int, int)
{
}
static void delay(unsigned long)
{
}
static unsigned long micros()
{
    static unsigned long now;
    return now += 10;
}
static unsigned long millis()
{
    static unsigned long now;
    return now += 100;
}

struct Line {
    uint8_t bytes[256];
    int place = 0, count = 0;
    void begin(unsigned long)
    {
    }
    int available()
    {
        if (place == count) {
            place = 0;
            count = acted_read(bytes, sizeof bytes, 1);
        }
        return count - place;
    }
    int read()
    {
        return available() ? bytes[place++] : -1;
    }
    size_t write(const uint8_t *from, size_t length)
    {
        acted_write(from, length);
        return length;
    }
};
static Line Serial;

void setup();
void loop();
int main()
{
    setup();
    for (;;)
        loop();
}

#endif
