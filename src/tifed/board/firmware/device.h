/* A device on the link: a state machine around the core, fed byte by byte. It never waits, and does
 * one mini-batch at a time, so that it answers while it trains. */
#ifndef TIFED_DEVICE_H
#define TIFED_DEVICE_H

#include "link.h"
#include "tifed.h"

#ifdef TIFED_DEVICE_OWN /* which costs flash: only where a device has its samples itself */
#include "device_own.h"
#endif
#ifdef TIFED_DEVICE_SEALED /* which costs flash: only for a device with a key */
#include "device_sealed.h"
#endif
#ifdef TIFED_DEVICE_MASKED /* which costs flash: only where updates leave under masks */
#include "device_masked.h"
#endif

#ifdef TIFED_RESIDUALS /* which costs flash: only where a device keeps what is too small to go up */
#include "tifed_changes.h"

/* RAM of what is kept (SPEC, 25.8). */
typedef struct tifed_residuals {
    uint32_t layers;   /* of these, one bit each */
    int8_t *left;      /* TIFED_BYTES_RESIDUAL for each of them, one behind the other */
    tifed_change *how; /* (depth): how each goes up in the exchange that is under way */
} tifed_residuals;

typedef struct tifed_device_residual {
    uint32_t after;               /* the exchange behind which it holds; 0xFFFFFFFF: it is 0 */
    uint32_t seed_low, seed_high; /* of the experiment that this exchange belongs to */
    bool pending;                 /* there is a new one once an exchange is over */
} tifed_device_residual;
#endif

#ifdef TIFED_DEVICE_QUIET /* which costs flash: only where every frame is dear (SPEC, 12.10) */
#ifndef TIFED_DEVICE_SHORT
#error "a device that answers an exchange as a whole answers with short updates"
#endif
enum { TIFED_QUIET_LAYERS = 8 }; /* that are trained at a time, at most */

typedef struct tifed_device_quiet {
    uint16_t sequence; /* of the last exchange, 0 for none */
    bool steps;        /* its samples are there */
#ifdef TIFED_RESIDUALS
    uint8_t request[40 + 6 * TIFED_QUIET_LAYERS];
    uint8_t layers; /* where these begin in it */
#else
    uint8_t request[36 + 6 * TIFED_QUIET_LAYERS];
#endif
} tifed_device_quiet;
#endif

/* What firmware knows when it is compiled. */
typedef struct tifed_device_setup {
    const tifed_network *network;
    uint32_t buffer;      /* samples kept */
    uint32_t batch;       /* samples per mini-batch */
    uint32_t fingerprint; /* of all the above: the server refuses a device built for other work */
    void *memory;         /* of the core, aligned for it; its size decides what can be trained */
    uint32_t bytes;       /* of memory; at least 4 * features, for calibration */
    uint32_t inputs;      /* values of a sample on the line */
    int8_t *sample;       /* (inputs): a sample arrives in pieces; or what front_end makes of it */
    const int8_t *(*extract)(const int8_t *sample); /* its features, or NULL where that fails; NULL
                                                       if a sample is features as it is */
    const char *board;                              /* name, for people */
    uint32_t tick_hertz;                            /* of ticks; 0 if there is none */
    tifed_link_write *write;    /* bytes that leave: a frame, or a piece of one */
    uint32_t (*ticks)(void);    /* free-running; NULL if there is none */
    uint32_t (*stack)(void);    /* most bytes of stack used so far; NULL if not known */
    void (*reset)(void);        /* starts the board again; NULL if it cannot */
    const tifed_frozen *frozen; /* layers that nobody trains, in flash; NULL if there are none */
#ifdef TIFED_DEVICE_FRONT_END   /* which costs flash: only for samples that go through one */
    /* Takes the next values of a sample, which begins with offset 0, and has written all `features`
     * after the last of them; negative, an error of the core, where that fails. NULL: a sample is
     * kept as it arrives. */
    int (*front_end)(int8_t *features, uint32_t offset, const int8_t *values, uint32_t count);
    const tifed_source *source; /* makes what is trained on of `kept`; NULL if nothing does */
    int8_t *kept;               /* (buffer, inputs): samples as they arrive, for the source */
#endif
#ifdef TIFED_DEVICE_OWN
    const tifed_own *own;       /* its samples, of which nobody sends it any; NULL: they are sent */
    uint32_t held_out_every;    /* of these, every how manieth is held out */
    const tifed_policy *policy; /* what its owner asks for; NULL: TIFED_DEVICE_POLICY */
    const tifed_memory *model;  /* where the model stays, and what the device has promised; NULL:
                                    nowhere, and no server may start the board again */
    uint32_t *by_class;         /* (2 * classes): for scores by class, which the server may then ask
                                    for; NULL: it may not */
#endif
#ifdef TIFED_DEVICE_SEALED
    const tifed_seal *seal; /* every frame is sealed with the device's key; NULL: none is */
#endif
#ifdef TIFED_RESIDUALS
    const tifed_residuals *residuals; /* not NULL */
#endif
#ifdef TIFED_DEVICE_MASKED
    const tifed_masks *masks; /* its updates leave it under masks alone; NULL: as they are */
#endif
} tifed_device_setup;

typedef enum tifed_device_state {
    TIFED_DEVICE_IDLE,
    TIFED_DEVICE_CONFIGURED,
    TIFED_DEVICE_TRAINING,
    TIFED_DEVICE_TRAINED,
    TIFED_DEVICE_WORKING /* with samples of its own */
} tifed_device_state;

typedef struct tifed_device {
    const tifed_device_setup *setup;
    tifed core;
    tifed_link link;
    uint16_t session;       /* 0 until the server opens one: so it can tell that we restarted */
    uint16_t last_sequence; /* of the last request that was carried out, 0 for none */
    uint8_t last_code;      /* and its answer, for a request that comes again */
    uint8_t state;
    uint16_t last_value;
    uint16_t training;    /* sequence of the order that is under way */
    uint32_t filled;      /* values of a sample that have arrived */
    uint32_t summed;      /* samples in the calibration sums */
    uint64_t squares;     /* of all their features: 2^14 each, of 2^16 features at most */
    uint64_t ticks;       /* of the steps since TRAIN; before, of making features since CLEAR */
#ifdef TIFED_DEVICE_SHORT /* which costs flash: only for a device with short updates (SPEC, 25) */
    uint8_t *received;    /* parameters of the trained layers as they arrived; NULL: not kept */
    bool learnt;          /* those in the core are others by now */
#endif
#ifdef TIFED_RESIDUALS
    tifed_device_residual residual;
#endif
#ifdef TIFED_DEVICE_QUIET
    tifed_device_quiet quiet;
#endif
#ifdef TIFED_DEVICE_OWN
    tifed_device_own own;
#endif
#ifdef TIFED_DEVICE_SEALED
    tifed_device_sealed sealed;
#endif
#ifdef TIFED_DEVICE_MASKED
    tifed_device_masked masked;
#endif
} tifed_device;

void tifed_device_init(tifed_device *device, const tifed_device_setup *setup);

/* Say that the device has started. */
void tifed_device_ready(tifed_device *device);

/* Take a byte from the line; answers through setup->write. */
void tifed_device_feed(tifed_device *device, uint8_t byte);

/* Do a piece of the work that was asked for; true if there is more. */
bool tifed_device_work(tifed_device *device);

#ifdef TIFED_DEVICE_OWN
/* The class of a sample (inputs) by the model that is there: the one that was kept, or the one that
 * a round has brought. An error of the core: TIFED_ERROR_EMPTY while there is no whole model,
 * because none was kept, or while one arrives or is trained. The outputs are those of tifed_outputs
 * of device->core. */
int32_t tifed_device_classify(tifed_device *device, const int8_t *sample);

/* For the owner of a device, who lets it work for another experiment from now on. TIFED_OK, or an
 * error of tifed_kept.h. */
int tifed_device_release(tifed_device *device);
#endif

#endif
