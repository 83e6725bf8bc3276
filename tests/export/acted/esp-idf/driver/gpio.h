#include "esp.h"
typedef int gpio_num_t;
enum { GPIO_NUM_8 = 8, GPIO_MODE_INPUT = 1, GPIO_MODE_OUTPUT, GPIO_PULLUP_ONLY = 0 };
static inline int gpio_get_level(gpio_num_t pin)
{
    return !acted_pressed(pin - 4);
}
static inline esp_err_t gpio_set_level(gpio_num_t pin, uint32_t level)
{
    return pin == GPIO_NUM_8 && level < 2u ? ESP_OK : -1;
}
static inline esp_err_t gpio_set_direction(gpio_num_t pin, int mode)
{
    return pin >= 0 && mode ? ESP_OK : -1;
}
static inline esp_err_t gpio_set_pull_mode(gpio_num_t pin, int mode)
{
    return pin >= 0 && mode == GPIO_PULLUP_ONLY ? ESP_OK : -1;
}
