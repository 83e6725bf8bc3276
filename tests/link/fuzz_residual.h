/* A device that keeps what of its changes was too small to go up: what goes up and what it has left then
 * is what the specification says, however the rest of the input has left it. For fuzz_device.c to
 * include, after what it asks with. */
#ifndef FUZZ_RESIDUAL_H
#define FUZZ_RESIDUAL_H

enum { MOST_WEIGHTS = FEATURES * 5 };
static unsigned long settled, others, asked_again;
static int8_t *kept_left; /* of both layers, of the exact size */
static tifed_change kept_how[2];
static tifed_residuals kept_residuals = {3, NULL, kept_how};

static void make_residuals(size_t size)
{
    kept_residuals.layers = size % 7u ? 3u : 1u; /* of the last layer nothing, now and then */
    size_t bytes =
        TIFED_BYTES_RESIDUAL(FEATURES, 5u) + (size % 7u ? TIFED_BYTES_RESIDUAL(5u, 3u) : 0u);
    kept_left = malloc(bytes);
    memset(kept_left, 0xA5, bytes);
    kept_residuals.left = kept_left;
}

/* What is left of a layer, and how many. */
static int8_t *left_behind(uint32_t layer)
{
    return kept_left + (layer ? TIFED_BYTES_RESIDUAL(FEATURES, 5u) : 0u);
}

static uint32_t count_of(uint32_t layer)
{
    return layer ? 15u : FEATURES * 5u;
}

/* An order that is none: the device settles what is under way, and does nothing else. */
static bool settle(tifed_device *device)
{
    static const uint8_t nothing[1] = {0};
    last_answer = 0xEE;
    request(device, TIFED_LINK_TRAIN, nothing, 1);
    return last_answer == TIFED_LINK_LENGTH || last_answer == TIFED_LINK_UNCONFIGURED;
}

/* By how much a weight has moved since it was received; `received` is where its layer lies. */
static int32_t moved_by(const tifed_device *device, const uint8_t *received, uint32_t layer,
                        uint32_t p)
{
    const void *weights = device->core.states[layer].weights;
    if (layers[layer].weight_bits == 8u)
        return ((const int8_t *)weights)[p] - (int32_t)((const int8_t *)received)[p];
    return ((const int16_t *)weights)[p] - (int32_t)((const int16_t *)(const void *)received)[p];
}

static int32_t limited(int32_t value, int32_t top)
{
    return value > top ? top : value < -top ? -top : value;
}

/* The same numbers each time that the device is asked for them; section 25.8 in C's own division. */
static void look_at_numbers(tifed_device *device, uint32_t layer, const tifed_change *how,
                            const uint8_t *received, int8_t *left)
{
    uint8_t payload[14] = {(uint8_t)layer};
    const uint8_t *said = tifed_link_frame(&far_end) + TIFED_LINK_HEADER;
    payload[8] = 200;
    payload[10] = how->top & 127u;
    payload[11] = how->shift;
    payload[12] = how->rows;
    payload[13] = how->turn;
    uint32_t each = payload[10] == 1u ? 5u : payload[10] <= 7u ? 2u : 1u;
    uint32_t base = each == 5u ? 3u : each == 2u ? 16u : 256u, byte = 0;
    for (int again = 0; again < 2; again++) {
        request(device, TIFED_LINK_GET_CHANGES, payload, sizeof payload);
        if (last_answer != TIFED_LINK_OK ||
            tifed_link_get16(said + 1) != count_of(layer) + layers[layer].fan_out)
            fail("the device does not tell its changes");
        for (uint32_t p = 0; p < count_of(layer); p++) {
            int32_t wanted =
                moved_by(device, received, layer, p) + left[p] * (1 << (int32_t)how->turn);
            int32_t q = limited(wanted / (1 << how->shift), payload[10]);
            byte = p % each ? byte / base : said[3u + p / each];
            if (byte % base != (base == 3u ? (uint32_t)(q + 1) : (uint32_t)q & (base - 1u)))
                fail("another number goes up than the rule says");
        }
        asked_again++;
    }
    for (uint32_t p = 0; p < count_of(layer); p++) {
        int32_t wanted = moved_by(device, received, layer, p) + left[p] * (1 << (int32_t)how->turn);
        int32_t q = limited(wanted / (1 << how->shift), payload[10]);
        left[p] = (int8_t)limited((wanted - q * (1 << how->shift)) / (1 << how->turn), 127);
    }
    payload[10] ^= 2u; /* in another way they are not told */
    request(device, TIFED_LINK_GET_CHANGES, payload, sizeof payload);
    if (last_answer == TIFED_LINK_OK)
        fail("the device tells its changes in another way than it was ordered to");
}

/* After which exchange an order says that the residual holds: none, the device's own, or any. */
static uint32_t named_exchange(const tifed_device *device, uint8_t how)
{
    bool due = device->learnt && device->residual.pending;
    uint32_t own = due ? device->core.work.exchange : device->residual.after;
    return (how & 3u) == 0u ? UINT32_MAX : (how & 3u) < 3u ? own : take();
}

static void compare(int8_t before[2][MOST_WEIGHTS], const char *what)
{
    for (uint32_t l = 0; l < 2u; l++)
        if ((kept_residuals.layers >> l & 1u) && memcmp(before[l], left_behind(l), count_of(l)))
            fail(what);
}

/* Another host takes over in the middle of the steps: they leave nothing, and change nothing. */
static bool interrupted(tifed_device *device, uint32_t after)
{
    if (device->state != TIFED_DEVICE_TRAINING)
        return false;
    wired = 0;
    tifed_link_send(&sender, TIFED_LINK_HELLO, 8, 1, 0, to_wire);
    feed(device);
    request(device, TIFED_LINK_HELLO, NULL, 0);
    if (!settle(device) || device->residual.after != after)
        fail("the device has something left of steps that it has not made");
    return true;
}

static void kept_frames(tifed_device *device)
{
    static const uint8_t tops[] = {1, 7, 127, 0x81, 0x87, 0xFF, 5, 0};
    uint8_t payload[28 + 6 * 3] = {0}, how = take();
    uint16_t length = 28;
    while (tifed_device_work(device))
        work_done++;
    if (!settle(device) || device->state == TIFED_DEVICE_IDLE)
        return; /* it is in no session with us, or not configured */
    int8_t before[2][MOST_WEIGHTS];
    for (uint32_t l = 0; l < 2u; l++)
        if (kept_residuals.layers >> l & 1u)
            memcpy(before[l], left_behind(l), count_of(l));
    uint32_t after = named_exchange(device, how), trained = device->core.config.trained;
    uint32_t own = device->residual.after;
    payload[4] = 1u + (take() & 7u);
    payload[16] = take();
    tifed_link_put32(payload + 24, after);
    tifed_change said[2] = {{0, 0, 0, 0}, {0, 0, 0, 0}};
    for (uint32_t l = 0; l < 2u; l++)
        if (trained >> l & 1u) {
            uint8_t odd = take();
            said[l].top = payload[length] = tops[odd & 7u];
            said[l].shift = payload[length + 1] = odd & 8u ? take() & 15u : 4u;
            said[l].rows = payload[length + 2] = odd > 250u;
            said[l].turn = payload[length + 3] = take() & (odd & 16u ? 15u : 7u);
            length += 6u;
        }
    if (how > 248u)
        length = (uint16_t)(24u + how % 7u); /* too short, or of another layer */
    request(device, TIFED_LINK_TRAIN, payload, length);
    uint8_t code = last_answer;
    if (code == TIFED_LINK_OTHER_RESIDUAL) {
        others++;
        if (after == UINT32_MAX ||
            (after == own && !device->core.config.seed_low && !device->residual.seed_low))
            fail("the device does not know its own residual");
    }
    if (code != TIFED_LINK_OK && after != UINT32_MAX && length != 24u)
        compare(before, "an order that was refused changed what is left");
    if (code != TIFED_LINK_OK || length == 24u)
        return;
    if (!device->received || (after != UINT32_MAX && after != own))
        fail("the device trains without what was received, or after another exchange");
    for (uint32_t steps = how & 4u ? how >> 4 : UINT32_MAX; steps && tifed_device_work(device);
         steps--)
        work_done++;
    if (after == UINT32_MAX)
        memset(before, 0, sizeof before);
    if (interrupted(device, after)) {
        compare(before, "steps that were not made have changed what is left");
        return;
    }
    const uint8_t *received = device->received;
    for (uint32_t l = 0; l < 2u; l++)
        if (trained >> l & 1u) {
            if (said[l].top & 127u)
                look_at_numbers(device, l, &said[l], received, before[l]);
            received += TIFED_BYTES_RECEIVED(layers[l].fan_in, layers[l].fan_out,
                                             layers[l].weight_bits / 8u);
        }
    if (!settle(device) || device->residual.after != payload[16])
        fail("what is left is not of the exchange that it is behind");
    compare(before, "the device has something else left than the rule says");
    settled++;
}

#endif
