{% if model.signal and model.signal.name == "motion" %}

static const tifed_motion motion = {TIFED_MODEL_AXES, TIFED_MODEL_WINDOW, TIFED_MODEL_HOP, {{ "0x%X" % mirrored_mask }}u};
static tifed_motion_stream readings_stream;
static bool begun;

void tifed_model_begin_readings(bool mirrored)
{
    static int16_t ring[TIFED_MOTION_BYTES(TIFED_MODEL_AXES, TIFED_MODEL_WINDOW) / sizeof(int16_t)];
    begun = tifed_motion_begin(&readings_stream, &motion, mirrored, ring, sizeof ring) == TIFED_OK;
}

const int8_t *tifed_model_add_reading(const int16_t *readings)
{
    static int8_t features[TIFED_MODEL_FEATURES];
    if (!begun)
        tifed_model_begin_readings(false);
    if (tifed_motion_put(&readings_stream, readings) != TIFED_OK ||
        tifed_motion_window(&readings_stream, features) != TIFED_OK)
        return NULL;
    return features;
}
{% endif %}
