/* Vector table and system control, the same on every Cortex-M. */
#include <stdint.h>

#include "board.h"
#include "cortex_m.h"

extern uint32_t stack_top[];

/* Interrupts stay masked and only wake the processor, so nothing but a fault comes here. */
static void fault(void)
{
    for (;;) {
    }
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    [0] = stack_top,
    [1] = (const void *)start,
    [2] = (const void *)fault,  /* NMI */
    [3] = (const void *)fault,  /* HardFault */
    [4] = (const void *)fault,  /* MemManage */
    [5] = (const void *)fault,  /* BusFault */
    [6] = (const void *)fault,  /* UsageFault */
    [11] = (const void *)fault, /* SVCall */
    [12] = (const void *)fault, /* DebugMonitor */
    [14] = (const void *)fault, /* PendSV */
    [15] = (const void *)fault, /* SysTick */
};

void cortex_m_wake_on(uint32_t interrupt)
{
    __asm volatile("cpsid i");
    /* SysTick runs without an interrupt: QEMU then looks at the line again now and then, even where
     * it was told too early that there was no room. */
    REGISTER(0xE000E014u) = 0x3FFFFu;
    REGISTER(0xE000E018u) = 0u;
    REGISTER(0xE000E010u) = 5u;
    REGISTER(0xE000E100u) = 1u << interrupt;
}

void cortex_m_forget(uint32_t interrupt)
{
    REGISTER(0xE000E280u) = 1u << interrupt;
}

void cortex_m_sleep(void)
{
    __asm volatile("dsb\n\twfi" ::: "memory");
}

void cortex_m_reset(void)
{
    __asm volatile("dsb" ::: "memory");
    REGISTER(0xE000ED0Cu) = 0x05FA0004u;
    for (;;) {
    }
}
