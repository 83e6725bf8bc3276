/* A device of a federation that has its data itself. It learns in rounds from the samples that it
 * has collected; over the UART of the console go parameters and counts, and never a sample. Between
 * rounds it classifies. On the server:
 *     tifed run ... --set fleet=linked --set own_data=true --set dataset=on-devices
 * with the board's port as serial:PORT{% if sealed %}, and the key file as link.keys{% endif %}. The line belongs to the federation: print nothing to it. */
#include <errno.h>
#include <string.h>

#include <zephyr/device.h>
#include <zephyr/drivers/adc.h>
#include <zephyr/drivers/flash.h>
#include <zephyr/drivers/gpio.h>
#include <zephyr/drivers/uart.h>
#include <zephyr/fs/nvs.h>
#include <zephyr/kernel.h>
#include <zephyr/storage/flash_map.h>
#include <zephyr/sys/ring_buffer.h>

#include "tifed_kept.h"
#include "tifed_model.h"
#include "tifed_store.h"

static const struct device *const line = DEVICE_DT_GET(DT_CHOSEN(zephyr_console));
RING_BUF_DECLARE(arriving, 1024);

static void line_interrupt(const struct device *uart, void *data)
{
    uint8_t bytes[32];
    ARG_UNUSED(data);
    while (uart_irq_update(uart) && uart_irq_rx_ready(uart)) {
        int count = uart_fifo_read(uart, bytes, sizeof bytes);
        if (count <= 0)
            break;
        ring_buf_put(&arriving, bytes, (uint32_t)count); /* what finds no room is sent again */
    }
}

static void write_line(const uint8_t *bytes, uint16_t length)
{
    for (uint16_t i = 0; i < length; i++)
        uart_poll_out(line, bytes[i]);
}

static uint32_t microseconds(void)
{
    return (uint32_t)k_ticks_to_us_floor64(k_uptime_ticks());
}

/* --- memory for the model, which it keeps over a reset: the partition `storage_partition` ------ */

#define PAGE 64u
static struct nvs_fs storage;

static int load_page(uint32_t number, uint8_t *page)
{
    ssize_t found = nvs_read(&storage, (uint16_t)(number + 1u), page, PAGE);
    if (found == -ENOENT)
        memset(page, 0xFF, PAGE); /* nothing has been written there yet */
    return found == (ssize_t)PAGE || found == -ENOENT ? 0 : -1;
}

static int save_page(uint32_t number, const uint8_t *page)
{
    /* 0: the page is stored as it is already. */
    return nvs_write(&storage, (uint16_t)(number + 1u), page, PAGE) >= 0 ? 0 : -1;
}

{% include "paged_memory.c" %}

/* Whether there is room for the model. */
static bool open_storage(void)
{
    struct flash_pages_info sector;
    storage.flash_device = FIXED_PARTITION_DEVICE(storage_partition);
    storage.offset = FIXED_PARTITION_OFFSET(storage_partition);
    if (!device_is_ready(storage.flash_device) ||
        flash_get_page_info_by_offs(storage.flash_device, storage.offset, &sector) != 0)
        return false;
    storage.sector_size = (uint16_t)sector.size;
    storage.sector_count = (uint16_t)(FIXED_PARTITION_SIZE(storage_partition) / sector.size);
    /* One sector is always free; a page takes an entry of 8 bytes beside it. */
    return nvs_mount(&storage) == 0 && storage.sector_count > 1u &&
           ({{ memory }} / PAGE + 1u) * (PAGE + 8u) < (storage.sector_count - 1u) * sector.size;
}

/* --- sensor, owner and light: replace them by yours ------------------------------------------- */

/* The first of the `io-channels` that the devicetree gives to `zephyr,user`. */
static const struct adc_dt_spec sensor = ADC_DT_SPEC_GET(DT_PATH(zephyr_user));

static const struct gpio_dt_spec buttons[] = {
    /* A button for each class, as far as the board has them. */
    GPIO_DT_SPEC_GET_OR(DT_ALIAS(sw0), gpios, {0}),
    GPIO_DT_SPEC_GET_OR(DT_ALIAS(sw1), gpios, {0}),
    GPIO_DT_SPEC_GET_OR(DT_ALIAS(sw2), gpios, {0}),
    GPIO_DT_SPEC_GET_OR(DT_ALIAS(sw3), gpios, {0}),
};
static const struct gpio_dt_spec light = GPIO_DT_SPEC_GET_OR(DT_ALIAS(led0), gpios, {0});

{% if model.signal and model.signal.name == "motion" %}
/* Every axis at one time, as often a second as in the training data; here all from the one input. */
static void read_axes(int16_t *readings)
{
    for (uint32_t i = 0; i < TIFED_MODEL_AXES; i++) {
        struct adc_sequence sequence = {.buffer = &readings[i], .buffer_size = sizeof readings[i]};
        (void)adc_sequence_init_dt(&sensor, &sequence);
        (void)adc_read_dt(&sensor, &sequence);
    }
    k_msleep(20);
}

{% include "motion_sensor.c" %}
{% elif model.signal and model.signal.name == "log-mel" %}
/* What the microphone hears, 8,000 samples a second around 0; here an amplified one at the input, which
 * is not read while features are computed. PDM and I2S go on meanwhile: dmic_read gives pieces. */
static void read_sound(int16_t *samples, uint32_t count)
{
    const struct adc_sequence_options pace = {
        .interval_us = 125, .extra_samplings = (uint16_t)(count - 1u)};
    struct adc_sequence sequence = {
        .options = &pace, .buffer = samples, .buffer_size = count * sizeof samples[0]};
    (void)adc_sequence_init_dt(&sensor, &sequence);
    (void)adc_read_dt(&sensor, &sequence);
    for (uint32_t i = 0; i < count; i++)
        samples[i] = (int16_t)((samples[i] - (1 << (sensor.resolution - 1))) *
                               (1 << (16 - sensor.resolution)));
}

{% include "sound_sensor.c" %}
{% else %}
{% if model.maps %}
/* Each number in the unit that its feature has in the training data (tifed_model.h lists them). */
{% endif %}
static void read_sensor(int8_t *values)
{
    int16_t measured = 0;
    struct adc_sequence sequence = {.buffer = &measured, .buffer_size = sizeof measured};
    for (uint32_t i = 0; i < TIFED_MODEL_INPUTS; i++) {
        (void)adc_sequence_init_dt(&sensor, &sequence);
        (void)adc_read_dt(&sensor, &sequence);
{% if model.maps %}
        values[i] = tifed_model_quantise_value(i, TIFED_MODEL_READING(i, measured));
{% else %}
        values[i] = (int8_t)((measured >> (sensor.resolution - 8)) - 128);
{% endif %}
        k_msleep(1);
    }
}
{% endif %}

/* The class that the owner says the next reading is of: the button held down; -1 if none is. */
static int32_t told_class(void)
{
    for (uint32_t i = 0; i < ARRAY_SIZE(buttons) && i < TIFED_MODEL_CLASSES; i++)
        if (gpio_is_ready_dt(&buttons[i]) && gpio_pin_get_dt(&buttons[i]) > 0)
            return (int32_t)i;
    return -1;
}

static void show_class(int32_t number)
{
    if (gpio_is_ready_dt(&light))
        (void)gpio_pin_set_dt(&light, number >= 0); /* dark: unknown */
}

{% include "own_data.c" %}

{% include "attend.c" %}

int main(void)
{
    int64_t last = 0;
    (void)adc_channel_setup_dt(&sensor);
    for (uint32_t i = 0; i < ARRAY_SIZE(buttons); i++)
        if (gpio_is_ready_dt(&buttons[i]))
            (void)gpio_pin_configure_dt(&buttons[i], GPIO_INPUT);
    if (gpio_is_ready_dt(&light))
        (void)gpio_pin_configure_dt(&light, GPIO_OUTPUT_INACTIVE);
    int status = prepare_device("zephyr", microseconds, open_storage() ? &model_memory : NULL);
    if (status != TIFED_OK)
        return status;
    tifed_device_init(&device, &device_setup);
    if (told_class() == 0) /* the first button is held at start: other experiments may follow */
        (void)tifed_device_release(&device);
    tifed_device_ready(&device);
    uart_irq_callback_user_data_set(line, line_interrupt, NULL);
    uart_irq_rx_enable(line);
    for (;;) {
        uint8_t byte;
        while (ring_buf_get(&arriving, &byte, 1) == 1u) {
            {{ feed }}byte);
            last = k_uptime_get();
        }
        if (tifed_device_work(&device))
            continue; /* a piece of a round is done, and there is more */
        if (k_uptime_get() - last >= 200) { /* the line is quiet */
            attend();
            last = k_uptime_get();
        }
        k_msleep(1);
    }
}
