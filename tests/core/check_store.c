/* The device's store against a case: the file's format is in tests/vectors/write_store.py. Before each
 * operation is carried out, the power is cut at every byte that it writes. */
#include "tifed_crc.h"
#include "tifed_store.h"

#include <stdlib.h>
#include <string.h>

#include "flash.h"

#ifdef __AVR__
#define CUT_EVERY 19u /* operations: an emulated AVR is slow */
#else
#define CUT_EVERY 1u
#endif

enum { ADD, LABEL, REOPEN };

typedef struct operation {
    uint32_t kind, number;
    int32_t label;
    int8_t *values;
    int wanted;
} operation;

static const char who[] = "device";
static flash f;
static tifed_memory memory;
static tifed_store_config config;
static tifed_store_entry *entries;
static tifed_store store;

static int8_t *values_of_sample(void)
{
    int8_t *values = exactly(config.inputs);
    for (uint32_t i = 0; i < config.inputs; i++)
        values[i] = (int8_t)number();
    return values;
}

static int carry_out(const operation *o)
{
    uint32_t arrived = UINT32_MAX, seen = store.seen;
    if (o->kind == LABEL)
        return tifed_store_label(&store, o->number, (uint32_t)o->label);
    if (o->kind == REOPEN)
        return tifed_store_open(&store, &config, entries);
    int status = tifed_store_add(&store, o->values, o->label, &arrived);
    if (status >= 0 && (arrived != seen || store.seen != seen + 1u))
        fail("another arrival number", who);
    return status;
}

/* One number for all that is in the store: how many were seen, and each sample. */
static uint32_t content(void)
{
    uint32_t crc = TIFED_CRC_START, kept = (uint32_t)store.kept[0] + store.kept[1];
    uint8_t bytes[12], value;
    tifed_put32(bytes, store.seen);
    tifed_put32(bytes + 4, store.kept[0]);
    tifed_put32(bytes + 8, store.kept[1]);
    crc = tifed_crc_add(crc, bytes, 12u);
    for (uint32_t i = 0; i < kept; i++) {
        uint32_t place = TIFED_STORE_HEAD + entries[i].slot * (TIFED_STORE_HEADER + config.inputs) +
                         TIFED_STORE_HEADER;
        tifed_put32(bytes, entries[i].number);
        tifed_put32(bytes + 4, entries[i].label);
        crc = tifed_crc_add(crc, bytes, 8u);
        for (uint32_t v = 0; v < config.inputs; v++) {
            if (memory.read(&f, place + v, &value, 1u))
                fail("cannot be read", who);
            crc = tifed_crc_add(crc, &value, 1u);
        }
    }
    return crc;
}

static void open_again(const char *what)
{
    power(&f, UINT32_MAX, FLASH_BEFORE);
    memset(entries, 0x55, TIFED_STORE_ENTRIES(config.records) * sizeof *entries);
    if (tifed_store_open(&store, &config, entries) != TIFED_OK)
        fail(what, who);
}

/* Power is cut at every byte of an operation, in every way. Afterwards the store is as it was before,
 * or as it is behind it; and doing it again makes the same bytes as if nothing had been. */
static void cut_everywhere(const operation *o)
{
    uint8_t *before = exactly(f.size), *after = exactly(f.size);
    memcpy(before, f.bytes, f.size);
    open_again("does not open");
    uint32_t content_before = content();
    power(&f, UINT32_MAX, FLASH_BEFORE);
    int status = carry_out(o);
    uint32_t content_after = content(), bytes = f.written;
    memcpy(after, f.bytes, f.size);
    for (int mode = 0; mode < FLASH_MODES; mode++)
        for (uint32_t cut = 0; cut < bytes; cut++) {
            memcpy(f.bytes, before, f.size);
            open_again("does not open");
            power(&f, cut, mode);
            if (carry_out(o) != TIFED_STORE_MEMORY)
                fail("did not notice a write that failed", who);
            if (!f.off || content_before == content_after)
                fail("is no operation that a cut can stop", "check");
            open_again("does not open after a power cut");
            uint32_t found = content();
            if (o->kind == ADD && found != content_before && found != content_after)
                fail("a power cut lost more than the sample under way", who);
            /* Of a label that is corrected both may be lost; done again, all else is as it was. */
            if (found != content_after && (carry_out(o) != status || content() != content_after ||
                                           memcmp(f.bytes, after, f.size)))
                fail("does something else after a power cut", who);
            open_again("does not open");
            if (content() != content_after)
                fail("finds something else", who);
        }
    memcpy(f.bytes, before, f.size);
    open_again("does not open");
    free(before);
    free(after);
}

/* Power is cut while a new store is made: there is none, or all of it, and none of the old samples. */
static void cut_format(void)
{
    uint8_t *before = exactly(f.size);
    memcpy(before, f.bytes, f.size);
    power(&f, UINT32_MAX, FLASH_BEFORE);
    (void)tifed_store_format(&store, &config, entries);
    for (uint32_t cut = 0, bytes = f.written; cut < bytes; cut++) {
        memcpy(f.bytes, before, f.size);
        power(&f, cut, FLASH_BEFORE);
        if (tifed_store_format(&store, &config, entries) != TIFED_STORE_MEMORY)
            fail("did not notice a write that failed", who);
        power(&f, UINT32_MAX, FLASH_BEFORE);
        int status = tifed_store_open(&store, &config, entries);
        if (cut && status != TIFED_STORE_ABSENT &&
            (status != TIFED_OK || store.seen || store.kept[0] || store.kept[1]))
            fail("half of a new store", who);
    }
    memcpy(f.bytes, before, f.size);
    power(&f, UINT32_MAX, FLASH_BEFORE);
    free(before);
}

static void compare_samples(void)
{
    tifed_own own = tifed_store_own(&store);
    int8_t *got = exactly(config.inputs);
    for (int held_out = 0; held_out < 2; held_out++) {
        uint32_t count = (uint32_t)number();
        if (own.count(own.context, held_out) != count)
            fail("another number of samples", who);
        for (uint32_t n = 0; n < count; n++) {
            if (own.label(own.context, held_out, n) != (int32_t)number())
                fail("another label", who);
            int8_t *wanted = values_of_sample();
            for (uint32_t piece = 1; piece <= config.inputs; piece += 2u) {
                memset(got, 0x55, config.inputs);
                for (uint32_t at = 0, some; at < config.inputs; at += some) {
                    some = piece < config.inputs - at ? piece : config.inputs - at;
                    if (own.read(own.context, held_out, n, at, got + at, some) != TIFED_OK)
                        fail("cannot be read", who);
                }
                if (memcmp(got, wanted, config.inputs))
                    fail("another sample", who);
            }
            free(wanted);
        }
        if (own.label(own.context, held_out, count) >= 0 ||
            own.read(own.context, held_out, count, 0u, got, 1u) >= 0 ||
            (count && (own.read(own.context, held_out, 0u, config.inputs, got, 1u) >= 0 ||
                       own.read(own.context, held_out, 0u, 1u, got, config.inputs) >= 0)))
            fail("read what is not there", who);
    }
    free(got);
}

/* Nothing opens what is not a store of this shape, and nothing changes it. */
static void refuse(void)
{
    uint32_t crc = tifed_crc(f.bytes, f.size);
    tifed_store other;
    static const int wanted[] = {
        TIFED_STORE_OTHER, TIFED_STORE_OTHER, TIFED_STORE_OTHER,   TIFED_STORE_OTHER,
        TIFED_STORE_OTHER, TIFED_STORE_OTHER, TIFED_STORE_DAMAGED, TIFED_STORE_ABSENT,
        TIFED_STORE_SHAPE, TIFED_STORE_SHAPE, TIFED_STORE_SHAPE,   TIFED_STORE_SHAPE,
        TIFED_STORE_SHAPE, TIFED_STORE_SHAPE, TIFED_STORE_SHAPE,   TIFED_STORE_SHAPE};
    for (unsigned way = 0; way < sizeof wanted / sizeof *wanted; way++) {
        tifed_store_config c = config;
        uint32_t byte = 0;
        switch (way) {
        case 0: c.inputs++; break;
        case 1: c.records--; break;
        case 2: c.held_out_every++; break;
        case 3: c.classes++; break;
        case 4: c.policy = (uint8_t)((c.policy + 1u) % 3u); break;
        case 5: byte = 4u; break;
        case 6: byte = 30u; break;
        case 7: byte = 1u; break;
        case 8: c.inputs = 0; break;
        case 9: c.records = 1; break;
        case 10: c.records = 65535u; break;
        case 11: c.held_out_every = 1; break;
        case 12: c.classes = 1; break;
        case 13: c.policy = 3; break;
        case 14: c.memory = NULL; break;
        default: c.inputs = UINT32_MAX / 2u; break;
        }
        if (way == 1u && config.records == 2u)
            continue;
        f.bytes[byte] ^= byte ? 8u : 0u;
        if (tifed_store_open(&other, &c, entries) != wanted[way])
            fail("opened another store", who);
        f.bytes[byte] ^= byte ? 8u : 0u;
    }
    if (tifed_crc(f.bytes, f.size) != crc)
        fail("changed what it did not open", who);
}

/* A store that nobody can write to is read as any other. */
static void read_only(void)
{
    tifed_memory fixed = memory;
    tifed_store_config c = config;
    uint32_t found = content();
    int8_t *values = exactly(config.inputs);
    memset(values, 0, config.inputs);
    fixed.write = NULL;
    c.memory = &fixed;
    if (tifed_store_open(&store, &c, entries) != TIFED_OK || content() != found)
        fail("does not open", "read-only");
    if (tifed_store_add(&store, values, 0, NULL) != TIFED_STORE_READ_ONLY ||
        tifed_store_label(&store, 0u, 0u) != TIFED_STORE_READ_ONLY ||
        tifed_store_format(&store, &c, entries) != TIFED_STORE_READ_ONLY)
        fail("was written to", "read-only");
    free(values);
    open_again("does not open");
}

/* One byte of a record changes: that sample is dropped, and no other one. */
static void lose_one(void)
{
    uint32_t kept = (uint32_t)store.kept[0] + store.kept[1];
    for (uint32_t i = 0; i < kept; i++) {
        uint32_t byte = TIFED_STORE_HEAD + entries[i].slot * (TIFED_STORE_HEADER + config.inputs) +
                        8u + i % (config.inputs + 16u);
        uint32_t lost = entries[i].number;
        f.bytes[byte] ^= 0x10u;
        open_again("does not open with a damaged record");
        uint32_t now = (uint32_t)store.kept[0] + store.kept[1];
        for (uint32_t j = 0; j < now; j++)
            if (entries[j].number == lost)
                fail("kept a damaged sample", who);
        if (now + 1u < kept)
            fail("dropped more than a damaged sample", who);
        f.bytes[byte] ^= 0x10u;
        open_again("does not open");
    }
}

void check_case(void)
{
    memory = flash_memory(&f);
    config.memory = &memory;
    config.inputs = (uint32_t)number();
    config.records = (uint16_t)number();
    config.held_out_every = (uint16_t)number();
    config.classes = (uint16_t)number();
    config.policy = (uint8_t)number();
    config.seed_low = (uint32_t)number();
    config.seed_high = (uint32_t)number();
    make_flash(&f, (uint32_t)TIFED_STORE_BYTES(config.inputs, config.records), (int)number());
    entries = exactly(TIFED_STORE_ENTRIES(config.records) * sizeof *entries);
    if (tifed_store_open(&store, &config, entries) != TIFED_STORE_ABSENT)
        fail("found a store", who);
    if (tifed_store_format(&store, &config, entries) != TIFED_OK)
        fail("tifed_store_format", who);
    config.seed_low ^= 1u; /* a store has its own */
    operation o;
    uint32_t operations = (uint32_t)number();
    for (uint32_t i = 0; i < operations; i++) {
        o.kind = (uint32_t)number();
        o.number = o.kind == LABEL ? (uint32_t)number() : 0u;
        o.label = o.kind == REOPEN ? 0 : (int32_t)number();
        o.values = o.kind == ADD ? values_of_sample() : NULL;
        o.wanted = (int)number();
        if (o.kind != REOPEN && o.wanted >= 0 && i % CUT_EVERY == CUT_EVERY - 1u)
            cut_everywhere(&o);
        if (carry_out(&o) != o.wanted)
            fail("another status", who);
        free(o.values);
    }
    if (store.seen != (uint32_t)number() || tifed_store_revision(&store) != (uint32_t)number())
        fail("another number of samples seen, or another revision", who);
    if (tifed_crc(f.bytes, f.size) != (uint32_t)number())
        fail("other bytes", who);
    compare_samples();
    open_again("does not open");
    refuse();
    read_only();
    lose_one();
    cut_format();
    free(entries);
    free(f.bytes);
}
