/* Arm MPS2 with an FPGA image of a Cortex-M3 (AN385), M4 (AN386) or M7 (AN500): CMSDK UART 0 and
 * timer 0. */
#include "board.h"
#include "cortex_m.h"

#define UART 0x40004000u
#define UART_DATA REGISTER(UART + 0x0u)
#define UART_STATE REGISTER(UART + 0x4u) /* 1: transmitter full, 2: receiver full */
#define UART_CTRL REGISTER(UART + 0x8u)
#define UART_INTERRUPT REGISTER(UART + 0xCu)
#define UART_DIVISOR REGISTER(UART + 0x10u)
#define TIMER_CTRL REGISTER(0x40000000u)
#define TIMER_VALUE REGISTER(0x40000004u)
#define TIMER_RELOAD REGISTER(0x40000008u)
#define RECEIVE_INTERRUPT 0u

const char board_name[] = BOARD_NAME;

void board_start(void)
{
    TIMER_RELOAD = 0xFFFFFFFFu;
    TIMER_VALUE = 0xFFFFFFFFu;
    TIMER_CTRL = 1u;
    UART_DIVISOR = 25000000u / 115200u;
    UART_CTRL = 0xBu; /* transmit, receive, interrupt on receive */
    (void)UART_DATA;  /* a byte that came too early would block those behind it */
    cortex_m_wake_on(RECEIVE_INTERRUPT);
}

int board_read(void)
{
    if (!(UART_STATE & 2u))
        return -1;
    UART_INTERRUPT = 2u;
    return (int)(UART_DATA & 255u);
}

void board_write(const uint8_t *bytes, uint16_t length)
{
    while (length--) {
        while (UART_STATE & 1u) {
        }
        UART_DATA = *bytes++;
    }
}

void board_flush(void)
{
}

void board_wait(void)
{
    cortex_m_forget(RECEIVE_INTERRUPT);
    if (!(UART_STATE & 2u)) /* a byte from here on sets the interrupt again */
        cortex_m_sleep();
}

uint32_t board_ticks(void)
{
    return ~TIMER_VALUE;
}

void board_reset(void)
{
    cortex_m_reset();
}
