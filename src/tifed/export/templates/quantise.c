{# Of tifed_model.c: from readings to samples, and names. #}
{% if model.maps %}
{% if model.fraction_bits | length > 1 %}
const int8_t tifed_model_fraction_bits[TIFED_MODEL_INPUTS] = { {{- model.fraction_bits | join(", ") -}} };

{% endif %}
static const tifed_map maps[] = {
{% for one in model.maps %}
    { {{- one.bias_high }}, {{ one.bias_low }}u, {{ one.multiplier }}u, {{ one.shift }}u},
{% endfor %}
};

int tifed_model_quantise(const int32_t *readings, int8_t *sample)
{
    static const tifed_quantisation quantisation = {maps, TIFED_MODEL_INPUTS, {{ "true" if model.maps | length == 1 else "false" }}};
    if (!readings || !sample)
        return TIFED_ERROR_MEMORY;
    tifed_quantise(&quantisation, readings, sample);
    return TIFED_OK;
}

int8_t tifed_model_quantise_value(uint32_t i, int32_t reading)
{
{% if model.maps | length == 1 %}
    (void)i; /* all share one map */
    return tifed_quantise_reading(maps, reading);
{% else %}
    return tifed_quantise_reading(&maps[i], reading);
{% endif %}
}

{% endif %}
{% if model.samples.class_names %}
const char *tifed_model_class_name(int32_t label)
{
    static const char *const names[TIFED_MODEL_CLASSES] = {
{% for name in model.samples.class_names %}
        {{ name | string }},{{ " /* " ~ name | comment ~ " */" if "\\" in name | string }}
{% endfor %}
    };
    return label >= 0 && (uint32_t)label < TIFED_MODEL_CLASSES ? names[label] : "(no such class)";
}

{% endif %}
