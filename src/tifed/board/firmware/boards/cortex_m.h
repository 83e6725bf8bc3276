#ifndef CORTEX_M_H
#define CORTEX_M_H

#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))

/* Let interrupt 0..31 end cortex_m_sleep; it is never taken. */
void cortex_m_wake_on(uint32_t interrupt);
void cortex_m_forget(uint32_t interrupt);
void cortex_m_sleep(void);
void cortex_m_reset(void);

#endif
