{# read_sensor of example.c where the front end of a sensor makes samples of its readings. #}
static int32_t noise_of(uint32_t number, uint32_t range)
{
    uint32_t noise = (number + 1u) * 0x85EBCA6Bu;
    noise ^= noise >> 15;
    noise *= 0xC2B2AE35u;
    return (int32_t)((noise >> 16) % range);
}

/* Up and down between -half and half, with so many steps from one top to the next. */
static int32_t wave(uint32_t step, uint32_t period, int32_t half)
{
    int32_t place = (int32_t)(step % period), up = (int32_t)period / 2;
    int32_t high = place < up ? place : (int32_t)period - place;
    return 2 * half * high / up - half;
}

{% if model.signal.name == "motion" %}
/* Stands for a motion sensor: replace it. In each class the axes move with a rhythm of their own
 * around a place of their own, and a window begins anywhere. */
static void read_sensor(int8_t sample[TIFED_MODEL_INPUTS], uint32_t label, uint32_t number)
{
    const int8_t *made = NULL;
    uint32_t begin = (uint32_t)noise_of(number, 64u);
    int32_t middle = (int32_t)(16000u * label / TIFED_MODEL_CLASSES) - 8000;
    tifed_model_begin_readings(false);
    for (uint32_t time = 0; !made; time++) {
        int16_t readings[TIFED_MODEL_AXES];
        for (uint32_t axis = 0; axis < TIFED_MODEL_AXES; axis++) {
            uint32_t place = (number * TIFED_MODEL_WINDOW + time) * TIFED_MODEL_AXES + axis;
            uint32_t period = 6u + 4u * ((label + axis) % TIFED_MODEL_CLASSES);
            readings[axis] = (int16_t)(middle + wave(begin + time, period, 4000) +
                                       noise_of(place, 1000u) - 500);
        }
        made = tifed_model_add_reading(readings);
    }
    for (uint32_t i = 0; i < TIFED_MODEL_INPUTS; i++)
        sample[i] = made[i];
}
{% else %}
/* Stands for a microphone: replace it. A class is a tone of its own; at most 0.3 seconds of it. */
static void read_sensor(int8_t sample[TIFED_MODEL_INPUTS], uint32_t label, uint32_t number)
{
    uint32_t frames = TIFED_MODEL_FRAMES < 30u ? TIFED_MODEL_FRAMES : 30u;
    const int8_t *made = NULL;
    while (!made) {
        tifed_model_begin_sound();
        for (uint32_t time = 0; time < 80u * frames + 120u; time++) {
            uint32_t place = number * 4096u + time, period = 4u + 3u * label;
            int16_t heard = (int16_t)(wave(time, period, 6000) + noise_of(place, 4000u) - 2000);
            (void)tifed_model_add_sound(&heard, 1); /* no more than there is room for */
        }
        made = tifed_model_end_sound();
    }
    for (uint32_t i = 0; i < TIFED_MODEL_INPUTS; i++)
        sample[i] = made[i];
}
{% endif %}
