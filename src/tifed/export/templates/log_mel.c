{% if model.signal and model.signal.name == "log-mel" %}

static tifed_log_mel sound;

void tifed_model_begin_sound(void)
{
    static int16_t frames[TIFED_MODEL_FRAMES * TIFED_LOG_MEL_BANDS];
    tifed_log_mel_begin(&sound, frames, TIFED_MODEL_FRAMES);
}

int tifed_model_add_sound(const int16_t *samples, uint32_t count)
{
    return tifed_log_mel_put(&sound, samples, count);
}

const int8_t *tifed_model_end_sound(void)
{
    static int8_t made[TIFED_MODEL_INPUTS];
{% if model.signal.rows %}
    return tifed_log_mel_end_picture(&sound, made, {{ model.signal.rows }}u) == TIFED_OK ? made : NULL;
{% else %}
    return tifed_log_mel_end(&sound, made) == TIFED_OK ? made : NULL;
{% endif %}
}
{% endif %}
