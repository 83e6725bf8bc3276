/* Own samples: how whoever trains or evaluates asks a device for its own labelled samples, wherever
 * it keeps them.
 *
 * There are two kinds. Training samples are trained on and calibrated with; those that are held out
 * are never trained on, and the model is scored with them. Samples of a kind are numbered from 0 in
 * the order in which the device got them. tifed_store.h is such a place; anything else that answers
 * the three questions is one as well. */
#ifndef TIFED_OWN_H
#define TIFED_OWN_H

#include "tifed.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tifed_own {
    void *context;
    /* How many labelled samples of a kind there are. */
    uint32_t (*count)(void *context, bool held_out);
    /* The class of one; negative where it cannot be read. */
    int32_t (*label)(void *context, bool held_out, uint32_t number);
    /* Values offset.. of one, `count` of them: a sample has `inputs` int8 values, as they would come
     * over the line (raw pictures where an image front end runs on the device, features where a
     * signal front end made them). TIFED_OK, or a negative error. */
    int (*read)(void *context, bool held_out, uint32_t number, uint32_t offset, int8_t *values,
                uint32_t count);
} tifed_own;

#ifdef __cplusplus
}
#endif
#endif
