{# Included by the main program of frameworks without a common sensor API; PRINT is theirs. #}
{% if model.maps %}
{% if features | length == 1 %}
#define RANGE_LOW(i) ({{ features[0].readings[0] }})
#define RANGE_HIGH(i) ({{ features[0].readings[1] }})
{% else %}
/* Readings that become -128 and 127. */
static const int32_t range[TIFED_MODEL_INPUTS][2] = {
{% for one in features %}
    { {{- one.readings[0] }}, {{ one.readings[1] }}},
{% endfor %}
};
#define RANGE_LOW(i) (range[i][0])
#define RANGE_HIGH(i) (range[i][1])
{% endif %}

{% endif %}
{% if model.signal %}
{% include "example_signal.c" %}
{% else %}
{% if model.makes_features %}
/* Stands for a sensor: replace it. A class is a bright part of its own, and a reading has noise. */
{% else %}
/* Stands for a sensor: replace it. A class has a pattern of its own, and a reading some noise. */
{% endif %}
static void read_sensor(int8_t sample[TIFED_MODEL_INPUTS], uint32_t label, uint32_t number)
{
{% if model.maps %}
    static int32_t readings[TIFED_MODEL_INPUTS];
{% endif %}
    for (uint32_t i = 0; i < TIFED_MODEL_INPUTS; i++) {
{% if model.makes_features %}
        int32_t level = i * TIFED_MODEL_CLASSES / TIFED_MODEL_INPUTS == label ? 64 : -96;
{% else %}
        uint32_t pattern = (label * 64u + i + 1u) * 0x9E3779B9u;
        int32_t level = (int32_t)(pattern >> 25) - 64;
{% endif %}
        uint32_t noise = (number * TIFED_MODEL_INPUTS + i + 1u) * 0x85EBCA6Bu;
        noise ^= noise >> 15;
        noise *= 0xC2B2AE35u;
{% if model.maps %}
        /* Within what the training data had, as numbers times 2^TIFED_MODEL_FRACTION_BITS(i). */
        level += (int32_t)(noise >> 26) + 96;
        readings[i] = RANGE_LOW(i) + (int32_t)(((int64_t)RANGE_HIGH(i) - RANGE_LOW(i)) * level / 255);
    }
    tifed_model_quantise(readings, sample);
{% else %}
        sample[i] = (int8_t)(level + (int32_t)(noise >> 26) - 32);
    }
{% endif %}
}
{% endif %}

static tifed model;
static int8_t sample[TIFED_MODEL_INPUTS];

{% if (model.makes_features or model.signal) and network.centred and not model.parameters %}
/* Features are rarely around 0: their means over some readings become the network's centre. */
static int calibrate(void)
{
    static int32_t sums[TIFED_MODEL_FEATURES];
    int status = TIFED_OK;
    for (uint32_t number = 0; number < 50u; number++) {
        read_sensor(sample, number % TIFED_MODEL_CLASSES, number);
        const int8_t *features = {{ "tifed_model_features(sample)" if model.makes_features else "sample" }};
        for (uint32_t i = 0; i < TIFED_MODEL_FEATURES; i++)
            sums[i] += features[i];
    }
    for (uint32_t i = 0; status == TIFED_OK && i < TIFED_MODEL_FEATURES; i++) {
        int8_t mean = (int8_t)(sums[i] / 50);
        status = tifed_put_centre(&model, i, 1, &mean);
    }
    return status;
}

{% endif %}
static int learn_and_classify(void)
{
    uint32_t number = 0, right = 0;
    int status = tifed_model_start(&model);
{% if (model.makes_features or model.signal) and network.centred and not model.parameters %}
    if (status == TIFED_OK)
        status = calibrate();
{% endif %}
    for (uint32_t round = 0; status == TIFED_OK && round < ROUNDS; round++) {
        tifed_clear(&model);
        for (uint32_t i = 0; status == TIFED_OK && i < TIFED_MODEL_BUFFER; i++) {
            uint32_t label = number % TIFED_MODEL_CLASSES;
            read_sensor(sample, label, number++);
            status = tifed_model_add_sample(&model, sample, label);
        }
        tifed_work work = tifed_model_work(round, DEVICE);
        if (status == TIFED_OK)
            status = tifed_begin(&model, &work);
        if (status != TIFED_OK)
            break;
        while (tifed_step(&model) == TIFED_MORE) {
            /* A mini-batch is done: time for whatever else the program has to do. */
        }
        PRINT("round %lu: %lu of %lu visits wrong\n", (unsigned long)round + 1u,
              (unsigned long)model.statistics.missed, (unsigned long)model.statistics.visits);
    }
    if (status != TIFED_OK) {
        PRINT("tifed: error %d, see tifed.h\n", status);
        return status;
    }
    for (uint32_t i = 0; i < 100u; i++) {
        uint32_t label = number % TIFED_MODEL_CLASSES;
        read_sensor(sample, label, number++);
        right += tifed_model_classify(&model, sample) == (int32_t)label;
    }
    PRINT("%lu of 100 new readings classified rightly\n", (unsigned long)right);
    return TIFED_OK;
}
