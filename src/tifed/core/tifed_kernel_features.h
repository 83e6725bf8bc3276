/* The loops of feature extraction that cost time; internal. */
#ifndef TIFED_KERNEL_FEATURES_H
#define TIFED_KERNEL_FEATURES_H

#include "tifed_feature_plane.h"

/* A layer with sums and the max-pooling behind it if its windows do not overlap, or a max-pooling
 * alone. */
typedef struct tifed_stage {
    const tifed_feature_layer *sums; /* NULL: none */
    const tifed_feature_layer *pool; /* NULL: none */
    tifed_plane in, out;
    uint32_t next;   /* layer behind it */
    uint32_t groups; /* of four inputs in a window, 1 or more */
    bool direct;     /* a window lies in `in` as it is needed */
} tifed_stage;

/* A stage with sums: from plane `in`, padded with `zero`. `patch`: room for a window (4 * groups, 0
 * behind its last value). */
void tifed_kernel_sums(const tifed_stage *stage, const int8_t *in, int8_t zero, int8_t *out,
                       int8_t *patch);

/* A max-pooling alone. */
void tifed_kernel_pool(const tifed_stage *stage, const int8_t *in, int8_t *out);

#endif
