{# Behind own_data.c in programs that ask a sensor for a sample; read_sensor and told_class are theirs. #}
/* Take a sample of the sensor, which is of the class that the owner says, if any. */
static void attend(void)
{
    static int8_t sample[TIFED_MODEL_INPUTS];
    int32_t number = told_class();
{% if model.signal and model.signal.name == "motion" %}
    static int32_t before = -1;
    if (number != before) /* no window of two classes */
        tifed_model_begin_readings(MIRRORED);
    before = number;
    read_sensor(sample);
    if (told_class() != number)
        return;
{% else %}
    read_sensor(sample);
{% endif %}
    take(sample, number);
}
