#define ARG_UNUSED(name) (void)(name)
#define ARRAY_SIZE(array) (sizeof(array) / sizeof(array)[0])
static inline int64_t k_uptime_get(void)
{
    static int64_t now;
    return now += 100;
}
static inline int64_t k_uptime_ticks(void)
{
    static int64_t now;
    return now += 10;
}
static inline uint64_t k_ticks_to_us_floor64(int64_t ticks)
{
    return (uint64_t)ticks;
}
/* Time for interrupts. */
static inline void k_msleep(int milliseconds)
{
    acted_taken = 0;
    acted_waiting = acted_read(acted_fifo, sizeof acted_fifo, milliseconds);
    if (acted_waiting && acted_interrupt)
        acted_interrupt(&acted_device, NULL);
}
