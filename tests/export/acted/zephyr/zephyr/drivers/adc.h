struct adc_dt_spec {
    uint8_t resolution;
};
struct adc_sequence_options {
    uint32_t interval_us;
    uint16_t extra_samplings;
};
struct adc_sequence {
    const struct adc_sequence_options *options;
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
    size_t count = sequence->options ? sequence->options->extra_samplings + 1u : 1u;
    return spec && sequence->buffer_size == 2 * count ? 0 : -1;
}
static inline int adc_read_dt(const struct adc_dt_spec *spec, const struct adc_sequence *sequence)
{
    for (size_t i = 0; i < sequence->buffer_size / 2; i++)
        ((int16_t *)sequence->buffer)[i] = (int16_t)(acted_measured() << (spec->resolution - 8));
    return 0;
}
