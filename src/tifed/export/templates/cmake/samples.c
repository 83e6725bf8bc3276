{# Lines of values that are samples already; `samples` is the file. #}
static bool wrong; /* a line that is not what it should be */

static bool next_number(long least, long most, long *number)
{
    if (fscanf(samples, " %ld ,", number) == 1 || fscanf(samples, "%ld", number) == 1)
        return *number >= least && *number <= most;
    return false;
}

static int32_t told_class(void)
{
    long number = -1;
    wrong |= !next_number(-1, (long)TIFED_MODEL_CLASSES - 1, &number);
    return (int32_t)number;
}

static void read_sensor(int8_t *sample)
{
    for (uint32_t i = 0; i < TIFED_MODEL_INPUTS; i++) {
        long value = 0;
        wrong |= !next_number(-128, 127, &value);
        sample[i] = (int8_t)value;
    }
}

{% include "attend.c" %}
