#include "esp.h"
enum {
    UART_NUM_0,
    UART_DATA_8_BITS = 3,
    UART_PARITY_DISABLE = 0,
    UART_STOP_BITS_1 = 1,
    UART_HW_FLOWCTRL_DISABLE = 0
};
typedef struct {
    int baud_rate, data_bits, parity, stop_bits, flow_ctrl;
} uart_config_t;
static inline esp_err_t uart_driver_install(int line, int arriving, int leaving, int events,
                                            void *queue, int flags)
{
    return line == UART_NUM_0 && arriving > 128 && !leaving && !events && !queue && !flags ? ESP_OK
                                                                                           : -1;
}
static inline esp_err_t uart_param_config(int line, const uart_config_t *config)
{
    return line == UART_NUM_0 && config->baud_rate == 115200 ? ESP_OK : -1;
}
static inline int uart_read_bytes(int line, void *bytes, uint32_t most, TickType_t wait)
{
    (void)line;
    return acted_read((uint8_t *)bytes, most, (int)wait);
}
static inline int uart_write_bytes(int line, const void *bytes, size_t count)
{
    (void)line;
    acted_write(bytes, count);
    return (int)count;
}
