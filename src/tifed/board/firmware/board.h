/* What a board has to do for the firmware. To bring up your own, write these and a linker script. */
#ifndef TIFED_BOARD_H
#define TIFED_BOARD_H

#include <stdint.h>

extern const char board_name[];

void board_start(void); /* clock, serial line, tick counter */
int board_read(void);   /* the next byte of the serial line, or -1 if none has arrived */
void board_write(const uint8_t *bytes, uint16_t length); /* waits for room */
void board_flush(void);     /* what was written has left, or will without more help */
void board_wait(void);      /* returns once a byte may have arrived; sleeps if it can */
uint32_t board_ticks(void); /* free-running, 32 bits */
void board_reset(void);     /* as if power had come back */

/* start.c: where the processor begins, with the stack pointer at stack_top. */
__attribute__((noreturn)) void start(void);

/* start.c: most bytes of stack used since the start. */
uint32_t stack_used(void);

/* Nothing stands above it on the stack: it does not return, so it saves no registers. */
__attribute__((noreturn)) int main(void);

#endif
