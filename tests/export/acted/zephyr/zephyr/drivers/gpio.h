struct gpio_dt_spec {
    int pin;
};
enum { GPIO_INPUT, GPIO_OUTPUT_INACTIVE };
#define GPIO_DT_SPEC_GET_OR(node, property, otherwise) {node}
static inline bool gpio_is_ready_dt(const struct gpio_dt_spec *spec)
{
    return spec->pin < 3 || spec->pin == 100; /* one button is not there */
}
static inline int gpio_pin_configure_dt(const struct gpio_dt_spec *spec, int flags)
{
    return spec && flags >= 0 ? 0 : -1;
}
static inline int gpio_pin_get_dt(const struct gpio_dt_spec *spec)
{
    return acted_pressed(spec->pin);
}
static inline int gpio_pin_set_dt(const struct gpio_dt_spec *spec, int value)
{
    return spec && value >= 0 ? 0 : -1;
}
