#include "esp.h"
enum { ADC_UNIT_1, ADC_CHANNEL_0 = 0, ADC_ATTEN_DB_12 = 3, ADC_BITWIDTH_12 = 12 };
typedef int *adc_oneshot_unit_handle_t;
typedef struct {
    int unit_id;
} adc_oneshot_unit_init_cfg_t;
typedef struct {
    int atten, bitwidth;
} adc_oneshot_chan_cfg_t;
static int acted_unit;
static inline esp_err_t adc_oneshot_new_unit(const adc_oneshot_unit_init_cfg_t *unit,
                                             adc_oneshot_unit_handle_t *handle)
{
    *handle = &acted_unit;
    return unit->unit_id == ADC_UNIT_1 ? ESP_OK : -1;
}
static inline esp_err_t adc_oneshot_config_channel(adc_oneshot_unit_handle_t handle, int channel,
                                                   const adc_oneshot_chan_cfg_t *config)
{
    return handle && channel == ADC_CHANNEL_0 && config->bitwidth == 12 ? ESP_OK : -1;
}
static inline esp_err_t adc_oneshot_read(adc_oneshot_unit_handle_t handle, int channel, int *value)
{
    *value = acted_measured() << 4;
    return handle && channel == ADC_CHANNEL_0 ? ESP_OK : -1;
}
