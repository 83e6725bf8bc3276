/* QEMU's RISC-V `virt` machine: a 16550 UART, a PLIC, and a register that restarts it. */
#include "board.h"

#define BYTE(address) (*(volatile uint8_t *)(address))
#define WORD(address) (*(volatile uint32_t *)(address))
#define UART 0x10000000u
#define UART_DATA BYTE(UART + 0u)
#define UART_INTERRUPTS BYTE(UART + 1u)
#define UART_FIFO BYTE(UART + 2u)
#define UART_LINE BYTE(UART + 3u)
#define UART_STATE BYTE(UART + 5u) /* 1: received, 32: room to send */
#define UART_INTERRUPT 10u
#define PLIC 0x0C000000u
#define PLIC_CLAIM WORD(PLIC + 0x200004u)
#define POWER WORD(0x00100000u)

const char board_name[] = BOARD_NAME;

__attribute__((naked, section(".vectors"), used)) void entry(void);
__attribute__((naked, section(".vectors"), used)) void entry(void)
{
    __asm volatile("la sp, stack_top\n\tj start");
}

void board_start(void)
{
    UART_LINE = 0x83u; /* eight bits, one stop bit; and the divisor: 115,200 */
    UART_DATA = 1u;
    UART_INTERRUPTS = 0u;
    UART_LINE = 3u;
    UART_FIFO = 0xC7u;    /* on, empty, interrupt at 14 bytes or after a pause */
    UART_INTERRUPTS = 1u; /* on receive */
    (void)UART_DATA;      /* a byte that came too early would block those behind it */
    WORD(PLIC + 4u * UART_INTERRUPT) = 1u;
    WORD(PLIC + 0x2000u) = 1u << UART_INTERRUPT;
    WORD(PLIC + 0x200000u) = 0u;
    __asm volatile("csrs mie, %0" ::"r"(1u << 11)); /* wakes; never taken, as mstatus.MIE is 0 */
}

int board_read(void)
{
    return UART_STATE & 1u ? (int)UART_DATA : -1;
}

void board_write(const uint8_t *bytes, uint16_t length)
{
    while (length--) {
        while (!(UART_STATE & 32u)) {
        }
        UART_DATA = *bytes++;
    }
}

void board_flush(void)
{
}

void board_wait(void)
{
    uint32_t claimed = PLIC_CLAIM;
    if (claimed)
        PLIC_CLAIM = claimed;
    if (!(UART_STATE & 1u))
        __asm volatile("wfi" ::: "memory");
}

uint32_t board_ticks(void)
{
    uint32_t count;
    __asm volatile("csrr %0, minstret" : "=r"(count));
    return count;
}

void board_reset(void)
{
    POWER = 0x7777u;
    for (;;) {
    }
}
