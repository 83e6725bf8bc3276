{# Included by the federated program of every framework, in C and in C++. What is the framework's
   stands before it: write_line and show_class. #}
/* --- samples of its own ----------------------------------------------------------------------- */

/* The device keeps its labelled samples in RAM: after a reset it has none, and collects new ones. To
 * keep them over a reset, give the store functions that read and write a file, FRAM or the like in
 * place of these two. What a write has to promise is in tifed_memory.h. */
{% include "ram_memory.c" %}

/* Room for so many samples; the oldest go for new ones. As many as the usual policy asks for
 * (tifed_link/device.h): 50 to calibrate with and 10 that are held out. */
#ifndef RECORDS
#define RECORDS {{ records }}u
#endif

static uint8_t records[TIFED_STORE_BYTES(TIFED_MODEL_INPUTS, RECORDS)];
static const tifed_memory store_memory = {read_ram, write_ram, records};
static const tifed_store_config store_config = {
    &store_memory,       TIFED_MODEL_INPUTS, RECORDS, TIFED_MODEL_HELD_OUT_EVERY,
    TIFED_MODEL_CLASSES, TIFED_STORE_NEWEST, 0,       0,
};
static tifed_store_entry entries[TIFED_STORE_ENTRIES(RECORDS)];
static tifed_store store;
static tifed_own own;

{% if model.signal and model.signal.name == "motion" %}
#define MIRRORED false /* true on the side of the body whose movements are turned round (tifed_model.h) */

{% endif %}
/* --- the device of a federation --------------------------------------------------------------- */

static tifed_device_setup device_setup;
static tifed_device device;

{% if sealed %}
{% include "sealed.c" %}
{% endif %}
/* The store, and what the device is started with. `ticks` are microseconds; `model` is memory for the
 * model that stays, or NULL. */
static int prepare_device(const char *board, uint32_t (*ticks)(void), const tifed_memory *model)
{
    static int8_t sample[TIFED_MODEL_KEPT];
    int status = tifed_store_open(&store, &store_config, entries);
    if (status == TIFED_STORE_ABSENT) /* any other error is for you to look at: nothing is erased */
        status = tifed_store_format(&store, &store_config, entries);
    if (status != TIFED_OK)
        return status;
{% if model.signal and model.signal.name == "motion" %}
    tifed_model_begin_readings(MIRRORED);
{% endif %}
    own = tifed_store_own(&store);
    device_setup = tifed_model_device(sample, board, write_line);
    device_setup.ticks = ticks;
    device_setup.tick_hertz = 1000000;
{% if model.signal %}
    /* What the owner of the device allows is its `policy`. */
{% else %}
    /* Without these two lines the server sends the samples: to compare a board with the simulator.
     * What the owner of the device allows is its `policy`. */
{% endif %}
    device_setup.own = &own;
    device_setup.model = model;
{% if sealed %}
    device_setup.seal = &seal;
    open_key(model);
{% endif %}
    return TIFED_OK;
}

/* --- between rounds --------------------------------------------------------------------------- */

/* A class whose output is less than this above the next one's is not sure: 0 never says "unknown". */
#define UNKNOWN_BELOW 12u

/* If the owner says what a sample is, the device keeps it to learn from; otherwise it says what it
 * takes it for. */
static void take(const int8_t *sample, int32_t number)
{
    if (number >= 0) {
        (void)tifed_store_add(&store, sample, number, NULL);
        return;
    }
    number = tifed_device_classify(&device, sample); /* an error before there is a model */
    if (number >= 0 && tifed_output_margin(&device.core) < UNKNOWN_BELOW)
        number = -1;
    show_class(number);
}
