/* The model that stays: what a device classifies with after a run, after a reset too.
 *
 * C99, freestanding, no allocation, no floating point, no recursion; all memory is the caller's. The
 * bytes are section 17 of SPEC.md. A model is written to the older of two slots while the other stays
 * as it is, so a power cut leaves the model before; it goes there piece by piece from the core's own
 * memory, so there is never a second copy of it in RAM.
 *
 *     int status = tifed_kept_open(&kept, &eeprom, &config, fingerprint);
 *     if (status == TIFED_OK) {                             there is a model: start with it
 *         config.seed_low = kept.model.seed_low, config.seed_high = kept.model.seed_high;
 *         tifed_init(&t, &config, memory, sizeof memory);
 *         status = tifed_kept_restore(&kept, &t);
 *     }
 *     tifed_kept_model about = {seed_low, seed_high, round, energy_shift};
 *     tifed_kept_save(&kept, &t, &about);                   after a run */
#ifndef TIFED_KEPT_H
#define TIFED_KEPT_H

#include "tifed_memory.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What functions return beside TIFED_OK and the errors of tifed.h. */
enum {
    TIFED_KEPT_ABSENT = -30, /* no model is there, or none that is whole */
    TIFED_KEPT_OTHER = -31,  /* a model is there, of another fingerprint, size or version */
    TIFED_KEPT_MEMORY = -32, /* a read or a write failed, or there is no function that writes */
    TIFED_KEPT_NETWORK = -33 /* the configuration is not possible, or too large */
};

/* What is known of a model beside its parameters. */
typedef struct tifed_kept_model {
    uint32_t seed_low, seed_high; /* of the experiment */
    uint32_t round;               /* how many have gone into it */
    int32_t energy_shift;         /* of the experiment, for rounds that go on from it */
} tifed_kept_model;

/* Words of the caller's that outlive a reset as the model does: what a device has promised, such as
 * the experiment that it works for and what it has told. All are 0 until they are first put. */
#define TIFED_KEPT_WORDS 8u

typedef struct tifed_kept {
    const tifed_memory *memory;
    uint32_t fingerprint;    /* of what the device was built for, as in its hello */
    uint32_t bytes;          /* of a slot: private, as what follows */
    uint32_t sequence;       /* of the newest model that is whole; 0: there is none */
    uint32_t words_sequence; /* of the newest words; 0: there are none */
    tifed_kept_model model;  /* of the newest model; may be read after TIFED_OK */
} tifed_kept;

/* Bytes of memory that a configuration needs, from place 0, or 0 if it is not possible: two slots of
 * 44 bytes, the centre if there is one, the parameters of layers that are held in RAM as they go over
 * the line, and 4 bytes for each that is not; and 80 bytes. */
uint32_t tifed_kept_size(const tifed_config *config);

/* Look what is there. TIFED_OK if there is a model of this fingerprint; TIFED_KEPT_ABSENT or
 * TIFED_KEPT_OTHER if there is none but one can be saved; another error if not. Words can be got and
 * put after any of these three. Of `config` only the network and what is frozen matter. */
int tifed_kept_open(tifed_kept *kept, const tifed_memory *memory, const tifed_config *config,
                    uint32_t fingerprint);

/* Put the newest model's centre and parameters into a core that was just initialised. Layers in flash
 * have to be those that it was saved with: TIFED_ERROR_LAYER otherwise. After an error, initialise
 * the core again. */
int tifed_kept_restore(const tifed_kept *kept, tifed *t);

/* Save the model of a core. After a power cut or an error the one before is still there. */
int tifed_kept_save(tifed_kept *kept, const tifed *t, const tifed_kept_model *model);

/* The words, and new ones for them: all of them or, after a power cut, none. */
int tifed_kept_get_words(const tifed_kept *kept, uint32_t words[TIFED_KEPT_WORDS]);
int tifed_kept_put_words(tifed_kept *kept, const uint32_t words[TIFED_KEPT_WORDS]);

#ifdef __cplusplus
}
#endif
#endif
