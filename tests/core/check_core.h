/* The device's core against a case; also what the host's kernels are given. */
#ifndef CHECK_CORE_H
#define CHECK_CORE_H

#include "cases.h"
#include "tifed.h"

typedef struct model {
    int16_t *weights[TIFED_MAX_DEPTH], *biases[TIFED_MAX_DEPTH];
} model;

typedef struct test_case {
    tifed_layer layers[TIFED_MAX_DEPTH];
    tifed_network network;
    uint32_t count, batch, trained, seed_low, seed_high;
    tifed_work work;
    int8_t *centre, *samples;
    int32_t *labels, *classes;
    uint32_t *margins;
    int16_t *feedback[TIFED_MAX_DEPTH];
    model before, after;
    uint64_t statistics[4];
} test_case;

/* Zeros for `count` values, aligned for vectors and with room behind for them. */
void *zeroed_memory(size_t count, size_t size);
void give_back(void *aligned);

uint32_t weights_of(const tifed_layer *layer);

/* Room for a case whose network and numbers are known. */
void make_arrays(test_case *t);
void drop_arrays(test_case *t);

/* The device's core in every way that it is used; what comes of it is compared or, with `record`, set. */
void run_core_every_way(test_case *t, bool record);

#endif
