/* A Cortex-M without peripherals, for an emulator in the server's own process: the serial line is
 * two boxes in RAM, and mailbox_turn is where the emulator steps in. It empties one, fills the
 * other, and lets the program go on. */
#include "board.h"
#include "cortex_m.h"

#define BOX 1024u

/* The server side reads this layout: src/tifed/board/emulators/unicorn.py. */
static volatile struct {
    uint32_t in_count, in_next, out_count, wants_reset, waits;
    uint8_t in[BOX], out[BOX];
} mailbox;

const char board_name[] = BOARD_NAME;

/* NOLINTNEXTLINE(misc-use-internal-linkage): the emulator looks for its name */
__attribute__((noinline, used)) void mailbox_turn(void);
__attribute__((noinline, used)) void mailbox_turn(void)
{
    __asm volatile("" ::: "memory");
}

void board_start(void)
{
}

int board_read(void)
{
    if (mailbox.in_next == mailbox.in_count)
        return -1;
    return mailbox.in[mailbox.in_next++];
}

void board_write(const uint8_t *bytes, uint16_t length)
{
    while (length--) {
        while (mailbox.out_count == BOX)
            mailbox_turn();
        mailbox.out[mailbox.out_count++] = *bytes++;
    }
}

/* Also after each step of training: a turn is never further away than one step. */
void board_flush(void)
{
    mailbox_turn();
}

void board_wait(void)
{
    mailbox.waits = 1u; /* the other side puts it back */
    mailbox_turn();
}

uint32_t board_ticks(void)
{
    return 0;
}

void board_reset(void)
{
    mailbox.wants_reset = 1u;
    for (;;)
        mailbox_turn();
}
