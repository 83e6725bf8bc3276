/* The test programs on an AVR: cases lie in flash behind the code, seven bits to a byte, the lowest
 * first and the sign lowest of all; what is said goes to the serial line. CASES is the file. */
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/pgmspace.h>
#include <avr/sleep.h>

#include "cases.h"

__asm__(".text\n"
        "cases: .incbin \"" CASES "\"\n"
        "cases_end:\n"
        ".balign 2\n");
extern const uint8_t cases[], cases_end[];

static void say(const char *text)
{
    for (; *text; text++) {
        while (!(UCSR0A & _BV(UDRE0))) {
        }
        UDR0 = (uint8_t)*text;
    }
}

/* An emulator takes sleep without interrupts for the end. */
static void stop(void)
{
    say("\n");
    cli();
    sleep_enable();
    for (;;)
        sleep_cpu();
}

void fail(const char *what, const char *who)
{
    say("FAILED: ");
    say(who);
    say(": ");
    say(what);
    stop();
}

int64_t number(void)
{
    static uint32_t read;
    uint32_t place = pgm_get_far_address(cases) + read;
    uint64_t value = 0;
    uint8_t byte = 0x80u;
    for (uint8_t shift = 0; byte & 0x80u; shift = (uint8_t)(shift + 7u), read++, place++) {
        if (place >= pgm_get_far_address(cases_end))
            fail("ends early", "vectors");
        byte = pgm_read_byte_far(place);
        value |= (uint64_t)(byte & 0x7Fu) << shift;
    }
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1u);
}

void run_others(const struct test_case *t)
{
    (void)t; /* there is the device's core and nothing else */
}

int main(void)
{
    UCSR0B = _BV(TXEN0);
    char digits[] = "00";
    uint8_t count = (uint8_t)number();
    for (uint8_t done = 0; done < count; done++)
        check_case();
    digits[0] = (char)('0' + count / 10u);
    digits[1] = (char)('0' + count % 10u);
    say(digits);
    say(" cases agree: device");
    stop();
}
