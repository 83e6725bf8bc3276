/* What a device does with samples of its own, a sample or a mini-batch at a time, and what it does not
 * let be asked of it. */
#include "device_inside.h"

#ifdef TIFED_DEVICE_OWN

enum { PIECE = 64 }; /* values of a sample on the stack, on their way to a front end */

/* Where in personal rounds a device is. */
enum { SCORE_BEFORE, TAKE, STEP, SCORE_AFTER, SETTLE };

enum { BOUND = 1, UNKNOWN = 2 };

static tifed_policy policy_of(const tifed_device *device)
{
    const tifed_policy usual = TIFED_DEVICE_POLICY;
    return device->setup->policy ? *device->setup->policy : usual;
}

static uint32_t samples_of(const tifed_device *device, bool held_out)
{
    const tifed_own *own = device->setup->own;
    return own->count(own->context, held_out);
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* --- to which experiment a device is bound ---------------------------------------------------- */

TIFED_ASSUME(a_binding_is_what_words_keep,
             sizeof(tifed_binding) == TIFED_KEPT_WORDS * sizeof(uint32_t));

/* Remember what was promised, where that outlives a restart if there is such a place. */
static uint8_t promise(tifed_device *device, const tifed_binding *binding)
{
    tifed_device_own *own = &device->own;
    if (own->keeps && tifed_kept_put_words(&own->kept, (const uint32_t *)binding) != TIFED_OK)
        return TIFED_LINK_NOT_KEPT;
    own->binding = *binding;
    return TIFED_LINK_OK;
}

#ifdef TIFED_DEVICE_MASKED
uint8_t tifed_own_summed(tifed_device *device, uint32_t among)
{
    tifed_binding told = device->own.binding;
    if (told.among)
        return told.among == among ? (uint8_t)TIFED_LINK_OK : (uint8_t)TIFED_LINK_OTHER_DEVICES;
    told.among = among;
    return promise(device, &told);
}
#endif

/* Work for the experiment of this seed: the one that the device works for, or the first. */
NOINLINE static uint8_t bind(tifed_device *device, const uint8_t *seed)
{
    const tifed_binding *is = &device->own.binding;
    tifed_binding wanted = {BOUND, tifed_link_get32(seed), tifed_link_get32(seed + 4), 0, 0, 0, 0,
                            0};
    if (is->bound == 0u)
        return promise(device, &wanted);
    return is->bound == BOUND && is->seed_low == wanted.seed_low &&
                   is->seed_high == wanted.seed_high
               ? TIFED_LINK_OK
               : TIFED_LINK_NOT_ALLOWED;
}

int tifed_device_release(tifed_device *device)
{
    const tifed_binding nothing = {0, 0, 0, 0, 0, 0, 0, 0};
    if (promise(device, &nothing) != TIFED_LINK_OK)
        return TIFED_KEPT_MEMORY;
    tifed_own_open(device); /* and whoever had a session begins again, as with a new device */
#ifdef TIFED_DEVICE_MASKED
    tifed_masked_start(device);
#endif
#ifdef TIFED_RESIDUALS
    tifed_residual_clear(device);
#endif
    device->session = 0;
    device->state = TIFED_DEVICE_IDLE;
    device->filled = device->summed = 0;
    return TIFED_OK;
}

/* --- the model that stays --------------------------------------------------------------------- */

/* The kept model into the core, which is laid out for it: to train these layers, or none. */
NOINLINE static int take_kept(tifed_device *device, uint32_t trained)
{
    const tifed_device_setup *setup = device->setup;
    tifed_device_own *own = &device->own;
    tifed_config config = config_for(device, trained);
    config.seed_low = own->kept.model.seed_low;
    config.seed_high = own->kept.model.seed_high;
    if (!trained)
        config.buffer = 0;
    own->complete = false;
#ifdef TIFED_DEVICE_SHORT
    device->received = NULL; /* there is another model in its place */
#endif
    int status = tifed_init(&device->core, &config, setup->memory, (size_t)setup->bytes);
    if (status == TIFED_OK)
        status = tifed_kept_restore(&own->kept, &device->core);
    own->complete = status == TIFED_OK;
    return status;
}

static uint8_t keep_model(tifed_device *device)
{
    tifed_device_own *own = &device->own;
    if (tifed_kept_save(&own->kept, &device->core, &own->model) != TIFED_OK)
        return TIFED_LINK_NOT_KEPT;
    own->complete = true;
    return TIFED_LINK_OK;
}

int32_t tifed_device_classify(tifed_device *device, const int8_t *sample)
{
    const tifed_device_setup *setup = device->setup;
    bool busy = device->state == TIFED_DEVICE_TRAINING || device->state == TIFED_DEVICE_WORKING;
    if (busy || !device->own.complete)
        return TIFED_ERROR_EMPTY;
    device->filled = 0; /* of a sample that was arriving in the same place */
#ifdef TIFED_DEVICE_FRONT_END
    if (setup->front_end) {
        int status = setup->front_end(setup->sample, 0, sample, setup->inputs);
        if (status < 0)
            return status;
    } else
#endif
        for (uint32_t i = 0; i < setup->inputs; i++)
            setup->sample[i] = sample[i];
    const int8_t *features = features_of(device);
    return features ? tifed_classify(&device->core, features) : TIFED_ERROR_MEMORY;
}

/* --- one sample ------------------------------------------------------------------------------- */

/* What the network takes of a sample of its own, in `features`; with a place for it to be kept as it
 * is, that is done as well. */
NOINLINE static uint8_t read_sample(tifed_device *device, bool held_out, int8_t *kept,
                                    const int8_t **features)
{
    const tifed_device_setup *setup = device->setup;
    const tifed_own *own = setup->own;
    uint32_t before = now(device), number = device->own.next;
    uint32_t at_once = setup->inputs;
    device->filled = 0; /* of a sample that was arriving in the same place */
#ifdef TIFED_DEVICE_FRONT_END
    int8_t piece[PIECE];
    if (setup->front_end)
        at_once = PIECE;
#endif
    for (uint32_t offset = 0, count; offset < setup->inputs; offset += count) {
        int8_t *values = kept ? kept + offset : setup->sample + offset;
        count = smaller(setup->inputs - offset, at_once);
#ifdef TIFED_DEVICE_FRONT_END
        if (setup->front_end && !kept)
            values = piece;
#endif
        if (own->read(own->context, held_out, number, offset, values, count) != TIFED_OK)
            return TIFED_LINK_UNREADABLE;
#ifdef TIFED_DEVICE_FRONT_END
        int status =
            setup->front_end ? setup->front_end(setup->sample, offset, values, count) : TIFED_OK;
        if (status < 0)
            return code_of(status);
#endif
    }
    device->ticks += now(device) - before;
    *features = features_of(device);
    return *features ? (uint8_t)TIFED_LINK_OK : (uint8_t)-TIFED_ERROR_MEMORY;
}

/* The label of the next sample, if the network has such a class. */
static uint8_t read_label(const tifed_device *device, bool held_out, uint32_t *label)
{
    const tifed_network *network = device->setup->network;
    const tifed_own *own = device->setup->own;
    int32_t found = own->label(own->context, held_out, device->own.next);
    if (found < 0)
        return TIFED_LINK_UNREADABLE;
    *label = (uint32_t)found;
    return *label < network->layers[network->depth - 1u].fan_out ? (uint8_t)TIFED_LINK_OK
                                                                 : (uint8_t)-TIFED_ERROR_LABEL;
}

/* The next sample is the one behind it; behind the last training sample comes the first. */
static void go_on(tifed_device_own *own)
{
    own->next++;
    if (own->next == own->training)
        own->next = 0;
    own->left--;
}

static uint8_t take_one(tifed_device *device)
{
    int8_t *kept = 0;
    const int8_t *features = 0;
    uint32_t label;
#ifdef TIFED_DEVICE_FRONT_END
    if (device->setup->kept)
        kept = device->setup->kept + (size_t)device->core.count * device->setup->inputs;
#endif
    uint8_t code = read_label(device, false, &label);
    if (code == TIFED_LINK_OK)
        code = read_sample(device, false, kept, &features);
    if (code == TIFED_LINK_OK)
        code = code_of(tifed_add_sample(&device->core, features, label));
    go_on(&device->own);
    return code;
}

static uint8_t sum_one(tifed_device *device)
{
    const int8_t *features = 0;
    uint8_t code = read_sample(device, false, 0, &features);
    if (code == TIFED_LINK_OK)
        add_to_sums(device, features);
    go_on(&device->own);
    return code;
}

static uint8_t score_one(tifed_device *device)
{
    tifed_device_own *own = &device->own;
    const int8_t *features = 0;
    uint32_t label;
    uint8_t code = read_label(device, true, &label);
    if (code == TIFED_LINK_OK)
        code = read_sample(device, true, 0, &features);
    if (code != TIFED_LINK_OK)
        return code;
    bool right = (uint32_t)tifed_classify(&device->core, features) == label;
    own->correct += right;
    if (device->setup->by_class) {
        device->setup->by_class[2u * label] += right;
        device->setup->by_class[2u * label + 1u]++;
    }
    own->next++;
    own->left--;
    return TIFED_LINK_OK;
}

/* --- what is under way ------------------------------------------------------------------------ */

static void begin_scoring(tifed_device *device)
{
    const tifed_network *network = device->setup->network;
    device->own.correct = device->own.next = 0;
    device->own.left = device->own.held_out;
    if (device->setup->by_class)
        for (uint32_t i = 0; i < 2u * network->layers[network->depth - 1u].fan_out; i++)
            device->setup->by_class[i] = 0;
}

/* A calibration tells what the first one told, or nothing: differences of sums are samples. */
static uint8_t end_sums(tifed_device *device)
{
    tifed_binding told = device->own.binding;
    told.summed = device->summed;
    told.check =
        tifed_link_crc(device->setup->memory, 4u * device->setup->network->layers[0].fan_in);
    told.squares_low = (uint32_t)device->squares;
    told.squares_high = (uint32_t)(device->squares >> 32);
    const tifed_binding *first = &device->own.binding;
    if (first->summed == 0u)
        return promise(device, &told);
    return first->check == told.check && first->squares_low == told.squares_low &&
                   first->squares_high == told.squares_high
               ? TIFED_LINK_OK
               : TIFED_LINK_NOT_ALLOWED;
}

/* The end of a phase of personal rounds, and the beginning of the next. */
NOINLINE static uint8_t next_phase(tifed_device *device)
{
    tifed_device_own *own = &device->own;
    switch (own->phase) {
    case SCORE_BEFORE: own->before = own->correct; break;
    case TAKE: own->phase = STEP; return code_of(tifed_begin(&device->core, &own->work));
    case STEP:
        own->work.exchange++;
        own->rounds--;
        if (own->rounds == 0u) {
            own->phase = SCORE_AFTER;
            begin_scoring(device);
            return TIFED_LINK_OK;
        }
        break;
    default: own->phase = SETTLE; return TIFED_LINK_OK;
    }
    /* Round p begins with sample p * buffer, which is where the one before it has ended. */
    if (own->phase == SCORE_BEFORE)
        own->next = 0;
    own->phase = TAKE;
    own->left = device->setup->buffer;
    tifed_clear(&device->core);
    return TIFED_LINK_OK;
}

/* The better of the two models stays; at a tie the personal one. Either is a secret until the device
 * is configured again: the one that was kept may be that of earlier personal rounds. */
static uint8_t settle(tifed_device *device)
{
    if (device->own.correct >= device->own.before)
        return keep_model(device);
    return take_kept(device, device->core.config.trained) == TIFED_OK ? TIFED_LINK_OK
                                                                      : TIFED_LINK_NOT_KEPT;
}

NOINLINE static uint8_t personal_piece(tifed_device *device, bool *more)
{
    tifed_device_own *own = &device->own;
    uint8_t code = TIFED_LINK_OK;
    bool ends;
    if (own->phase == SETTLE) {
        *more = false;
        return settle(device);
    }
    if (own->phase == STEP) {
        ends = tifed_step(&device->core) != TIFED_MORE;
    } else {
        code = own->phase == TAKE ? take_one(device) : score_one(device);
        ends = own->left == 0u;
    }
    return ends && code == TIFED_LINK_OK ? next_phase(device) : code;
}

/* Do a piece of the order that is under way; its code, and whether there is more. */
NOINLINE static uint8_t piece(tifed_device *device, bool *more)
{
    tifed_device_own *own = &device->own;
    uint8_t code = TIFED_LINK_OK;
    switch (own->order) {
    case TIFED_LINK_TAKE: code = take_one(device); break;
    case TIFED_LINK_EVALUATE: code = score_one(device); break;
    case TIFED_LINK_CALIBRATE:
        code = sum_one(device);
        if (code == TIFED_LINK_OK && own->left == 0u)
            code = end_sums(device);
        break;
    case TIFED_LINK_KEEP: code = keep_model(device); break;
    default: *more = true; return personal_piece(device, more);
    }
    *more = own->left != 0u;
    return code;
}

/* What an order that failed has left half done is not used by another. */
static void undo(tifed_device *device)
{
    tifed_device_own *own = &device->own;
    own->scored = 0;
    if (own->order == TIFED_LINK_CALIBRATE)
        device->summed = 0;
    if (own->order == TIFED_LINK_TAKE)
        tifed_clear(&device->core);
    if (own->order == TIFED_LINK_PERSONALISE) /* the kept model stays, if it can be read */
        (void)take_kept(device, device->core.config.trained);
}

bool tifed_own_work(tifed_device *device)
{
    tifed_device_own *own = &device->own;
    uint32_t before = now(device);
    bool more = false, step = own->order == TIFED_LINK_PERSONALISE && own->phase == STEP;
    uint8_t code = piece(device, &more);
    if (step)
        device->ticks += now(device) - before;
    own->done++;
    if (more && code == TIFED_LINK_OK)
        return true;
    own->outcome = code;
    if (code == TIFED_LINK_OK &&
        (own->order == TIFED_LINK_EVALUATE || own->order == TIFED_LINK_PERSONALISE))
        own->scored = own->order;
    if (code != TIFED_LINK_OK)
        undo(device);
    device->state = own->resume;
    return false;
}

/* --- orders ----------------------------------------------------------------------------------- */

static uint8_t begin(tifed_device *device, uint8_t type, uint32_t pieces, uint8_t resume)
{
    tifed_device_own *own = &device->own;
    own->order = type;
    own->resume = resume;
    own->outcome = own->scored = 0;
    own->done = 0;
    own->all = pieces;
    device->ticks = 0;
    device->state = TIFED_DEVICE_WORKING;
    return TIFED_LINK_OK;
}

/* How many samples an order is over, as its answer says it. */
static void say(tifed_device *device, uint32_t samples)
{
    device->last_value = (uint16_t)smaller(samples, 0xFFFFu);
}

static uint8_t take(tifed_device *device, const uint8_t *in)
{
    tifed_device_own *own = &device->own;
    uint32_t position = tifed_link_get32(in), count = tifed_link_get32(in + 4);
    uint32_t there = samples_of(device, false);
    if (count == 0u)
        return (uint8_t)-TIFED_ERROR_EMPTY;
    if (count > device->core.config.buffer)
        return (uint8_t)-TIFED_ERROR_FULL;
    if (there == 0u || smaller(count, there) < policy_of(device).least_update)
        return TIFED_LINK_TOO_FEW;
    tifed_clear(&device->core);
    own->training = there;
    own->next = position % there;
    own->left = count;
    say(device, count);
    return begin(device, TIFED_LINK_TAKE, count, TIFED_DEVICE_CONFIGURED);
}

static uint8_t calibrate(tifed_device *device, const uint8_t *in)
{
    tifed_device_own *own = &device->own;
    const tifed_device_setup *setup = device->setup;
    uint32_t there = samples_of(device, false), count = smaller(tifed_link_get32(in), there);
    if (setup->bytes / 4u < setup->network->layers[0].fan_in)
        return (uint8_t)-TIFED_ERROR_MEMORY;
    if (count == 0u || count < policy_of(device).least_calibration)
        return TIFED_LINK_TOO_FEW;
    uint8_t code = bind(device, in + 4);
    if (code != TIFED_LINK_OK)
        return code;
    if (own->binding.summed != 0u && own->binding.summed != count)
        return TIFED_LINK_NOT_ALLOWED;
    own->complete = false; /* the sums lie where the model did */
    device->summed = 0;
    own->training = there;
    own->next = 0;
    own->left = count;
    say(device, count);
    return begin(device, TIFED_LINK_CALIBRATE, count, TIFED_DEVICE_IDLE);
}

static uint8_t evaluate(tifed_device *device)
{
    uint32_t there = samples_of(device, true);
    if (there == 0u || there < policy_of(device).least_evaluation)
        return TIFED_LINK_TOO_FEW;
    device->own.held_out = there;
    begin_scoring(device);
    say(device, there);
    return begin(device, TIFED_LINK_EVALUATE, there, device->state);
}

static uint8_t keep(tifed_device *device, const uint8_t *in)
{
    tifed_device_own *own = &device->own;
    if (!own->keeps)
        return TIFED_LINK_NOT_KEPT;
#ifdef TIFED_DEVICE_SEALED
    const tifed_kept_model *kept = &own->kept.model;
    if (device->setup->seal && own->kept.sequence != 0u &&
        kept->seed_low == own->binding.seed_low && kept->seed_high == own->binding.seed_high &&
        tifed_link_get32(in) < kept->round)
        return TIFED_LINK_OLDER;
#endif
    own->model.seed_low = own->binding.seed_low;
    own->model.seed_high = own->binding.seed_high;
    own->model.round = tifed_link_get32(in);
    own->model.energy_shift = (int32_t)tifed_link_get32(in + 4);
    own->left = 0;
    return begin(device, TIFED_LINK_KEEP, 1, device->state);
}

/* Layers, rounds, steps of each, extra shift, device, number of the first exchange, energy shift. */
static uint8_t personalise(tifed_device *device, const uint8_t *in)
{
    tifed_device_own *own = &device->own;
    uint32_t rounds = tifed_link_get32(in + 4), steps = tifed_link_get32(in + 8);
    uint32_t there = samples_of(device, false), scored = samples_of(device, true);
    uint32_t buffer = device->setup->buffer;
    tifed_policy policy = policy_of(device);
    const tifed_kept_model *model = &own->kept.model;
    if (!own->keeps || own->kept.sequence == 0u)
        return TIFED_LINK_NOT_KEPT;
    if (own->binding.bound != BOUND || model->seed_low != own->binding.seed_low ||
        model->seed_high != own->binding.seed_high)
        return TIFED_LINK_ORDER;
    if (there == 0u || scored == 0u || smaller(buffer, there) < policy.least_update ||
        scored < policy.least_evaluation)
        return TIFED_LINK_TOO_FEW;
    if (rounds == 0u || rounds > 0xFFFFu || steps == 0u || scored > UINT32_MAX / 4u ||
        steps > UINT32_MAX / 4u / rounds || buffer > UINT32_MAX / 4u / rounds)
        return (uint8_t)-TIFED_ERROR_RANGE;
    uint32_t layers = tifed_link_get32(in);
    tifed_config config = config_for(device, layers);
    size_t needed = tifed_memory_size(&config);
    if (layers == 0u || needed == 0u)
        return (uint8_t)-TIFED_ERROR_LAYER;
    if (needed > device->setup->bytes)
        return (uint8_t)-TIFED_ERROR_MEMORY;
    device->state = TIFED_DEVICE_IDLE;
    device->summed = 0; /* the model lies where sums did */
    if (take_kept(device, layers) != TIFED_OK)
        return TIFED_LINK_NOT_KEPT;
    tifed_work work = {0,
                       steps,
                       tifed_link_get32(in + 12),
                       tifed_link_get32(in + 16),
                       tifed_link_get32(in + 20),
                       (int32_t)tifed_link_get32(in + 24)};
    own->work = work;
    own->model = *model;
    own->rounds = rounds;
    own->training = there;
    own->held_out = scored;
    own->phase = SCORE_BEFORE;
    own->personal = true;
    begin_scoring(device);
    say(device, scored);
    return begin(device, TIFED_LINK_PERSONALISE, 2u * scored + rounds * (buffer + steps) + 1u,
                 TIFED_DEVICE_CONFIGURED);
}

uint8_t tifed_own_order(tifed_device *device, uint8_t type, const uint8_t *in, uint32_t length)
{
    static const uint8_t lengths[] = {8, 12, 0, 0, 8, 28}; /* from TAKE to PERSONALISE */
    if (type < TIFED_LINK_TAKE || type > TIFED_LINK_PERSONALISE || type == TIFED_LINK_SCORE)
        return TIFED_LINK_UNKNOWN;
    if (length != lengths[type - TIFED_LINK_TAKE])
        return TIFED_LINK_LENGTH;
    if (type == TIFED_LINK_CALIBRATE)
        return device->state == TIFED_DEVICE_IDLE ? calibrate(device, in) : TIFED_LINK_ORDER;
    if (device->state == TIFED_DEVICE_IDLE) /* configured, it knows for which experiment */
        return TIFED_LINK_UNCONFIGURED;
    if (device->own.personal)
        return TIFED_LINK_NOT_ALLOWED;
#ifdef TIFED_DEVICE_MASKED
    /* Scores of what it has learnt, now or as the model that stays, tell of it. */
    if (has_masks(device) && device->own.learnt &&
        (type == TIFED_LINK_EVALUATE || type == TIFED_LINK_KEEP))
        return TIFED_LINK_NOT_ALLOWED;
#endif
    if (type == TIFED_LINK_PERSONALISE)
        return personalise(device, in);
    if (type == TIFED_LINK_TAKE)
        return take(device, in);
    return type == TIFED_LINK_EVALUATE ? evaluate(device) : keep(device, in);
}

/* --- what is refused of that which every device has ------------------------------------------- */

/* How many different samples some steps are on, at least: those of consecutive places of the buffer,
 * whose samples follow each other as well. */
static uint32_t different(const tifed_device *device, uint32_t first_step, uint32_t steps)
{
    uint32_t count = device->core.count, batch = device->setup->batch;
    if (count == 0u)
        return 0;
    uint32_t batches = (count - 1u) / batch + 1u, first = first_step % batches;
    uint32_t training = device->own.training;
    if (steps >= batches)
        return smaller(count, training);
    if (first + steps < batches)
        return smaller(steps * batch, training);
    uint32_t behind = count - first * batch, ahead = (first + steps - batches) * batch;
    if (count <= training)
        return behind + ahead;
    return smaller(behind < ahead ? ahead : behind, training);
}

uint8_t tifed_own_refusal(tifed_device *device, uint8_t type, const uint8_t *in, uint32_t length)
{
    tifed_device_own *own = &device->own;
    switch (type) {
    case TIFED_LINK_CONFIGURE:
#ifdef TIFED_DEVICE_SHORT
        if (length == 13u) /* personal parameters do not stay */
            return own->personal && in[12] & TIFED_SHORT_STAY ? TIFED_LINK_NOT_ALLOWED
                                                              : bind(device, in + 4);
#endif
        return length == 12u ? bind(device, in + 4) : (uint8_t)TIFED_LINK_OK;
    case TIFED_LINK_PUT_SAMPLE:
        return own->personal || length < 8u || in[0] != 2u ? TIFED_LINK_NOT_ALLOWED : TIFED_LINK_OK;
    case TIFED_LINK_RESET: return own->keeps ? TIFED_LINK_OK : TIFED_LINK_NOT_ALLOWED;
    case TIFED_LINK_TRAIN:
        if (!own->personal && length >= 24u && device->state != TIFED_DEVICE_IDLE &&
            different(device, tifed_link_get32(in), tifed_link_get32(in + 4)) <
                policy_of(device).least_update)
            return TIFED_LINK_TOO_FEW;
        break;
    case TIFED_LINK_PUT_PARAMETERS:
#ifdef TIFED_DEVICE_SHORT
    case TIFED_LINK_PUT_CHANGES:
    case TIFED_LINK_PUT_START:
#endif
    case TIFED_LINK_PUT_CENTRE:
        if (!own->personal)
            own->complete = false;
        break;
    case TIFED_LINK_CLEAR:
#ifdef TIFED_DEVICE_SHORT
    case TIFED_LINK_GET_CHANGES:
#endif
    case TIFED_LINK_GET_PARAMETERS: break;
    default: return TIFED_LINK_OK;
    }
    return own->personal ? TIFED_LINK_NOT_ALLOWED : TIFED_LINK_OK;
}

void tifed_own_configured(tifed_device *device, bool stays)
{
    device->own.personal = device->own.complete = false; /* the memory was zeroed */
    device->own.learnt = device->own.learnt && stays;
    device->own.scored = 0;
}

/* --- questions -------------------------------------------------------------------------------- */

static uint16_t counts(tifed_device *device, uint8_t *out)
{
    tifed_policy policy = policy_of(device);
    uint8_t *to = out;
    *to++ = TIFED_LINK_OK;
    to = tifed_link_put32(to, samples_of(device, false));
    to = tifed_link_put32(to, samples_of(device, true));
    to = tifed_link_put32(to, policy.least_update);
    to = tifed_link_put32(to, policy.least_calibration);
    to = tifed_link_put32(to, policy.least_evaluation);
    *to++ = device->setup->by_class ? 1u : 0u;
    return (uint16_t)(to - out);
}

static uint8_t score_refusal(const tifed_device *device, uint32_t first, uint32_t count)
{
    const tifed_network *network = device->setup->network;
    uint32_t classes = network->layers[network->depth - 1u].fan_out;
    if (device->own.scored != TIFED_LINK_EVALUATE)
        return TIFED_LINK_ORDER;
    if (count && !device->setup->by_class)
        return TIFED_LINK_NOT_ALLOWED;
    if (first > classes || count > classes - first)
        return (uint8_t)-TIFED_ERROR_PLACE;
    return count > (TIFED_LINK_PAYLOAD - 9u) / 8u ? TIFED_LINK_LENGTH : TIFED_LINK_OK;
}

static uint16_t score(tifed_device *device, uint8_t *payload)
{
    uint32_t first = tifed_link_get32(payload), count = tifed_link_get32(payload + 4);
    uint8_t *to = payload;
    *to++ = score_refusal(device, first, count);
    if (payload[0] != TIFED_LINK_OK)
        return 1;
    to = tifed_link_put32(to, device->own.correct);
    to = tifed_link_put32(to, device->own.held_out);
    for (uint32_t i = 2u * first; i < 2u * (first + count); i++)
        to = tifed_link_put32(to, device->setup->by_class[i]);
    return (uint16_t)(to - payload);
}

static uint16_t personal_score(tifed_device *device, uint8_t *out)
{
    uint8_t *to = out;
    *to++ = device->own.scored == TIFED_LINK_PERSONALISE ? TIFED_LINK_OK : TIFED_LINK_ORDER;
    to = tifed_link_put32(to, device->own.before);
    to = tifed_link_put32(to, device->own.correct);
    to = tifed_link_put32(to, device->own.held_out);
    return out[0] == TIFED_LINK_OK ? (uint16_t)(to - out) : 1u;
}

uint16_t tifed_own_answer(tifed_device *device, uint8_t type, uint16_t length, uint8_t *payload)
{
    if (length != (type == TIFED_LINK_SCORE ? 8u : 0u)) {
        payload[0] = TIFED_LINK_LENGTH;
        return 1;
    }
    if (device->state == TIFED_DEVICE_TRAINING || device->state == TIFED_DEVICE_WORKING) {
        payload[0] = TIFED_LINK_BUSY;
        return 1;
    }
    if (type == TIFED_LINK_COUNTS)
        return counts(device, payload);
    return type == TIFED_LINK_SCORE ? score(device, payload) : personal_score(device, payload);
}

/* --- beginnings ------------------------------------------------------------------------------- */

void tifed_own_open(tifed_device *device)
{
    tifed_device_own *own = &device->own;
    bool half = device->state == TIFED_DEVICE_TRAINING ||
                (device->state == TIFED_DEVICE_WORKING && own->order == TIFED_LINK_PERSONALISE);
    own->scored = own->outcome = 0;
    if (half) { /* nobody classifies with what is half trained */
        own->complete = false;
        if (own->keeps && own->kept.sequence != 0u)
            (void)take_kept(device, 0);
    }
}

void tifed_own_start(tifed_device *device)
{
    static const tifed_device_own nothing;
    const tifed_device_setup *setup = device->setup;
    tifed_device_own *own = &device->own;
    *own = nothing;
    if (!setup->own || !setup->model)
        return;
    tifed_config config = config_for(device, 0);
    int status = tifed_kept_open(&own->kept, setup->model, &config, setup->fingerprint);
    own->keeps = status == TIFED_OK || status == TIFED_KEPT_ABSENT || status == TIFED_KEPT_OTHER;
    /* One that cannot know what it has promised keeps all of it. */
    if (!own->keeps || tifed_kept_get_words(&own->kept, (uint32_t *)&own->binding) != TIFED_OK)
        own->binding.bound = UNKNOWN;
    if (status == TIFED_OK)
        (void)take_kept(device, 0);
}

#else
typedef int tifed_device_has_no_samples_of_its_own;
#endif
