struct adc_dt_spec {
    uint8_t resolution;
};
struct adc_sequence {
    void *buffer;
    size_t buffer_size;
};
#define ADC_DT_SPEC_GET(node) {12}
static inline int adc_channel_setup_dt(const struct adc_dt_spec *spec)
{
    return spec->resolution == 12 ? 0 : -1;
}
static inline int adc_sequence_init_dt(const struct adc_dt_spec *spec,
                                       struct adc_sequence *sequence)
{
    return spec && sequence->buffer_size == 2 ? 0 : -1;
}
static inline int adc_read_dt(const struct adc_dt_spec *spec, const struct adc_sequence *sequence)
{
    *(int16_t *)sequence->buffer = (int16_t)(acted_measured() << (spec->resolution - 8));
    return 0;
}
