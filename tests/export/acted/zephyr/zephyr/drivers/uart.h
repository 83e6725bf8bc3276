typedef void uart_irq_callback_user_data_t(const struct device *uart, void *data);
static uart_irq_callback_user_data_t *acted_interrupt;
static uint8_t acted_fifo[256];
static int acted_waiting, acted_taken;

static inline int uart_irq_callback_user_data_set(const struct device *uart,
                                                  uart_irq_callback_user_data_t *callback,
                                                  void *data)
{
    acted_interrupt = callback;
    return uart && !data ? 0 : -1;
}
static inline void uart_irq_rx_enable(const struct device *uart)
{
    (void)uart;
}
static inline int uart_irq_update(const struct device *uart)
{
    return uart ? 1 : 0;
}
static inline int uart_irq_rx_ready(const struct device *uart)
{
    return uart && acted_taken < acted_waiting;
}
static inline int uart_fifo_read(const struct device *uart, uint8_t *bytes, int most)
{
    int count = acted_waiting - acted_taken < most ? acted_waiting - acted_taken : most;
    (void)uart;
    memcpy(bytes, acted_fifo + acted_taken, (size_t)count);
    acted_taken += count;
    return count;
}
static inline void uart_poll_out(const struct device *uart, unsigned char byte)
{
    (void)uart;
    acted_write(&byte, 1);
}
