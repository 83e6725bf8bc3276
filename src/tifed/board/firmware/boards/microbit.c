/* BBC micro:bit, first version: nRF51822, a Cortex-M0 with 16 KB of RAM. */
#include "board.h"
#include "cortex_m.h"

#define UART 0x40002000u
#define UART_START_RX REGISTER(UART + 0x000u)
#define UART_START_TX REGISTER(UART + 0x008u)
#define UART_RECEIVED REGISTER(UART + 0x108u)
#define UART_SENT REGISTER(UART + 0x11Cu)
#define UART_INTERRUPTS REGISTER(UART + 0x304u)
#define UART_ENABLE REGISTER(UART + 0x500u)
#define UART_PIN_TX REGISTER(UART + 0x50Cu)
#define UART_PIN_RX REGISTER(UART + 0x514u)
#define UART_RX REGISTER(UART + 0x518u)
#define UART_TX REGISTER(UART + 0x51Cu)
#define UART_BAUD REGISTER(UART + 0x524u)
#define TIMER 0x40008000u
#define TIMER_START REGISTER(TIMER + 0x000u)
#define TIMER_CAPTURE REGISTER(TIMER + 0x040u)
#define TIMER_BITS REGISTER(TIMER + 0x508u)
#define TIMER_PRESCALER REGISTER(TIMER + 0x510u)
#define TIMER_VALUE REGISTER(TIMER + 0x540u)
#define RECEIVE_INTERRUPT 2u

const char board_name[] = BOARD_NAME;

void board_start(void)
{
    TIMER_BITS = 3u; /* 32 */
    TIMER_PRESCALER = 0u;
    TIMER_START = 1u;
    UART_PIN_TX = 24u;
    UART_PIN_RX = 25u;
    UART_BAUD = 0x01D7E000u; /* 115,200 */
    UART_ENABLE = 4u;
    UART_RECEIVED = 0u;
    UART_START_RX = 1u;
    UART_START_TX = 1u;
    UART_INTERRUPTS = 4u; /* on receive */
    (void)UART_RX;        /* a byte that came too early would block those behind it */
    cortex_m_wake_on(RECEIVE_INTERRUPT);
}

int board_read(void)
{
    if (!UART_RECEIVED)
        return -1;
    UART_RECEIVED = 0u; /* before the read: more bytes may stand behind this one */
    return (int)(UART_RX & 255u);
}

void board_write(const uint8_t *bytes, uint16_t length)
{
    while (length--) {
        UART_SENT = 0u;
        UART_TX = *bytes++;
        while (!UART_SENT) {
        }
    }
}

void board_flush(void)
{
}

void board_wait(void)
{
    cortex_m_forget(RECEIVE_INTERRUPT);
    if (!UART_RECEIVED)
        cortex_m_sleep();
}

uint32_t board_ticks(void)
{
    TIMER_CAPTURE = 1u;
    return TIMER_VALUE;
}

void board_reset(void)
{
    cortex_m_reset();
}
