/* A store of a device's own labelled samples, in memory that keeps them over a reset.
 *
 * C99, freestanding, no allocation, no floating point, no recursion; all memory is the caller's. What
 * is kept, and every byte of it, is section 16 of SPEC.md.
 *
 *     static tifed_store_entry index[TIFED_STORE_ENTRIES(200)];
 *     static const tifed_store_config config = {
 *         .memory = &eeprom, .inputs = 32, .records = 200, .held_out_every = 5, .classes = 4,
 *         .policy = TIFED_STORE_NEWEST};
 *     int status = tifed_store_open(&store, &config, index);
 *     if (status == TIFED_STORE_ABSENT)                     a new board
 *         status = tifed_store_format(&store, &config, index);
 *     tifed_store_add(&store, values, label, NULL);         as samples come
 *     tifed_own own = tifed_store_own(&store);              for whoever trains on them
 *
 * Samples are counted as they arrive, from 0. Of every `held_out_every` the last one is held out: it
 * is never trained on. Held-out samples have records of their own, so neither kind ever takes the
 * place of the other. A power cut, at whatever moment, loses the sample under way and nothing else. */
#ifndef TIFED_STORE_H
#define TIFED_STORE_H

#include "tifed_memory.h"
#include "tifed_own.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What functions return beside TIFED_OK and the errors of tifed.h. */
enum {
    TIFED_STORE_PASSED_OVER = 2,  /* the sample was counted, but the policy keeps older ones */
    TIFED_STORE_ABSENT = -20,     /* no store is there: a new one can be made */
    TIFED_STORE_OTHER = -21,      /* a store of another shape or version is there */
    TIFED_STORE_DAMAGED = -22,    /* a store is there, but what it says of itself is not right */
    TIFED_STORE_SHAPE = -23,      /* a field of the configuration is out of range */
    TIFED_STORE_MEMORY = -24,     /* a read or a write failed */
    TIFED_STORE_READ_ONLY = -25,  /* there is no function that writes */
    TIFED_STORE_GONE = -26,       /* no sample of this number is in the store */
    TIFED_STORE_COUNTED_OUT = -27 /* 2^32 - 2 samples have arrived: it takes no more */
};

/* Which samples stay, of each kind for itself, once its records are full. */
enum {
    TIFED_STORE_NEWEST = 0,  /* the newest ones */
    TIFED_STORE_UNIFORM = 1, /* of all that arrived, each with the same chance */
    TIFED_STORE_BALANCED = 2 /* as many of each class as of any other, of a class the newest; those
                                without a label count as one more class */
};

/* All that the store's bytes depend on; may lie in flash, and stays where it is. */
typedef struct tifed_store_config {
    const tifed_memory *memory;
    uint32_t inputs;              /* int8 values of a sample, 1.. */
    uint16_t records;             /* samples that it has room for, 2..65534 */
    uint16_t held_out_every;      /* k: sample i is held out where i mod k is k - 1; 2..65535 */
    uint16_t classes;             /* labels are 0..classes - 1; 2..65535 */
    uint8_t policy;               /* one of the three */
    uint32_t seed_low, seed_high; /* of the choice of TIFED_STORE_UNIFORM, for a new store: a number
                                       that other devices do not have */
} tifed_store_config;

/* Bytes of memory, from place 0, and entries of the index, in RAM (8 bytes each). Both count one
 * record more than there is room for: a new sample is written there before an older one goes. */
#define TIFED_STORE_HEAD 104u  /* bytes before the first record */
#define TIFED_STORE_HEADER 24u /* bytes of a record before its values */
#define TIFED_STORE_BYTES(inputs, records)                                                         \
    (TIFED_STORE_HEAD + (0ul + (records) + 1u) * (TIFED_STORE_HEADER + (inputs)))
#define TIFED_STORE_ENTRIES(records) ((records) + 1u)

/* What is known of a record without reading it; private. */
typedef struct tifed_store_entry {
    uint32_t number; /* of the sample, as it arrived */
    uint16_t label;  /* 0xFFFF: none yet */
    uint16_t slot;   /* where in memory */
} tifed_store_entry;

/* A store that is open; private, but for `seen`. */
typedef struct tifed_store {
    const tifed_store_config *config;
    tifed_store_entry
        *index;    /* (records + 1): training samples, held-out ones, each in the order of
                                 arrival; then records that are free, the next one first */
    uint32_t seen; /* samples that have arrived: the number of the next one */
    uint32_t seed_low, seed_high;
    uint16_t kept[2]; /* records in use: training, held out */
} tifed_store;

/* Records for a kind of sample: ⌊records / held_out_every⌋ for those held out, but at least 1, and
 * the rest for training. */
uint16_t tifed_store_room(const tifed_store_config *config, bool held_out);

/* Open the store that is there. It reads all of it, and records that a power cut left unfinished or
 * that have changed are dropped. TIFED_STORE_ABSENT, _OTHER and _DAMAGED leave what is there as it
 * is: make a new one only if that is what you want. */
int tifed_store_open(tifed_store *store, const tifed_store_config *config,
                     tifed_store_entry *index);

/* Make a new, empty store, whatever is there. */
int tifed_store_format(tifed_store *store, const tifed_store_config *config,
                       tifed_store_entry *index);

/* Add a sample (inputs), with its label or a negative one for none yet. Its arrival number goes to
 * `number` unless that is NULL. TIFED_OK, or TIFED_STORE_PASSED_OVER. */
int tifed_store_add(tifed_store *store, const int8_t *values, int32_t label, uint32_t *number);

/* Say what a sample is that came without a label, or correct it. Until then it is neither trained on
 * nor counted. TIFED_STORE_GONE if it is no longer there. */
int tifed_store_label(tifed_store *store, uint32_t number, uint32_t label);

/* Samples that have a label; that of one, numbered from 0 in the order of arrival among them; and its
 * values offset.. `count` of them: the three functions of a tifed_own. */
uint32_t tifed_store_count(const tifed_store *store, bool held_out);
int32_t tifed_store_class(const tifed_store *store, bool held_out, uint32_t number);
int tifed_store_read(const tifed_store *store, bool held_out, uint32_t number, uint32_t offset,
                     int8_t *values, uint32_t count);

/* The store as one asks for own samples. */
tifed_own tifed_store_own(tifed_store *store);

/* A number that stays as long as the labelled training samples are the same ones, also over a
 * reset, and is another once they are not (but for one chance in 2^32). */
uint32_t tifed_store_revision(const tifed_store *store);

#ifdef __cplusplus
}
#endif
#endif
