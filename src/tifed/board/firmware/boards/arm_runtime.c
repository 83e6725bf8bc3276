/* What compilers call on a Cortex-M for lack of an instruction (Arm's run-time ABI), so that no
 * library is needed. Integers only: a call to anything floating would not link. */
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t quotient, remainder;
} divided;

static divided divide(uint32_t dividend, uint32_t divisor)
{
    divided d = {0, 0};
    for (uint32_t bit = 0x80000000u; bit; bit >>= 1) {
        d.remainder = d.remainder << 1 | (dividend & bit ? 1u : 0u);
        if (d.remainder >= divisor) {
            d.remainder -= divisor;
            d.quotient |= bit;
        }
    }
    return d;
}

static uint32_t magnitude(int32_t value)
{
    return value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
}

uint32_t __aeabi_uidiv(uint32_t dividend, uint32_t divisor);
uint32_t __aeabi_uidiv(uint32_t dividend, uint32_t divisor)
{
    return divide(dividend, divisor).quotient;
}

/* Both results in r0 and r1. */
uint64_t __aeabi_uidivmod(uint32_t dividend, uint32_t divisor);
uint64_t __aeabi_uidivmod(uint32_t dividend, uint32_t divisor)
{
    divided d = divide(dividend, divisor);
    return (uint64_t)d.remainder << 32 | d.quotient;
}

int32_t __aeabi_idiv(int32_t dividend, int32_t divisor);
int32_t __aeabi_idiv(int32_t dividend, int32_t divisor)
{
    uint32_t quotient = divide(magnitude(dividend), magnitude(divisor)).quotient;
    return (int32_t)((dividend ^ divisor) < 0 ? 0u - quotient : quotient);
}

uint64_t __aeabi_idivmod(int32_t dividend, int32_t divisor);
uint64_t __aeabi_idivmod(int32_t dividend, int32_t divisor)
{
    divided d = divide(magnitude(dividend), magnitude(divisor));
    uint32_t quotient = (dividend ^ divisor) < 0 ? 0u - d.quotient : d.quotient;
    uint32_t remainder = dividend < 0 ? 0u - d.remainder : d.remainder;
    return (uint64_t)remainder << 32 | quotient;
}

/* The low 64 bits of a product, from halves. */
uint64_t __aeabi_lmul(uint64_t a, uint64_t b);
uint64_t __aeabi_lmul(uint64_t a, uint64_t b)
{
    uint32_t a_low = (uint32_t)a & 0xFFFFu, a_high = (uint32_t)a >> 16;
    uint32_t b_low = (uint32_t)b & 0xFFFFu, b_high = (uint32_t)b >> 16;
    uint32_t low = a_low * b_low, middle = a_high * b_low + (low >> 16);
    __asm volatile("" : "+r"(middle)); /* else the compiler sees a long product: this function */
    uint32_t other = a_low * b_high + (middle & 0xFFFFu);
    uint32_t high = a_high * b_high + (middle >> 16) + (other >> 16);
    high += (uint32_t)a * (uint32_t)(b >> 32) + (uint32_t)(a >> 32) * (uint32_t)b;
    return (uint64_t)high << 32 | (other << 16 | (low & 0xFFFFu));
}

/* Shifts of 64 bits, by 0 to 63, from halves. */
uint64_t __aeabi_llsl(uint64_t value, int32_t by);
uint64_t __aeabi_llsl(uint64_t value, int32_t by)
{
    uint32_t low = (uint32_t)value, high = (uint32_t)(value >> 32);
    if (by >= 32) {
        high = low << (by - 32);
        low = 0;
    } else if (by > 0) {
        high = high << by | low >> (32 - by);
        low <<= by;
    }
    return (uint64_t)high << 32 | low;
}

uint64_t __aeabi_llsr(uint64_t value, int32_t by);
uint64_t __aeabi_llsr(uint64_t value, int32_t by)
{
    uint32_t low = (uint32_t)value, high = (uint32_t)(value >> 32);
    if (by >= 32) {
        low = high >> (by - 32);
        high = 0;
    } else if (by > 0) {
        low = low >> by | high << (32 - by);
        high >>= by;
    }
    return (uint64_t)high << 32 | low;
}

void __aeabi_memcpy(void *to, const void *from, size_t bytes);
void __aeabi_memcpy(void *to, const void *from, size_t bytes)
{
    uint8_t *t = to;
    const uint8_t *f = from;
    while (bytes--)
        *t++ = *f++;
}

/* Here the length comes before the value. */
void __aeabi_memset(void *to, size_t bytes, int value);
void __aeabi_memset(void *to, size_t bytes, int value)
{
    uint8_t *t = to;
    while (bytes--)
        *t++ = (uint8_t)value;
}

void __aeabi_memclr(void *to, size_t bytes);
void __aeabi_memclr(void *to, size_t bytes)
{
    __aeabi_memset(to, bytes, 0);
}

#define SAME(name, as) __attribute__((alias(#as))) __typeof__(as) name
SAME(__aeabi_memcpy4, __aeabi_memcpy);
SAME(__aeabi_memcpy8, __aeabi_memcpy);
SAME(__aeabi_memset4, __aeabi_memset);
SAME(__aeabi_memset8, __aeabi_memset);
SAME(__aeabi_memclr4, __aeabi_memclr);
SAME(__aeabi_memclr8, __aeabi_memclr);
