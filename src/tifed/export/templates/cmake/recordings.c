{# Lines of a sensor's readings, which go through the front end; `samples` is the file. #}
/* The next number of this line; false behind its last one, or at what is no number from least to most,
 * which `wrong` says. */
static bool next_number(long least, long most, long *number, bool *wrong)
{
    int next = fgetc(samples);
    while (next == ' ' || next == '\t' || next == ',' || next == '\r')
        next = fgetc(samples);
    if (next == EOF || next == '\n')
        return false;
    ungetc(next, samples);
    *wrong = fscanf(samples, "%ld", number) != 1 || *number < least || *number > most;
    return !*wrong;
}

/* A line; NULL, or what is wrong with it. */
static const char *attend_to_recording(void)
{
    long label = -1, value = 0;
    bool wrong = false;
    if (!next_number(-1, (long)TIFED_MODEL_CLASSES - 1, &label, &wrong))
        return "does not begin with a class from -1 to {{ network.classes - 1 }}";
{% if model.signal.name == "motion" %}
    int16_t readings[TIFED_MODEL_AXES];
    uint32_t axis = 0, made = 0;
    tifed_model_begin_readings(MIRRORED);
    while (next_number(-32768, 32767, &value, &wrong)) {
        readings[axis++] = (int16_t)value;
        if (axis < TIFED_MODEL_AXES)
            continue;
        const int8_t *sample = tifed_model_add_reading(readings);
        if (sample)
            take(sample, (int32_t)label);
        made += sample != NULL;
        axis = 0;
    }
    if (wrong)
        return "has something else than readings from -32768 to 32767";
    if (axis > 0)
        return "does not end with a reading of the last of the {{ model.signal.axes }} axes";
    return made ? NULL : "is shorter than a window of {{ model.signal.window }} readings of each axis";
{% else %}
    tifed_model_begin_sound();
    while (next_number(-32768, 32767, &value, &wrong)) {
        int16_t heard = (int16_t)value;
        if (tifed_model_add_sound(&heard, 1) != TIFED_OK)
            return "is longer than {{ model.signal.frames }} frames of 10 ms";
    }
    if (wrong)
        return "has something else than samples from -32768 to 32767";
    const int8_t *sample = tifed_model_end_sound();
    if (!sample)
        return "has no sound";
    take(sample, (int32_t)label);
    return NULL;
{% endif %}
}
