/* A store of own samples: what lies in memory, in which order it is written, and which sample goes
 * for a new one (SPEC, section 16).
 *
 * One rule makes a power cut harmless: what is written is never what counts. A new sample goes into
 * a record that is free, and its checksum with the last write; only then the one that it takes the
 * place of is forgotten. That one still lies there whole until the next sample is written over it,
 * so a new record names it, and whoever opens the store knows that it is to be forgotten. */
#include "tifed_store.h"
#include "tifed_crc.h"
#include "tifed_random.h"

#define MAGIC 0x73666974u /* "tifs" */
#define VERSION 1u
#define NONE 0xFFFFFFFFu /* no sample, or no label, in memory */
#define NO_LABEL 0xFFFFu /* the same in the index */
#define SHAPE 40u        /* bytes of the head that say what store it is */
#define CELLS 8u         /* behind them: how many samples were seen, each time in another one */
#define CELL 8u
#define LABEL 8u     /* of a record: a label that came later, and its checksum; */
#define IDENTITY 16u /* number, number of the sample that it replaced, label, checksum; values */
#define PIECE 32u    /* bytes that are looked at at a time */

/* --- memory ----------------------------------------------------------------------------------- */

static int read_bytes(const tifed_store *s, uint32_t place, uint8_t *bytes, uint32_t count)
{
    const tifed_memory *memory = s->config->memory;
    return memory->read(memory->context, place, bytes, count) ? TIFED_STORE_MEMORY : TIFED_OK;
}

static int write_bytes(const tifed_store *s, uint32_t place, const uint8_t *bytes, uint32_t count)
{
    const tifed_memory *memory = s->config->memory;
    return memory->write(memory->context, place, bytes, count) ? TIFED_STORE_MEMORY : TIFED_OK;
}

static uint32_t record_place(const tifed_store *s, uint32_t slot)
{
    return TIFED_STORE_HEAD + slot * (TIFED_STORE_HEADER + s->config->inputs);
}

static bool has_shape(const tifed_store_config *c)
{
    /* Every place in memory is below 2^32. */
    return c && c->memory && c->memory->read && c->inputs >= 1u && c->records >= 2u &&
           c->records <= 65534u && c->held_out_every >= 2u && c->classes >= 2u &&
           c->policy <= TIFED_STORE_BALANCED &&
           c->inputs <=
               (UINT32_MAX - TIFED_STORE_HEAD) / (c->records + UINT32_C(1)) - TIFED_STORE_HEADER;
}

static void write_shape(const tifed_store_config *c, uint32_t seed_low, uint32_t seed_high,
                        uint8_t shape[SHAPE])
{
    const uint32_t words[9] = {MAGIC,      VERSION,   c->inputs, c->records, c->held_out_every,
                               c->classes, c->policy, seed_low,  seed_high};
    for (uint32_t i = 0; i < 9u; i++)
        tifed_put32(shape + 4u * i, words[i]);
    tifed_put32(shape + 36, tifed_crc(shape, 36u));
}

static uint32_t label_check(uint32_t number, const uint8_t label[4])
{
    uint8_t bytes[4];
    tifed_put32(bytes, number);
    return ~tifed_crc_add(tifed_crc_add(TIFED_CRC_START, bytes, 4u), label, 4u);
}

/* --- the index -------------------------------------------------------------------------------- */

static bool is_held_out(const tifed_store_config *c, uint32_t number)
{
    return number % c->held_out_every == c->held_out_every - 1u;
}

uint16_t tifed_store_room(const tifed_store_config *c, bool held_out)
{
    uint16_t room = (uint16_t)(c->records / c->held_out_every);
    room = room ? room : 1u;
    return held_out ? room : (uint16_t)(c->records - room);
}

static uint32_t used(const tifed_store *s)
{
    return (uint32_t)s->kept[0] + s->kept[1];
}

static tifed_store_entry *first_of(const tifed_store *s, bool held_out)
{
    return s->index + (held_out ? s->kept[0] : 0u);
}

/* Put a sample that lies in `slot` into its place by number. The entry behind those in use is free
 * to be written over. */
static void insert(tifed_store *s, uint32_t number, uint16_t label, uint16_t slot)
{
    bool held_out = is_held_out(s->config, number);
    tifed_store_entry *entry = s->index + used(s), *first = first_of(s, held_out);
    tifed_store_entry *behind = first + s->kept[held_out];
    for (; entry > behind; entry--)
        *entry = entry[-1];
    for (; entry > first && entry[-1].number > number; entry--)
        *entry = entry[-1];
    entry->number = number;
    entry->label = label;
    entry->slot = slot;
    s->kept[held_out]++;
}

/* Forget a sample. Its record is the next one to be written to. */
static void forget(tifed_store *s, tifed_store_entry *entry)
{
    uint16_t slot = entry->slot;
    tifed_store_entry *last = s->index + used(s) - 1u;
    s->kept[is_held_out(s->config, entry->number)]--;
    for (; entry < last; entry++)
        *entry = entry[1];
    last->slot = slot;
}

/* The entry of labelled sample `number` of a kind, or NULL. */
static const tifed_store_entry *find(const tifed_store *s, bool held_out, uint32_t number)
{
    const tifed_store_entry *entry = first_of(s, held_out), *end = entry + s->kept[held_out];
    for (; entry < end; entry++)
        if (entry->label != NO_LABEL && number-- == 0u)
            return entry;
    return NULL;
}

uint32_t tifed_store_count(const tifed_store *s, bool held_out)
{
    const tifed_store_entry *entry = first_of(s, held_out), *end = entry + s->kept[held_out];
    uint32_t count = 0;
    for (; entry < end; entry++)
        count += entry->label != NO_LABEL;
    return count;
}

int32_t tifed_store_class(const tifed_store *s, bool held_out, uint32_t number)
{
    const tifed_store_entry *entry = find(s, held_out, number);
    return entry ? (int32_t)entry->label : TIFED_STORE_GONE;
}

int tifed_store_read(const tifed_store *s, bool held_out, uint32_t number, uint32_t offset,
                     int8_t *values, uint32_t count)
{
    const tifed_store_entry *entry = find(s, held_out, number);
    if (!entry)
        return TIFED_STORE_GONE;
    if (offset > s->config->inputs || count > s->config->inputs - offset)
        return TIFED_ERROR_PLACE;
    return read_bytes(s, record_place(s, entry->slot) + TIFED_STORE_HEADER + offset,
                      (uint8_t *)values, count);
}

uint32_t tifed_store_revision(const tifed_store *s)
{
    uint32_t crc = TIFED_CRC_START;
    for (uint32_t i = 0; i < s->kept[0]; i++) {
        uint8_t number[4];
        tifed_put32(number, s->index[i].number);
        if (s->index[i].label != NO_LABEL)
            crc = tifed_crc_add(crc, number, 4u);
    }
    return ~crc;
}

/* --- opening ---------------------------------------------------------------------------------- */

static int begin(tifed_store *s, const tifed_store_config *config, tifed_store_entry *index)
{
    if (!has_shape(config) || !index)
        return TIFED_STORE_SHAPE;
    s->config = config;
    s->index = index;
    s->seen = 0;
    s->seed_low = config->seed_low;
    s->seed_high = config->seed_high;
    s->kept[0] = s->kept[1] = 0;
    return TIFED_OK;
}

static int read_shape(tifed_store *s)
{
    uint8_t shape[SHAPE], wanted[SHAPE];
    int status = read_bytes(s, 0u, shape, SHAPE);
    if (status != TIFED_OK)
        return status;
    if (tifed_get32(shape) != MAGIC)
        return TIFED_STORE_ABSENT;
    if (tifed_get32(shape + 36) != tifed_crc(shape, 36u))
        return tifed_get32(shape + 4) == VERSION ? TIFED_STORE_DAMAGED : TIFED_STORE_OTHER;
    s->seed_low = tifed_get32(shape + 28);
    s->seed_high = tifed_get32(shape + 32);
    write_shape(s->config, s->seed_low, s->seed_high, wanted);
    for (uint32_t i = 0; i < SHAPE; i++)
        if (shape[i] != wanted[i])
            return TIFED_STORE_OTHER;
    return TIFED_OK;
}

/* The largest number of samples seen that a cell says and that is whole. */
static int read_cells(tifed_store *s)
{
    for (uint32_t i = 0; i < CELLS; i++) {
        uint8_t cell[CELL];
        int status = read_bytes(s, SHAPE + i * CELL, cell, CELL);
        if (status != TIFED_OK)
            return status;
        uint32_t seen = tifed_get32(cell);
        if (seen != NONE && seen > s->seen && tifed_get32(cell + 4) == tifed_crc(cell, 4u))
            s->seen = seen;
    }
    return TIFED_OK;
}

/* Whether the record in `slot` is whole: 1 or 0, or an error. */
static int is_whole(const tifed_store *s, uint32_t slot, const uint8_t header[TIFED_STORE_HEADER])
{
    const uint8_t *identity = header + LABEL;
    uint32_t number = tifed_get32(identity), replaced = tifed_get32(identity + 4);
    if (number >= NONE - 1u || (replaced != NONE && replaced >= number))
        return 0;
    uint32_t crc = tifed_crc_add(TIFED_CRC_START, identity, IDENTITY - 4u);
    for (uint32_t done = 0, count; done < s->config->inputs; done += count) {
        uint8_t piece[PIECE];
        count = s->config->inputs - done < PIECE ? s->config->inputs - done : PIECE;
        int status = read_bytes(s, record_place(s, slot) + TIFED_STORE_HEADER + done, piece, count);
        if (status != TIFED_OK)
            return status;
        crc = tifed_crc_add(crc, piece, count);
    }
    return tifed_get32(identity + 12) == ~crc;
}

/* The label that came later, or else the one that came with the sample; NONE if neither did. */
static uint32_t label_of(const tifed_store *s, uint32_t number,
                         const uint8_t header[TIFED_STORE_HEADER])
{
    uint32_t label = tifed_get32(header);
    if (label >= s->config->classes || tifed_get32(header + 4) != label_check(number, header))
        label = tifed_get32(header + LABEL + 8);
    return label < s->config->classes ? label : NONE;
}

/* Records from the last to the first, so that of those that are free the first one is next. */
static int read_records(tifed_store *s)
{
    uint32_t newest = 0, replaced = NONE, free = s->config->records + UINT32_C(1);
    for (uint32_t slot = free; slot-- > 0u;) {
        uint8_t header[TIFED_STORE_HEADER];
        int status = read_bytes(s, record_place(s, slot), header, TIFED_STORE_HEADER);
        if (status != TIFED_OK)
            return status;
        status = is_whole(s, slot, header);
        if (status < 0)
            return status;
        if (status == 0) {
            s->index[--free].slot = (uint16_t)slot;
            continue;
        }
        uint32_t number = tifed_get32(header + LABEL), label = label_of(s, number, header);
        insert(s, number, label == NONE ? NO_LABEL : (uint16_t)label, (uint16_t)slot);
        if (number >= newest) {
            newest = number;
            replaced = tifed_get32(header + LABEL + 4);
        }
        s->seen = number >= s->seen ? number + 1u : s->seen;
    }
    for (uint32_t i = 0; i < used(s); i++)
        if (s->index[i].number == replaced)
            forget(s, s->index + i);
    /* Only a store that somebody else has written to has more of a kind than there is room for. */
    for (unsigned kind = 0; kind < 2u; kind++)
        while (s->kept[kind] > tifed_store_room(s->config, kind != 0u))
            forget(s, first_of(s, kind != 0u));
    return TIFED_OK;
}

int tifed_store_open(tifed_store *s, const tifed_store_config *config, tifed_store_entry *index)
{
    int status = begin(s, config, index);
    if (status == TIFED_OK)
        status = read_shape(s);
    if (status == TIFED_OK)
        status = read_cells(s);
    return status == TIFED_OK ? read_records(s) : status;
}

/* The word that says that a store is there goes first and comes last: a power cut between leaves
 * none. */
int tifed_store_format(tifed_store *s, const tifed_store_config *config, tifed_store_entry *index)
{
    uint8_t shape[SHAPE], zero[CELL * CELLS] = {0};
    int status = begin(s, config, index);
    if (status == TIFED_OK && !config->memory->write)
        status = TIFED_STORE_READ_ONLY;
    if (status == TIFED_OK)
        status = write_bytes(s, 0u, zero, 4u);
    if (status == TIFED_OK)
        status = write_bytes(s, SHAPE, zero, CELL * CELLS);
    for (uint32_t slot = 0; status == TIFED_OK && slot <= config->records; slot++) {
        index[slot].slot = (uint16_t)slot;
        status = write_bytes(s, record_place(s, slot), zero, TIFED_STORE_HEADER);
    }
    if (status != TIFED_OK)
        return status;
    write_shape(config, config->seed_low, config->seed_high, shape);
    status = write_bytes(s, 4u, shape + 4, SHAPE - 4u);
    return status == TIFED_OK ? write_bytes(s, 0u, shape, 4u) : status;
}

/* --- policies --------------------------------------------------------------------------------- */

/* The oldest of a kind that has `label`, and how many there are. */
static tifed_store_entry *oldest_of(const tifed_store *s, bool held_out, uint16_t label,
                                    uint32_t *count)
{
    tifed_store_entry *first = first_of(s, held_out), *oldest = NULL;
    *count = 0;
    for (uint32_t i = s->kept[held_out]; i-- > 0u;)
        if (first[i].label == label) {
            oldest = first + i;
            ++*count;
        }
    return oldest;
}

/* The oldest of the largest class: of the new sample's own if none is larger, else of the lowest
 * of equals. Those without a label come after all classes. */
static tifed_store_entry *of_largest_class(const tifed_store *s, bool held_out, uint16_t label)
{
    uint32_t most, count;
    tifed_store_entry *victim = oldest_of(s, held_out, label, &most);
    for (uint32_t c = 0; c <= s->config->classes; c++) {
        tifed_store_entry *oldest =
            oldest_of(s, held_out, c < s->config->classes ? (uint16_t)c : NO_LABEL, &count);
        if (count > most) {
            most = count;
            victim = oldest;
        }
    }
    return victim;
}

/* What a new sample takes the place of, where there is no room; NULL: it is passed over. */
static tifed_store_entry *victim_of(const tifed_store *s, bool held_out, uint16_t label)
{
    tifed_store_entry *first = first_of(s, held_out);
    if (s->config->policy == TIFED_STORE_NEWEST)
        return first;
    if (s->config->policy == TIFED_STORE_BALANCED)
        return of_largest_class(s, held_out, label);
    /* A reservoir: of the m samples of a kind that came before, each is there with the same chance;
     * this one comes in with that of each of m + 1. */
    uint32_t before = s->seen / s->config->held_out_every;
    if (!held_out)
        before = s->seen - before;
    tifed_key key = tifed_key_start(s->seed_low, s->seed_high, TIFED_PURPOSE_STORE);
    uint32_t place = tifed_random_below(key, s->seen, before + 1u);
    return place < s->kept[held_out] ? first + place : NULL;
}

/* --- adding ----------------------------------------------------------------------------------- */

/* Values first, then what makes them a sample. */
static int write_record(const tifed_store *s, uint32_t slot, const int8_t *values, uint32_t label,
                        uint32_t replaced)
{
    uint8_t identity[IDENTITY];
    const uint8_t *bytes = (const uint8_t *)values;
    tifed_put32(identity, s->seen);
    tifed_put32(identity + 4, replaced);
    tifed_put32(identity + 8, label);
    uint32_t crc = tifed_crc_add(TIFED_CRC_START, identity, IDENTITY - 4u);
    tifed_put32(identity + 12, ~tifed_crc_add(crc, bytes, s->config->inputs));
    int status =
        write_bytes(s, record_place(s, slot) + TIFED_STORE_HEADER, bytes, s->config->inputs);
    return status == TIFED_OK ? write_bytes(s, record_place(s, slot) + LABEL, identity, IDENTITY)
                              : status;
}

/* A sample that is passed over leaves nothing but the number of those seen. Each time it goes into
 * another cell, which wears them out more slowly, and never into the one that says the most. */
static int write_cell(const tifed_store *s)
{
    uint8_t cell[CELL];
    tifed_put32(cell, s->seen + 1u);
    tifed_put32(cell + 4, tifed_crc(cell, 4u));
    return write_bytes(s, SHAPE + s->seen % CELLS * CELL, cell, CELL);
}

int tifed_store_add(tifed_store *s, const int8_t *values, int32_t label, uint32_t *number)
{
    if (!s->config->memory->write)
        return TIFED_STORE_READ_ONLY;
    if (label >= (int32_t)s->config->classes)
        return TIFED_ERROR_LABEL;
    if (s->seen >= NONE - 1u)
        return TIFED_STORE_COUNTED_OUT;
    bool held_out = is_held_out(s->config, s->seen);
    uint16_t kept_label = label < 0 ? NO_LABEL : (uint16_t)label;
    bool full = s->kept[held_out] >= tifed_store_room(s->config, held_out);
    const tifed_store_entry *victim = full ? victim_of(s, held_out, kept_label) : NULL;
    bool passed_over = full && !victim;
    if (number)
        *number = s->seen;
    int status;
    if (passed_over) {
        status = write_cell(s);
    } else {
        uint16_t slot = s->index[used(s)].slot;
        uint32_t replaced = victim ? victim->number : NONE;
        status = write_record(s, slot, values, label < 0 ? NONE : (uint32_t)label, replaced);
        if (status == TIFED_OK) {
            insert(s, s->seen, kept_label, slot);
            for (uint32_t i = 0; victim && i < used(s); i++)
                if (s->index[i].number == replaced) {
                    forget(s, s->index + i);
                    break;
                }
        }
    }
    if (status != TIFED_OK)
        return status;
    s->seen++;
    return passed_over ? TIFED_STORE_PASSED_OVER : TIFED_OK;
}

int tifed_store_label(tifed_store *s, uint32_t number, uint32_t label)
{
    if (!s->config->memory->write)
        return TIFED_STORE_READ_ONLY;
    if (label >= s->config->classes)
        return TIFED_ERROR_LABEL;
    for (uint32_t i = 0; i < used(s); i++) {
        tifed_store_entry *entry = s->index + i;
        if (entry->number != number)
            continue;
        uint8_t bytes[LABEL];
        tifed_put32(bytes, label);
        tifed_put32(bytes + 4, label_check(number, bytes));
        int status = write_bytes(s, record_place(s, entry->slot), bytes, LABEL);
        if (status == TIFED_OK)
            entry->label = (uint16_t)label;
        return status;
    }
    return TIFED_STORE_GONE;
}

/* --- own samples ------------------------------------------------------------------------------ */

static uint32_t own_count(void *context, bool held_out)
{
    return tifed_store_count(context, held_out);
}

static int32_t own_label(void *context, bool held_out, uint32_t number)
{
    return tifed_store_class(context, held_out, number);
}

static int own_read(void *context, bool held_out, uint32_t number, uint32_t offset, int8_t *values,
                    uint32_t count)
{
    return tifed_store_read(context, held_out, number, offset, values, count);
}

tifed_own tifed_store_own(tifed_store *store)
{
    tifed_own own = {store, own_count, own_label, own_read};
    return own;
}
