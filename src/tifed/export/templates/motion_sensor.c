{# read_sensor where a sample is a window of readings; read_axes is the framework's. #}
static void read_sensor(int8_t *sample)
{
    int16_t readings[TIFED_MODEL_AXES];
    const int8_t *made = NULL;
    while (!made) { /* until the window is full, or has moved on */
        read_axes(readings);
        made = tifed_model_add_reading(readings);
    }
    for (uint32_t i = 0; i < TIFED_MODEL_INPUTS; i++)
        sample[i] = made[i];
}
