/* The model that stays against a case: the file's format is in tests/vectors/write_kept.py. While a
 * model is saved, and while words are, the power is cut at every byte. */
#include "tifed_crc.h"
#include "tifed_kept.h"

#include <stdlib.h>
#include <string.h>

#include "flash.h"

#ifdef __AVR__
#define CUT_EVERY 997u /* bytes: an emulated AVR is slow */
#else
#define CUT_EVERY 1u
#endif

typedef struct test_model {
    tifed_kept_model about;
    int8_t *centre;
    int16_t *weights[TIFED_MAX_DEPTH], *biases[TIFED_MAX_DEPTH];
} test_model;

static const char who[] = "device";
static flash f;
static tifed_memory memory;
static tifed_layer layers[TIFED_MAX_DEPTH];
static tifed_network network;
static tifed_config config;
static tifed_frozen frozen[TIFED_MAX_DEPTH];
static uint32_t fingerprint, in_flash;
static test_model models[2];
static uint32_t words[2][TIFED_KEPT_WORDS];
static tifed_kept kept;
static tifed core;
static size_t core_bytes;
static void *core_memory;

static void read_network(void)
{
    memset(&network, 0, sizeof network);
    network.layers = layers;
    network.depth = (uint8_t)number();
    network.error = (uint8_t)number();
    network.error_level = (uint8_t)number();
    network.feedback = (uint8_t)number();
    network.input_shift = (uint8_t)number();
    network.centred = number() != 0;
    for (uint32_t l = 0; l < network.depth; l++) {
        layers[l].fan_in = (uint32_t)number();
        layers[l].fan_out = (uint32_t)number();
        layers[l].rescale_factor = (uint32_t)number();
        layers[l].rescale_shift = (uint8_t)number();
        layers[l].rescale_rounding = (uint8_t)number();
        layers[l].update_shift = (uint8_t)number();
        layers[l].update_rounding = (uint8_t)number();
        layers[l].bias_shift = (uint8_t)number();
        layers[l].activation = (uint8_t)number();
        layers[l].input_limit = (uint8_t)number();
        layers[l].weight_bits = (uint8_t)number();
    }
}

static uint32_t weights_of(uint32_t l)
{
    return layers[l].fan_in * layers[l].fan_out;
}

static int16_t *numbers(uint32_t count)
{
    int16_t *values = exactly((size_t)count * sizeof *values);
    for (uint32_t i = 0; i < count; i++)
        values[i] = (int16_t)number();
    return values;
}

static void read_model(test_model *m)
{
    m->about.seed_low = (uint32_t)number();
    m->about.seed_high = (uint32_t)number();
    m->about.round = (uint32_t)number();
    m->about.energy_shift = (int32_t)number();
    m->centre = exactly(layers[0].fan_in);
    for (uint32_t i = 0; i < layers[0].fan_in; i++)
        m->centre[i] = (int8_t)number();
    for (uint32_t l = 0; l < network.depth; l++) {
        m->weights[l] = numbers(weights_of(l));
        m->biases[l] = numbers(layers[l].fan_out);
    }
}

/* One value of a layer in the form of the wire: how many bytes it has. */
static uint32_t value_of(const test_model *m, uint32_t l, uint32_t place, uint8_t wire[2])
{
    bool is_bias = place >= weights_of(l);
    int16_t value = is_bias ? m->biases[l][place - weights_of(l)] : m->weights[l][place];
    wire[0] = (uint8_t)(uint16_t)value;
    wire[1] = (uint8_t)((uint16_t)value >> 8);
    return is_bias || layers[l].weight_bits == 16u ? 2u : 1u;
}

static void start_core(void)
{
    memset(core_memory, 0x55, core_bytes);
    if (tifed_init(&core, &config, core_memory, core_bytes) != TIFED_OK)
        fail("tifed_init", who);
}

static void put_model(const test_model *m)
{
    uint8_t wire[2];
    start_core();
    if (network.centred && tifed_put_centre(&core, 0, layers[0].fan_in, m->centre) != TIFED_OK)
        fail("tifed_put_centre", who);
    for (uint32_t l = 0; l < network.depth; l++)
        for (uint32_t i = 0; i < weights_of(l) + layers[l].fan_out; i++) {
            (void)value_of(m, l, i, wire);
            if (tifed_put_parameters(&core, l, i, 1, wire) != TIFED_OK)
                fail("tifed_put_parameters", who);
        }
}

/* The core has this model, and nothing of another. */
static void compare_model(const test_model *m)
{
    uint8_t wire[2], got[2];
    if (network.centred && memcmp(core.centre, m->centre, layers[0].fan_in))
        fail("another centre", who);
    for (uint32_t l = 0; l < network.depth; l++)
        for (uint32_t i = 0; i < weights_of(l) + layers[l].fan_out; i++) {
            uint32_t bytes = value_of(m, l, i, wire);
            if (tifed_get_parameters(&core, l, i, 1, got) != TIFED_OK || memcmp(wire, got, bytes))
                fail("another parameter", who);
        }
}

/* What is found after a reset: the number of a model, or -1 for none. */
static int found_model(void)
{
    power(&f, UINT32_MAX, FLASH_BEFORE);
    memset(&kept, 0x55, sizeof kept);
    int status = tifed_kept_open(&kept, &memory, &config, fingerprint);
    start_core();
    if (status == TIFED_KEPT_ABSENT) {
        if (tifed_kept_restore(&kept, &core) != TIFED_KEPT_ABSENT)
            fail("restored what is not there", who);
        return -1;
    }
    if (status != TIFED_OK)
        fail("tifed_kept_open", who);
    int which = kept.model.round == models[1].about.round;
    const tifed_kept_model *about = &models[which].about;
    if (kept.model.seed_low != about->seed_low || kept.model.seed_high != about->seed_high ||
        kept.model.round != about->round || kept.model.energy_shift != about->energy_shift)
        fail("says something else of a model", who);
    if (tifed_kept_restore(&kept, &core) != TIFED_OK)
        fail("tifed_kept_restore", who);
    compare_model(&models[which]);
    return which;
}

/* Number of the words that are found; -1 for none. */
static int found_words(void)
{
    uint32_t got[TIFED_KEPT_WORDS];
    static const uint32_t none[TIFED_KEPT_WORDS] = {0};
    if (tifed_kept_get_words(&kept, got) != TIFED_OK)
        fail("tifed_kept_get_words", who);
    for (int n = 0; n < 2; n++)
        if (memcmp(got, words[n], sizeof got) == 0)
            return n;
    if (memcmp(got, none, sizeof got))
        fail("other words", who);
    return -1;
}

static int save(int model)
{
    put_model(&models[model]);
    return tifed_kept_save(&kept, &core, &models[model].about);
}

static int put_words(int n)
{
    return tifed_kept_put_words(&kept, words[n]);
}

/* Model or words number `n` come, and power is cut at every byte: what was there before still is. */
static void cut_everywhere(int n, int (*change)(int), const char *what)
{
    uint8_t *before = exactly(f.size), *after = exactly(f.size);
    memcpy(before, f.bytes, f.size);
    int model = found_model(), word = found_words();
    if (change(n) != TIFED_OK)
        fail("does not come", what);
    uint32_t bytes = f.written;
    memcpy(after, f.bytes, f.size);
    for (int mode = 0; mode < FLASH_MODES; mode++)
        for (uint32_t cut = bytes / 2u % CUT_EVERY; cut < bytes; cut += CUT_EVERY) {
            memcpy(f.bytes, before, f.size);
            power(&f, UINT32_MAX, mode);
            if (tifed_kept_open(&kept, &memory, &config, fingerprint) == TIFED_KEPT_MEMORY)
                fail("cannot be read", what);
            power(&f, cut, mode);
            if (change(n) != TIFED_KEPT_MEMORY)
                fail("did not notice a write that failed", what);
            bool complete = memcmp(f.bytes, after, f.size) == 0; /* the rest was so already */
            int model_wanted = complete && change == save ? n : model;
            int word_wanted = complete && change == put_words ? n : word;
            if (found_model() != model_wanted || found_words() != word_wanted)
                fail("a power cut lost what was there before", what);
            if (change(n) != TIFED_OK || found_model() != (change == save ? n : model) ||
                found_words() != (change == put_words ? n : word))
                fail("does not come after a power cut", what);
        }
    memcpy(f.bytes, after, f.size);
    (void)found_model();
    free(before);
    free(after);
}

/* One bit of the newest model changes: the older one is found. Of both: none. */
static void damage(void)
{
    uint32_t slot = (f.size - 80u) / 2u, newest = 80u, older = 80u + slot;
    for (uint32_t byte = 0; byte < slot; byte += CUT_EVERY) {
        f.bytes[newest + byte] ^= 4u;
        if (found_model() != 0)
            fail("did not go back to the older model", who);
        f.bytes[older + byte] ^= 4u;
        if (found_model() != -1)
            fail("opened damaged models", who);
        f.bytes[newest + byte] ^= 4u;
        f.bytes[older + byte] ^= 4u;
    }
    if (found_model() != 1)
        fail("is not as it was", "check");
}

/* A model of other firmware is not taken. */
static void refuse(void)
{
    tifed_kept other;
    if (tifed_kept_open(&other, &memory, &config, fingerprint ^ 1u) != TIFED_KEPT_OTHER)
        fail("took a model of another fingerprint", who);
    start_core();
    if (tifed_kept_restore(&other, &core) != TIFED_KEPT_ABSENT)
        fail("restored a model of another fingerprint", who);
    uint8_t depth = network.depth;
    network.depth = 0;
    if (tifed_kept_size(&config) != 0u ||
        tifed_kept_open(&other, &memory, &config, fingerprint) != TIFED_KEPT_NETWORK)
        fail("has a size for no network", who);
    network.depth = depth;
    for (uint32_t l = 0; l < network.depth; l++)
        if (in_flash >> l & 1u) { /* flash that has other values by now */
            models[0].biases[l][0] ^= 1;
            start_core();
            if (tifed_kept_restore(&kept, &core) != TIFED_ERROR_LAYER)
                fail("restored beside another layer in flash", who);
            models[0].biases[l][0] ^= 1;
        }
    tifed_memory fixed = memory;
    fixed.write = NULL;
    if (tifed_kept_open(&kept, &fixed, &config, fingerprint) != TIFED_OK)
        fail("does not open", "read-only");
    put_model(&models[0]);
    if (tifed_kept_save(&kept, &core, &models[0].about) != TIFED_KEPT_MEMORY ||
        tifed_kept_put_words(&kept, words[0]) != TIFED_KEPT_MEMORY || found_model() != 1)
        fail("was written to", "read-only");
}

static void freeze(void)
{
    memset(frozen, 0, sizeof frozen);
    for (uint32_t l = 0; l < network.depth; l++) {
        if (!(in_flash >> l & 1u))
            continue;
        int8_t *narrow = exactly(weights_of(l));
        for (uint32_t i = 0; i < weights_of(l); i++)
            narrow[i] = (int8_t)models[0].weights[l][i];
        frozen[l].weights =
            layers[l].weight_bits == 8u ? (const void *)narrow : (const void *)models[0].weights[l];
        if (layers[l].weight_bits != 8u)
            free(narrow);
        frozen[l].biases = models[0].biases[l];
    }
}

static void drop(void)
{
    for (uint32_t l = 0; l < network.depth; l++) {
        if (frozen[l].weights && layers[l].weight_bits == 8u)
            free((void *)(uintptr_t)frozen[l].weights);
        for (int n = 0; n < 2; n++) {
            free(models[n].weights[l]);
            free(models[n].biases[l]);
        }
    }
    free(models[0].centre);
    free(models[1].centre);
    free(core_memory);
    free(f.bytes);
}

void check_case(void)
{
    read_network();
    int filled = (int)number();
    fingerprint = (uint32_t)number();
    in_flash = (uint32_t)number();
    read_model(&models[0]);
    read_model(&models[1]);
    for (int n = 0; n < 2; n++)
        for (uint32_t i = 0; i < TIFED_KEPT_WORDS; i++)
            words[n][i] = (uint32_t)number();
    freeze();
    tifed_config with = {&network, 0, 0, 1, frozen, NULL, 0, 0, NULL};
    config = with;
    core_bytes = tifed_memory_size(&config);
    core_memory = exactly(core_bytes);
    uint32_t size = (uint32_t)number();
    if (tifed_kept_size(&config) != size)
        fail("another size", who);
    make_flash(&f, size, filled);
    memory = flash_memory(&f);
    if (found_model() != -1 || found_words() != -1)
        fail("found a model", who);
    cut_everywhere(0, save, "the first model");
    cut_everywhere(0, put_words, "the first words");
    cut_everywhere(1, save, "a model");
    cut_everywhere(1, put_words, "words");
    if (tifed_crc(f.bytes, f.size) != (uint32_t)number())
        fail("other bytes", who);
    damage();
    refuse();
    drop();
}
