/* A device of a federation that has its data itself. It learns in rounds from the samples that it
 * has collected; over the serial line go parameters and counts, and never a sample. Between rounds
 * it classifies. On the server:
 *     tifed run ... --set fleet=linked --set own_data=true --set dataset=on-devices
 * with the board's port as serial:PORT{% if sealed %}, and the key file as link.keys{% endif %}. The line belongs to the federation: print nothing to it. */
#include <stdio.h>
#include <string.h>

#include "driver/gpio.h"
#include "driver/uart.h"
#include "esp_adc/adc_oneshot.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "nvs.h"
#include "nvs_flash.h"

#include "tifed_kept.h"
#include "tifed_model.h"
#include "tifed_store.h"

#define LINE UART_NUM_0

static void write_line(const uint8_t *bytes, uint16_t length)
{
    uart_write_bytes(LINE, bytes, length);
}

static uint32_t microseconds(void)
{
    return (uint32_t)esp_timer_get_time();
}

/* --- memory for the model, which it keeps over a reset: NVS ------------------------------------ */

#define PAGE 64u
static nvs_handle_t storage;

static int load_page(uint32_t number, uint8_t *page)
{
    char key[16];
    size_t length = PAGE;
    snprintf(key, sizeof key, "page%lu", (unsigned long)number);
    esp_err_t status = nvs_get_blob(storage, key, page, &length);
    if (status == ESP_ERR_NVS_NOT_FOUND)
        memset(page, 0xFF, PAGE); /* nothing has been written there yet */
    return status == ESP_OK || status == ESP_ERR_NVS_NOT_FOUND ? 0 : -1;
}

static int save_page(uint32_t number, const uint8_t *page)
{
    char key[16];
    snprintf(key, sizeof key, "page%lu", (unsigned long)number);
    return nvs_set_blob(storage, key, page, PAGE) == ESP_OK && nvs_commit(storage) == ESP_OK ? 0
                                                                                            : -1;
}

{% include "paged_memory.c" %}

/* Whether there is room for the model. */
static bool open_storage(void)
{
    nvs_stats_t there;
    if (nvs_flash_init() != ESP_OK || nvs_open("{{ names.target }}", NVS_READWRITE, &storage) != ESP_OK ||
        nvs_get_stats(NULL, &there) != ESP_OK)
        return false;
    /* A page takes entries of 32 bytes: two for its bytes and two that describe them. What an earlier
     * start has written counts as used. */
    return there.total_entries >= ({{ memory }} / PAGE + 1u) * 4u + 126u;
}

/* --- sensor, owner and light: replace them by yours ------------------------------------------- */

#define CHANNEL ADC_CHANNEL_0
#define FIRST_BUTTON 4 /* to ground; the next pins are the buttons of further classes */
#define BUTTONS 2u
#define LIGHT GPIO_NUM_8

static adc_oneshot_unit_handle_t sensor;

{% if model.signal and model.signal.name == "motion" %}
/* Every axis at one time, as often a second as in the training data; here all from the one input. */
static void read_axes(int16_t *readings)
{
    for (uint32_t i = 0; i < TIFED_MODEL_AXES; i++) {
        int measured = 0; /* 12 bits */
        (void)adc_oneshot_read(sensor, CHANNEL, &measured);
        readings[i] = (int16_t)measured;
    }
    vTaskDelay(pdMS_TO_TICKS(20));
}

{% include "motion_sensor.c" %}
{% elif model.signal and model.signal.name == "log-mel" %}
/* What the microphone hears, 8,000 samples a second around 0; here an amplified one at the input, which
 * is not read while features are computed. I2S goes on meanwhile: i2s_channel_read gives pieces. */
static void read_sound(int16_t *samples, uint32_t count)
{
    int64_t begin = esp_timer_get_time();
    for (uint32_t i = 0; i < count; i++) {
        int measured = 0; /* 12 bits */
        while (esp_timer_get_time() - begin < 125 * (int64_t)i) {
        }
        (void)adc_oneshot_read(sensor, CHANNEL, &measured);
        samples[i] = (int16_t)((measured - 2048) * 16);
    }
}

{% include "sound_sensor.c" %}
{% else %}
{% if model.maps %}
/* Each number in the unit that its feature has in the training data (tifed_model.h lists them). */
{% endif %}
static void read_sensor(int8_t *values)
{
    for (uint32_t i = 0; i < TIFED_MODEL_INPUTS; i++) {
        int measured = 0; /* 12 bits */
        (void)adc_oneshot_read(sensor, CHANNEL, &measured);
{% if model.maps %}
        values[i] = tifed_model_quantise_value(i, TIFED_MODEL_READING(i, measured));
{% else %}
        values[i] = (int8_t)((measured >> 4) - 128);
{% endif %}
    }
}
{% endif %}

/* The class that the owner says the next reading is of: the button held down; -1 if none is. */
static int32_t told_class(void)
{
    for (uint32_t i = 0; i < BUTTONS && i < TIFED_MODEL_CLASSES; i++)
        if (gpio_get_level((gpio_num_t)(FIRST_BUTTON + (int)i)) == 0)
            return (int32_t)i;
    return -1;
}

static void show_class(int32_t number)
{
    gpio_set_level(LIGHT, number >= 0); /* dark: unknown */
}

{% include "own_data.c" %}

{% include "attend.c" %}

static void start_board(void)
{
    const uart_config_t form = {
        .baud_rate = 115200,
        .data_bits = UART_DATA_8_BITS,
        .parity = UART_PARITY_DISABLE,
        .stop_bits = UART_STOP_BITS_1,
        .flow_ctrl = UART_HW_FLOWCTRL_DISABLE,
    };
    const adc_oneshot_unit_init_cfg_t unit = {.unit_id = ADC_UNIT_1};
    const adc_oneshot_chan_cfg_t channel = {.atten = ADC_ATTEN_DB_12, .bitwidth = ADC_BITWIDTH_12};
    ESP_ERROR_CHECK(uart_driver_install(LINE, 4096, 0, 0, NULL, 0));
    ESP_ERROR_CHECK(uart_param_config(LINE, &form));
    ESP_ERROR_CHECK(adc_oneshot_new_unit(&unit, &sensor));
    ESP_ERROR_CHECK(adc_oneshot_config_channel(sensor, CHANNEL, &channel));
    for (uint32_t i = 0; i < BUTTONS; i++) {
        gpio_num_t button = (gpio_num_t)(FIRST_BUTTON + (int)i);
        ESP_ERROR_CHECK(gpio_set_direction(button, GPIO_MODE_INPUT));
        ESP_ERROR_CHECK(gpio_set_pull_mode(button, GPIO_PULLUP_ONLY));
    }
    ESP_ERROR_CHECK(gpio_set_direction(LIGHT, GPIO_MODE_OUTPUT));
}

void app_main(void)
{
    bool more = false;
    TickType_t last = 0;
    start_board();
    if (prepare_device("esp-idf", microseconds, open_storage() ? &model_memory : NULL) != TIFED_OK)
        return;
    tifed_device_init(&device, &device_setup);
    if (told_class() == 0) /* the first button is held at start: other experiments may follow */
        (void)tifed_device_release(&device);
    tifed_device_ready(&device);
    for (;;) {
        uint8_t bytes[128];
        /* While there is no work it waits for bytes, so that other tasks get time. */
        int count = uart_read_bytes(LINE, bytes, sizeof bytes, more ? 0 : 1);
        for (int i = 0; i < count; i++)
            {{ feed }}bytes[i]);
        if (count > 0)
            last = xTaskGetTickCount();
        more = tifed_device_work(&device);
        if (!more && xTaskGetTickCount() - last >= pdMS_TO_TICKS(200)) { /* the line is quiet */
            attend();
            last = xTaskGetTickCount();
        }
    }
}
