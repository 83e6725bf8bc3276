/* The host's layout of the same arithmetic: many samples and 16 units at a time.
 *
 * A device keeps weights as they go over the wire. A processor with vectors wants them in panels of
 * 16 units, inputs in pairs: weight (i, o) stands at [o / 16][i / 2][o % 16][i % 2], so that one
 * multiply-accumulate of int16 pairs serves 16 units in the forward pass, and the update reads and
 * writes the same place. Everything is padded with zeros to whole pairs and panels; zeros stay 0.
 *
 * panel_step.h holds the algorithm, panel_vectors.h its multiplications; every file
 * panel_<kernel>.c gives them that processor's vectors and is compiled with that processor's
 * flags. For any other processor there is panel_portable.c, on weights [o][i]. panel.c chooses
 * at run time. */
#ifndef TIFED_PANEL_H
#define TIFED_PANEL_H

#include "panel_change.h"
#include "../../core/tifed.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PANEL 16u
#define PANEL_ALIGN 64u

/* A layer's constants in the form that the loops want. */
typedef struct panel_layer {
    uint32_t fan_in, fan_out;
    uint32_t pairs;  /* of inputs */
    uint32_t panels; /* of units */
    int32_t offset;
    int32_t weight_bound;
    uint32_t reciprocal; /* of the rescale factor: just under 2^24 / factor */
    tifed_layer rule;
} panel_layer;

typedef struct panel_network {
    panel_layer layers[TIFED_MAX_DEPTH];
    uint32_t depth, classes;
    uint32_t error, error_level, feedback, input_shift;
    uint32_t widest; /* panels of the widest layer */
    bool wide_error; /* an error may pass int16: its feedback is summed in plain C */
    uint32_t sample_limit[TIFED_MAX_DEPTH]; /* most that a sample adds to a gradient */
} panel_network;

/* Weights in panels, PANEL_ALIGN-aligned, and biases padded to panels; per layer. */
typedef struct panel_model {
    int16_t *weights[TIFED_MAX_DEPTH];
    int16_t *biases[TIFED_MAX_DEPTH];
} panel_model;

/* Room for mini-batches of at most `batch` samples out of a buffer. */
typedef struct panel_workspace {
    uint32_t batch;
    uint32_t *rows[TIFED_MAX_DEPTH + 1u]; /* inputs of layer l: (batch, pairs); [depth]: errors */
    uint32_t *columns[TIFED_MAX_DEPTH];   /* the same in pairs of samples: (batch / 2, inputs);
                                               [0]: of every mini-batch of the buffer */
    uint32_t *deltas[TIFED_MAX_DEPTH];    /* in pairs of samples: (batch / 2, units) */
    int32_t *sums;                        /* (batch, widest) */
    int32_t *errors;                      /* (batch, classes padded) */
    int16_t *sign_feedback;               /* output-sign feedback of the last hidden layer */
} panel_workspace;

typedef struct panel_work {
    const uint32_t *inputs; /* (count, pairs of layer 0): the buffer, from `load` */
    const int32_t *labels;  /* (count) */
    uint32_t count, batch, first_step, steps, trained, extra_shift;
    uint32_t seed_low, seed_high, device, exchange;
    int32_t energy_shift; /* see tifed_work */
} panel_work;

typedef struct panel_statistics {
    uint64_t visits, missed, clipped_parameters, clipped_deltas;
} panel_statistics;

typedef struct panel_kernel {
    const char *name;
    bool (*supported)(void);
    /* Weights (fan_in, fan_out) int16 into the kernel's layout; sums += weights * samples. */
    void (*pack)(const panel_layer *layer, int16_t *panels, const int16_t *weights);
    void (*accumulate)(int32_t *sums, const int16_t *values, size_t count, int32_t samples);
    /* int32 sums in that layout, added to int64 (fan_in, fan_out), and set to 0; of short numbers
     * as what stands for their weights, of 65,535 samples at most. */
    void (*unpack)(const panel_layer *layer, const panel_origin *origin, int64_t *weights,
                   int32_t *sums);
    /* See panel_clip.h. */
    uint64_t (*squares)(const int16_t *sent, const int16_t *trained, size_t count);
    void (*shrink)(const int16_t *sent, int16_t *trained, size_t count, uint32_t clip,
                   uint32_t norm);
    /* See panel_short.h. */
    void (*shorten)(const panel_layer *layer, const panel_change *change, const int16_t *sent,
                    int16_t *trained);
    void (*keep)(const panel_layer *layer, const panel_change *change, const int16_t *sent,
                 int16_t *trained, int8_t *left);
    /* What goes up of a layer, row by row; returns how many numbers. */
    size_t (*take_out)(const panel_layer *layer, const panel_change *change, const int16_t *panels,
                       int16_t *numbers);
    /* A sample (features) int8 into a row of input pairs. */
    void (*load)(const panel_network *network, uint32_t *row, const int8_t *sample,
                 const int8_t *centre);
    void (*train)(const panel_network *network, const panel_model *model,
                  const panel_model *feedback, const panel_workspace *workspace,
                  const panel_work *work, panel_statistics *statistics);
    /* Classes of `count` rows of inputs, at most workspace->batch of them. */
    void (*classify)(const panel_network *network, const panel_model *model,
                     const panel_workspace *workspace, const uint32_t *inputs, uint32_t count,
                     int32_t *classes);
    /* Multiply-accumulates of one call; keeps every unit for them busy from registers alone. */
    uint64_t (*peak)(uint32_t rounds);
} panel_kernel;

/* Fill in `panels` from a checked network. TIFED_OK, or what is wrong with it. */
int panel_network_init(panel_network *panels, const tifed_network *network);

/* Bytes of, and layout in, PANEL_ALIGN-aligned memory of zeros; sizes fit, or 0. */
size_t panel_model_bytes(const panel_network *network, uint32_t layers);
void panel_model_init(const panel_network *network, panel_model *model, uint32_t layers,
                      void *memory);
size_t panel_feedback_bytes(const panel_network *network);
void panel_feedback_init(const panel_network *network, panel_model *feedback, void *memory);
/* `buffer`: samples to train on, or 0 where nothing is trained. */
size_t panel_workspace_bytes(const panel_network *network, uint32_t batch, uint32_t buffer);
void panel_workspace_init(const panel_network *network, panel_workspace *workspace, uint32_t batch,
                          uint32_t buffer, void *memory);

/* Whether `work` keeps every sum within 32 bits. */
bool panel_work_fits(const panel_network *network, const panel_work *work);

/* Values of a layer's weights or biases in panels. */
static inline size_t panel_weights(const panel_layer *layer)
{
    return (size_t)layer->panels * layer->pairs * PANEL * 2u;
}

/* Every kernel that this build has, fastest last; those that this processor lacks included. */
extern const panel_kernel *const panel_kernels[];
extern const unsigned panel_kernel_count;

#ifdef __cplusplus
}
#endif
#endif
