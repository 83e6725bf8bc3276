{# read_sensor where a sample is a recording; read_sound is the framework's. #}
/* A recording lasts as long as the longest one of the training data ({{ "%.1f" | format((80 * model.signal.frames + 120) / 8000) }} seconds): who holds a button says
 * the word meanwhile. The silence before and after it is left out, in features that are no picture. */
static void read_sensor(int8_t *sample)
{
    int16_t sound[40];
    const int8_t *made = NULL;
    while (!made) {
        tifed_model_begin_sound();
        for (uint32_t piece = 0; piece < 2u * TIFED_MODEL_FRAMES + 3u; piece++) {
            read_sound(sound, 40);
            (void)tifed_model_add_sound(sound, 40); /* no more than there is room for */
        }
        made = tifed_model_end_sound();
    }
    for (uint32_t i = 0; i < TIFED_MODEL_INPUTS; i++)
        sample[i] = made[i];
}
