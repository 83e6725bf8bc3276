/* A device that has its samples itself (SPEC, 12.7): what it lets be asked of it, and how far it is.
 * Part of device.h where TIFED_DEVICE_OWN is defined. */
#ifndef TIFED_DEVICE_OWN_H
#define TIFED_DEVICE_OWN_H

#include "tifed_kept.h"
#include "tifed_own.h"

/* How many samples the owner of a device asks for before what follows from them leaves it. */
typedef struct tifed_policy {
    uint32_t least_update;      /* training samples that an update is made of, each counted once */
    uint32_t least_calibration; /* training samples that calibration sums are over */
    uint32_t least_evaluation;  /* held-out samples that a score is over */
} tifed_policy;

/* What a device has whose setup names no policy. */
#define TIFED_DEVICE_POLICY {10u, 50u, 10u}

/* The experiment that a device works for until its owner releases it: it outlives sessions, and with
 * a place for the model restarts as well, for it is what tifed_kept_put_words puts there. */
typedef struct tifed_binding {
    uint32_t bound; /* 0: to none; 1: to that of this seed; 2: nobody knows to which */
    uint32_t seed_low, seed_high;
    uint32_t summed; /* samples in its one calibration; 0 before it */
    uint32_t check;  /* CRC-32 of those sums */
    uint32_t squares_low, squares_high;
    uint32_t
        among; /* CRC-32 of the devices whose sums theirs was told in, lowest bit 1; 0 before */
} tifed_binding;

/* How far a device is with its own samples; private. */
typedef struct tifed_device_own {
    tifed_binding binding;
    tifed_kept kept;
    tifed_work work;             /* of personal rounds */
    uint32_t training, held_out; /* samples, when the order that asks for them began */
    uint32_t next, left;         /* number of the next sample; how many more */
    uint32_t done, all;          /* pieces of the order that is under way */
    uint32_t rounds;             /* personal rounds that are left */
    uint32_t correct, before;    /* of the held-out samples, now and before personal rounds */
    tifed_kept_model model;      /* what is known of the published model */
    uint8_t order, phase;        /* what is under way, and where in it */
    uint8_t resume;              /* the state to go back to */
    uint8_t outcome;             /* code of the last order that was not done at once */
    uint8_t scored;              /* the order whose score may be asked for; 0 for none */
    bool keeps;                  /* there is a place for the model */
    bool personal;               /* the parameters are its own: they do not leave */
    bool complete;               /* the parameters are a whole model, to classify with */
    bool learnt;                 /* there may be some among them that it has trained */
} tifed_device_own;

#endif
