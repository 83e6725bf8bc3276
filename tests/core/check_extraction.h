/* The device's feature extraction against a case; also what the host's kernels are given. */
#ifndef CHECK_EXTRACTION_H
#define CHECK_EXTRACTION_H

#include "cases.h"
#include "tifed_features.h"

typedef struct test_case {
    tifed_feature_layer layers[TIFED_EXTRACTOR_DEPTH];
    tifed_extractor extractor;
    size_t memory;
    uint32_t inputs, features, count;
    int8_t *samples, *wanted;
} test_case;

#endif
