/* Feature extraction on a desktop processor: the same arithmetic with inputs and weights widened to
 * int16 and every window laid out on its own, so that the compiler makes long dot products of it.
 *
 * extraction.c walks the layers; extraction_body.h holds the loops, which every file
 * extraction_<kernel>.c compiles for its own processor. */
#ifndef TIFED_HOST_EXTRACTION_H
#define TIFED_HOST_EXTRACTION_H

#include "../../core/tifed_feature_plane.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EXTRACTION_ALIGN 64u
#define EXTRACTION_WIDE 16u /* a window's values, and a unit's weights, are padded to this many */

/* A layer in the form that the loops want. */
typedef struct extraction_layer {
    const tifed_feature_layer *rule;
    tifed_plane in, out;
    uint32_t fan_in, width; /* width: fan_in padded */
    uint32_t quads;         /* of four units */
    int16_t *weights;       /* (4 * quads, width) */
    int32_t *shift, *bias;  /* (4 * quads) */
    int8_t zero;            /* what it pads with */
} extraction_layer;

typedef struct extraction_network {
    extraction_layer layers[TIFED_EXTRACTOR_DEPTH];
    uint32_t depth;
    uint32_t largest; /* values of the largest plane */
    uint32_t windows; /* values of the windows of the widest row */
    uint32_t sums;    /* sums of the widest row */
} extraction_network;

typedef struct extraction_kernel {
    const char *name;
    bool (*supported)(void);
    /* Outputs (count, units) of windows (count, width); sums: room for (count, 4 * quads). */
    void (*units)(const extraction_layer *layer, const int16_t *windows, uint32_t count,
                  int32_t *sums, int8_t *out);
} extraction_kernel;

/* Fill in from a checked extractor, with constants in `memory` (EXTRACTION_ALIGN-aligned, of
 * extraction_bytes). */
size_t extraction_bytes(const tifed_extractor *extractor);
void extraction_init(extraction_network *network, const tifed_extractor *extractor, void *memory);

/* Features of a sample; `memory`: EXTRACTION_ALIGN-aligned, of extraction_workspace_bytes. */
size_t extraction_workspace_bytes(const extraction_network *network);
void extraction_run(const extraction_network *network, const extraction_kernel *kernel,
                    const int8_t *sample, int8_t *features, void *memory);

/* Every kernel that this build has, fastest last; those that this processor lacks included. */
extern const extraction_kernel *const extraction_kernels[];
extern const unsigned extraction_kernel_count;

#ifdef __cplusplus
}
#endif
#endif
