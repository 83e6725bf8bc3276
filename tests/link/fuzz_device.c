/* Whatever arrives on the line, a device must neither crash nor send an unsound frame, nor answer one, nor
 * do what another session asks for.
 *
 *     fuzz_device COUNT SEED     COUNT random inputs
 *     with -DTIFED_DEVICE_FRONT_END, and -DTIFED_DEVICE_SHIFTS beside it     devices that have these
 *     with -DTIFED_DEVICE_SHORT, and -DTIFED_DEVICE_CODER beside it          devices with short updates
 *     with -DTIFED_DEVICE_QUIET beside -DTIFED_DEVICE_SHORT                  devices that answer an exchange as a whole
 *     with -DTIFED_RESIDUALS beside -DTIFED_DEVICE_SHORT                     devices that keep what is too small to go up
 *     with -DTIFED_DEVICE_OWN    devices with samples of their own, of which no byte may leave
 *     with -DTIFED_DEVICE_SEALED devices with a key, which obey nobody who does not have it
 *     with -DTIFED_DEVICE_MASKED devices that give what they have learnt under masks alone
 *     with -DLIBFUZZER           a libFuzzer or AFL++ target instead of main
 *
 * An input is a string of operations: sound frames with random contents (noise alone would never
 * pass the CRC), noise, spoilt frames, and pieces of the device's own work. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#ifdef TIFED_DEVICE_SHORT
#include "tifed_changes.h"
#endif

#ifdef TIFED_DEVICE_FRONT_END
#include "tifed_shifts.h"
#define INPUTS 16u /* a picture of 4x4 pixels */
#define FEATURES 8u
#else
#define INPUTS 6u
#define FEATURES INPUTS
#endif

static const tifed_layer layers[] = {
    {FEATURES, 5, 1, 8, TIFED_NEAREST, 6, TIFED_STOCHASTIC, 3, TIFED_RELU, 128, 8},
    {5, 3, 1, 8, TIFED_NEAREST, 6, TIFED_NEAREST, 3, TIFED_IDENTITY, 127, 16},
};
static const tifed_network network = {layers, 2, TIFED_MARGIN, 48, TIFED_OUTPUT_SIGN, 1, true};

static tifed_link far_end;
static uint8_t last_answer; /* first byte of the last frame's payload */
static unsigned long frames_sent, noise_sent, answers_ok, work_done, bytes_out;
static unsigned long spoilt_sent, strangers_sent, pictures, worked, unmasked, changes, changed;
#ifdef TIFED_DEVICE_QUIET
static unsigned long silent_done, missed, exchanges;
static uint8_t heard[TIFED_LINK_HEADER + TIFED_LINK_PAYLOAD]; /* the last frame, as it was sealed */
static uint32_t heard_length;                                 /* of its payload */
#endif
static bool between; /* delimiters, nothing sent since the last one */

#ifdef TIFED_DEVICE_SEALED
#include "fuzz_sealed.h"
#endif

static void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    abort();
}

#ifdef TIFED_DEVICE_OWN
enum { OWN_TRAINING = 5, OWN_HELD_OUT = 3, SECRET = 5 };
static bool fails;          /* reads and writes of what is the device's own fail now and then */
static unsigned long reads; /* of them */
static int32_t odd_label;   /* of the held-out sample 1 */

static int8_t own_value(bool held_out, uint32_t number, uint32_t i)
{
    return (int8_t)(0x91u + 61u * i + 37u * number + (held_out ? 29u : 0u));
}

static uint32_t own_count(void *context, bool held_out)
{
    (void)context;
    return held_out ? OWN_HELD_OUT : OWN_TRAINING;
}

static int32_t own_label(void *context, bool held_out, uint32_t number)
{
    if (number >= own_count(context, held_out))
        fail("the device asked for a label that is not there");
    return held_out && number == 1u ? odd_label : (int32_t)(number % 3u);
}

static int own_read(void *context, bool held_out, uint32_t number, uint32_t offset, int8_t *values,
                    uint32_t count)
{
    if (number >= own_count(context, held_out) || offset > INPUTS || count > INPUTS - offset)
        fail("the device asked for a sample that is not there");
    for (uint32_t i = 0; i < count; i++)
        values[i] = own_value(held_out, number, offset + i);
    return fails && ++reads % 23u == 0u ? -1 : TIFED_OK;
}

static uint8_t kept_bytes[1024];

static int read_kept(void *context, uint32_t place, uint8_t *bytes, uint32_t count)
{
    (void)context;
    if (place > sizeof kept_bytes || count > sizeof kept_bytes - place)
        return -1;
    memcpy(bytes, kept_bytes + place, count);
    return fails && ++reads % 101u == 0u;
}

static int write_kept(void *context, uint32_t place, const uint8_t *bytes, uint32_t count)
{
    (void)context;
    if (place > sizeof kept_bytes || count > sizeof kept_bytes - place)
        return -1;
    memcpy(kept_bytes + place, bytes, count);
    return fails && ++reads % 97u == 0u;
}

static const tifed_own own_samples = {NULL, own_count, own_label, own_read};
static const tifed_memory kept_memory = {read_kept, write_kept, NULL};
static const tifed_policy policy = {2, 3, 2};
static uint32_t by_class[6];

/* Bytes in a row of one of its samples in what the device sends. */
static void look_for_samples(const uint8_t *bytes, uint32_t count)
{
    for (uint32_t at = 0; at + SECRET <= count; at++)
        for (uint32_t n = 0; n < OWN_TRAINING + OWN_HELD_OUT; n++)
            for (uint32_t from = 0; from + SECRET <= INPUTS; from++) {
                uint32_t i = 0;
                while (i < SECRET &&
                       bytes[at + i] ==
                           (uint8_t)own_value(n >= OWN_TRAINING, n % OWN_TRAINING, from + i))
                    i++;
                if (i == SECRET)
                    fail("a sample has left the device");
            }
}
#endif

#ifdef TIFED_DEVICE_MASKED
/* Masks that are none: the state machine around them is what is tried here. */
static bool mask_secret(uint8_t *bytes)
{
    static uint8_t number;
    memset(bytes, ++number, TIFED_MASK_KEY);
    return number % 16u != 0u;
}

static void mask_publish(uint8_t *public_key, const uint8_t *secret)
{
    memcpy(public_key, secret, TIFED_MASK_KEY);
}

static bool mask_agree(uint8_t *key, const uint8_t *secret, const uint8_t *other,
                       const uint8_t *about, uint32_t length)
{
    for (uint32_t i = 0; i < TIFED_MASK_KEY; i++)
        key[i] = (uint8_t)(secret[i] + other[i] + about[length - 1u - i]);
    return other[1] != 7u;
}

static void mask_stream(uint8_t *block, const uint8_t *key, uint32_t purpose, uint32_t number)
{
    for (uint32_t i = 0; i < TIFED_MASK_BLOCK; i++)
        block[i] = (uint8_t)(key[i % TIFED_MASK_KEY] + purpose + 3u * number);
}

static const tifed_masks masks = {mask_secret, mask_publish, mask_agree, mask_stream};

static uint32_t devices_in(uint32_t slots)
{
    uint32_t found = 0;
    for (; slots; slots >>= 1)
        found += slots & 1u;
    return found;
}

/* What holds between any two requests. */
static void look_at_masks(const tifed_device_masked *masked)
{
    uint32_t with = masked->with, counted = with ? masked->counted : 0u;
    if (with & ~masked->known || (with && !(with & 1u)) || (with && devices_in(with) < 3u))
        fail("a round of masks with devices that hide nothing, or have no key");
    if (counted & ~with || (counted && !(counted & 1u)) || (counted && devices_in(counted) < 3u))
        fail("a sum of devices that hide nothing, or were not in the round");
    unmasked += counted != 0u;
}
#endif

/* The far end: every byte the device sends must belong to a sound frame. */
static void hear_byte(uint8_t byte)
{
    bool whole = tifed_link_feed(&far_end, byte);
    bytes_out++;
    if (byte == 0u) {
        if (!whole && !between)
            fail("the device sent an unsound frame");
        if (whole) {
#ifdef TIFED_DEVICE_SEALED
            if (sealing && !host_takes(tifed_link_frame(&far_end)))
                fail("the device sent a frame that its host cannot take");
#endif
#ifdef TIFED_DEVICE_OWN
            look_for_samples(tifed_link_frame(&far_end) + TIFED_LINK_HEADER,
                             tifed_link_get16(tifed_link_frame(&far_end) + 6));
#endif
            last_answer = tifed_link_frame(&far_end)[TIFED_LINK_HEADER];
            if (tifed_link_frame(&far_end)[1] == (TIFED_LINK_GET_CHANGES | TIFED_LINK_ANSWER))
                changes += last_answer == TIFED_LINK_OK;
            if (tifed_link_frame(&far_end)[1] == (TIFED_LINK_PUT_CHANGES | TIFED_LINK_ANSWER))
                changed += last_answer == TIFED_LINK_OK;
            answers_ok += last_answer == TIFED_LINK_OK;
#ifdef TIFED_DEVICE_QUIET
            heard_length = tifed_link_get16(tifed_link_frame(&far_end) + 6);
#ifdef TIFED_DEVICE_SEALED
            if (tifed_link_frame(&far_end)[0] != TIFED_LINK_VERSION)
                heard_length -= TIFED_SEAL_BEHIND;
#endif
            memcpy(heard, tifed_link_frame(&far_end), TIFED_LINK_HEADER + heard_length);
#endif
        }
        between = true;
    } else {
        between = false;
    }
}

static void hear(const uint8_t *bytes, uint16_t length)
{
    if (length == 0u)
        fail("the device wrote nothing");
    while (length--)
        hear_byte(*bytes++);
}

static uint32_t stack(void)
{
    return 100;
}

/* --- an input --------------------------------------------------------------------------------- */

static const uint8_t *input;
static size_t left;

static uint8_t take(void)
{
    if (!left)
        return 0;
    left--;
    return *input++;
}

static tifed_link sender;
static uint8_t wire[2 * TIFED_LINK_FRAME];
static size_t wired;

static void to_wire(const uint8_t *bytes, uint16_t length)
{
    memcpy(wire + wired, bytes, length);
    wired += length;
}

static void feed(tifed_device *device)
{
    for (size_t i = 0; i < wired; i++)
        tifed_device_feed(device, wire[i]);
}

static uint16_t sequence_asked = 0x8000;

static void request(tifed_device *device, uint8_t type, const uint8_t *payload, uint16_t length)
{
    wired = 0;
    if (length)
        memcpy(tifed_link_frame(&sender) + TIFED_LINK_HEADER, payload, length);
    ++sequence_asked;
    sequence_asked += sequence_asked == 0u;
#ifdef TIFED_DEVICE_SEALED
    if (sealing) {
        static uint32_t number;
        bool hello = type == TIFED_LINK_HELLO;
        if (hello) {
            length = TIFED_SEAL_NONCE;
            memset(tifed_link_frame(&sender) + TIFED_LINK_HEADER, 0x5A, length);
            tifed_link_put32(tifed_link_frame(&sender) + TIFED_LINK_HEADER, ++number);
        }
        uint16_t session = hello || !host[newest].session ? 7u : host[newest].session;
        say_sealed(&sender, newest, type, session, sequence_asked, length, hello, to_wire);
    } else
#endif
        tifed_link_send(&sender, type, 7, sequence_asked, length, to_wire);
    frames_sent++;
    feed(device);
}

#ifdef TIFED_DEVICE_SEALED
/* Nothing but the link's buffer, and a session that has been asked for, may differ. */
static bool same_device(const tifed_device *one, const tifed_device *other)
{
    tifed_device a, b;
    memcpy(&a, one, sizeof a);
    memcpy(&b, other, sizeof b);
    memset(&a.link, 0, sizeof a.link);
    memset(&b.link, 0, sizeof b.link);
    uint32_t asked = 1u - a.sealed.open;
    a.sealed.sessions[asked].sent = b.sealed.sessions[asked].sent;
    return memcmp(&a, &b, sizeof a) == 0;
}

/* What a stranger can do: spoil a frame that is sealed, repeat what either side has said, in whatever
 * session, or say something of their own. Of that nothing must be left in the device. */
static void attack(tifed_device *device)
{
    uint8_t *frame = tifed_link_frame(&sender), which = take(), spoil = take(), type = take();
    uint8_t version = 0;
    bool says = false;                           /* whether it has to answer, unsealed */
    request(device, TIFED_LINK_STATUS, NULL, 0); /* what was said before has been said */
    if (which == 255u && host[newest].session) { /* no counter is left */
        uint32_t open = device->sealed.open;
        device->sealed.sessions[open].sent = host[open].heard = UINT32_MAX;
        unsigned long before_it = bytes_out;
        request(device, TIFED_LINK_STATUS, NULL, 0);
        if (bytes_out != before_it)
            fail("the device used a counter twice");
        request(device, TIFED_LINK_HELLO, NULL, 0);
        request(device, TIFED_LINK_STATUS, NULL, 0);
    }
    uint16_t length = (uint16_t)(take() % 40u);
    for (uint32_t i = 0; i < length; i++)
        frame[TIFED_LINK_HEADER + i] = take();
    if (which >= 240u && which < 252u && host[newest].session) {
        /* What did not arrive while its session was open comes when there is another. */
        uint8_t kept[MOST];
        length = sealed_up(&sender, newest, TIFED_LINK_STATUS, host[newest].session, 9, length);
        memcpy(kept, frame, sizeof kept);
        request(device, TIFED_LINK_HELLO, NULL, 0);
        request(device, TIFED_LINK_STATUS, NULL, 0);
        memcpy(frame, kept, sizeof kept);
    } else if (which == 252u && host[newest].session) { /* more than any payload may have */
        length = (uint16_t)(TIFED_LINK_PAYLOAD + 1u + length % 15u);
        length = sealed_up(&sender, newest, TIFED_LINK_STATUS, host[newest].session, 9, length);
    } else if ((which & 3u) == 0u && host[newest].session) {
        type = which & 4u ? TIFED_LINK_CONFIGURE : TIFED_LINK_STATUS;
        length = sealed_up(&sender, newest, type, host[newest].session, 9, length);
        uint32_t place = spoil % (TIFED_LINK_HEADER + length);
        frame[place] ^= (uint8_t)(1u << (which >> 5));
    } else if ((which & 3u) < 3u) {
        const uint8_t *other = remembered[spoil % REMEMBERED];
        length = (uint16_t)tifed_link_get16(other + 6);
        memcpy(frame, other, TIFED_LINK_HEADER + length);
        if (which & 4u)
            frame[1] &= (uint8_t)~TIFED_LINK_ANSWER;
        if (which & 8u)
            tifed_link_put16(frame + 2, device->session);
    } else { /* what is not sealed, and says so or not */
        version = which & 4u ? TIFED_LINK_VERSION : spoil;
        if ((which & 20u) == 16u) /* says that it is sealed, and may be too short for that */
            version = TIFED_LINK_VERSION | TIFED_LINK_SEALED;
        type = type == TIFED_LINK_HELLO ? TIFED_LINK_CLEAR : type;
        says = !(type & TIFED_LINK_ANSWER) && version != (TIFED_LINK_VERSION | TIFED_LINK_SEALED);
        tifed_link_head(&sender, version, type, which & 8u ? device->session : type, 9, length);
    }
    unsigned long silence = bytes_out;
    tifed_device before;
    memcpy(&before, device, sizeof before);
    unsigned long sealed_answers = opened;
    wired = 0;
    tifed_link_leave(&sender, length, to_wire);
    attacks++;
    feed(device);
    if (opened != sealed_answers || !same_device(device, &before))
        fail("the device obeyed a stranger");
    if (!says)
        return;
    if (bytes_out == silence)
        fail("the device did not say why it does not obey");
    if (last_answer != (version == TIFED_LINK_VERSION ? TIFED_LINK_SEALED_ONLY : TIFED_LINK_FORMAT))
        fail("the device gave another reason");
}
#endif

#ifdef TIFED_DEVICE_SHORT
/* Changes asked for, or sent, in a frame of a length that fits, mostly. */
static void short_frame(tifed_device *device)
{
    static const uint8_t tops[] = {1, 7, 127, 0x81, 0x87, 0xFF, 5, 0};
    uint8_t payload[64] = {take() & 1u}, how = take(), top = tops[how & 7u];
    uint32_t count = 1u + take() % 35u, head = top & 0x80u ? 14u : 12u;
    payload[4] = take() % 36u;
    payload[8] = (uint8_t)count;
    payload[10] = top;
    payload[11] = how >> 3 & 15u;
    if (how & 0x80u) {
        payload[12] = 1u + (take() & 3u);
        payload[13] = take() % payload[12];
        payload[14] = take();
        payload[15] = take();
        request(device, TIFED_LINK_GET_CHANGES, payload, top & 0x80u ? 16u : 14u);
        return;
    }
    uint32_t weights = payload[0] ? 15u : FEATURES * 5u;
    uint32_t left_of = payload[4] < weights ? weights - payload[4] : 0u;
    uint32_t numbers = count < left_of ? count : left_of, each = top == 1u  ? 5u
                                                                 : top < 8u ? 2u
                                                                            : 1u;
    uint32_t bytes = top & 0x80u ? take() % 12u : (numbers + each - 1u) / each;
    for (uint32_t i = 12; i < sizeof payload; i++)
        payload[i] = take();
    bytes += 2u * (count - numbers);
    request(device, TIFED_LINK_PUT_CHANGES, payload,
            (uint16_t)(head + bytes < sizeof payload ? head + bytes : sizeof payload));
}
#endif

#ifdef TIFED_RESIDUALS
#include "fuzz_residual.h"
#endif

#ifdef TIFED_DEVICE_QUIET
static bool is_busy(const tifed_device *device)
{
    return device->state == TIFED_DEVICE_TRAINING || device->state == TIFED_DEVICE_WORKING;
}

/* An order that no device answers, and that it carries out in its turn alone. */
static void silent_order(tifed_device *device)
{
    static const uint8_t types[] = {3, 4, 4, 6, 7, 27, 28, 28, 2, 9, 13, 29};
    uint8_t which = take() % sizeof types, payload[2 + 12 + 8] = {0}, how = take();
    uint16_t last = device->last_sequence, length = types[which] == TIFED_LINK_CLEAR ? 2u : 14u;
    uint8_t code = device->last_code, state = device->state;
    bool in_turn = how & 7u, ordinary = which < 8u;
    tifed_link_put16(payload, in_turn ? last : (uint16_t)(last + 1u + (how >> 3)));
    if (types[which] == TIFED_LINK_PUT_PARAMETERS) { /* the first, and no more */
        payload[2 + 8] = take();
        length = 2u + 8u + 2u;
    } else if (how & 8u) {
        for (uint32_t i = 2; i < sizeof payload; i++)
            payload[i] = take();
    }
    if (how == 255u)
        length = take() & 1u;
    unsigned long said = bytes_out;
    request(device, types[which] | TIFED_LINK_SILENT, payload, length);
    if (bytes_out != said)
        fail("the device answered an order that asks for no answer");
    bool carried_out = device->last_sequence != last;
    silent_done += carried_out;
    if (carried_out && (!in_turn || !ordinary || length < 2u || code != TIFED_LINK_OK))
        fail("the device carried out an order that is none, or out of its turn, or after an error");
    if (!carried_out && (device->last_code != code || device->state != state))
        fail("the device did what an order says that it did not take");
}

/* Orders without answers, and an exchange behind them: its answer comes once, and again if asked. */
static void quiet_frames(tifed_device *device)
{
    static const uint8_t tops[] = {1, 7, 127, 0x81, 0x87, 0xFF, 5, 0};
    uint8_t how = take(), payload[40 + 6 * 4] = {0}, first[TIFED_LINK_PAYLOAD];
    last_answer = 0xEE;
    request(device, TIFED_LINK_STATUS, NULL, 0);
    if (last_answer != TIFED_LINK_OK)
        return; /* it is in no session with us */
#ifdef TIFED_DEVICE_OWN
    if (how &
        128u) /* it has done something at last, so an exchange can follow, with its own samples */
        request(device, TIFED_LINK_CLEAR, NULL, 0);
#endif
    for (uint8_t n = how & 3u; n; n--)
        silent_order(device);
    uint32_t layers = device->state == TIFED_DEVICE_IDLE ? 0u : device->core.config.trained & 3u;
    uint16_t last = device->last_sequence, length = 36u;
    bool in_turn = how & 28u, ready = !is_busy(device);
    tifed_link_put16(payload, in_turn ? last : (uint16_t)(last + 1u + take()));
    tifed_link_put16(payload + 2, how & 32u ? TIFED_LINK_PAYLOAD : take());
    payload[4] = take() & 3u;
    payload[8] = how & 64u ? take() & 3u : 0u;
    payload[16] = take() & 15u;
    bool keeps = false;
#ifdef TIFED_RESIDUALS
    uint8_t behind = take();
    keeps = behind & 4u;
    if (keeps) {
        tifed_link_put32(payload + 36, named_exchange(device, behind));
        length = 40u;
    }
#endif
    for (; layers; layers >>= 1)
        if (layers & 1u) {
            payload[length] = tops[take() & 7u];
            payload[length + 1] = take() & 7u;
            payload[length + 2] = keeps ? 0u : 1u + (take() & 3u);
            payload[length + 3] = take() & (keeps ? 7u : 3u);
            length += 6u;
        }
    uint16_t right = length;
    if (how >= 250u) /* of a layer more, or of more than there can be */
        length = sizeof payload;
    unsigned long said = bytes_out;
    request(device, TIFED_LINK_EXCHANGE, payload, length);
    if (ready && !in_turn) {
        if (last_answer != TIFED_LINK_MISSED || heard_length != 3u ||
            tifed_link_get16(heard + TIFED_LINK_HEADER + 1) != last)
            fail("the device did not say up to which order it has got");
        missed++;
    }
    if (bytes_out == said) { /* then its answer comes when it has done it */
        if (!is_busy(device) || !ready || !in_turn || length != right)
            fail("the device did not answer an exchange that it does not make");
        sequence_asked--;
        request(device, TIFED_LINK_EXCHANGE, payload, length);
        if (bytes_out != said)
            fail("the device answered an exchange before its end");
        while (tifed_device_work(device))
            work_done++;
        if (bytes_out == said || is_busy(device))
            fail("the device did not answer its exchange at its end");
    }
    if (heard[1] != (TIFED_LINK_EXCHANGE | TIFED_LINK_ANSWER))
        fail("the device answered an exchange with something else");
    exchanges += last_answer == TIFED_LINK_OK;
    uint32_t size = heard_length;
    memcpy(first, heard + TIFED_LINK_HEADER, size);
    sequence_asked -= sequence_asked == 1u ? 2u : 1u;
    request(device, TIFED_LINK_EXCHANGE, payload, length);
    if (last_answer == TIFED_LINK_OK &&
        (heard_length != size || memcmp(first, heard + TIFED_LINK_HEADER, size) != 0))
        fail("the device answered the same exchange with something else");
}
#endif

/* As far into a session as `depth` says: most of what a device does lies behind a long way. */
static void get_going(tifed_device *device, uint8_t depth)
{
    uint8_t configure[13] = {3}, train[24] = {0, 0, 0, 0, 9}, sample[8 + INPUTS] = {0};
    if (depth > 0u)
        request(device, TIFED_LINK_HELLO, NULL, 0);
    if (depth > 1u) {
        configure[0] = (uint8_t)(depth & 3u);
#ifdef TIFED_DEVICE_SHORT
        configure[12] = take() & 1u;
        request(device, TIFED_LINK_CONFIGURE, configure, sizeof configure);
#else
        request(device, TIFED_LINK_CONFIGURE, configure, sizeof configure - 1u);
#endif
    }
#ifdef TIFED_DEVICE_OWN
    uint8_t order[28] = {take() & 7u, 0, 0, 0, 1, 0, 0, 0, 2};
    static const uint8_t lengths[] = {8, 12, 0, 8, 28}, types[] = {13, 14, 15, 17, 18};
    order[4] = (uint8_t)(1u + (order[0] & 1u) * 2u);
    for (uint8_t n = 0; depth > 1u && n < depth; n++) {
        uint8_t which = take() % 5u;
        if (types[which] == TIFED_LINK_PERSONALISE)
            order[0] = 3;
        if (types[which] == TIFED_LINK_CALIBRATE)
            order[4] = 0;
        request(device, types[which], order, lengths[which]);
        order[4] = 2;
        for (uint8_t pieces = take() & 63u; pieces && tifed_device_work(device); pieces--)
            worked++;
    }
#endif
    for (uint8_t n = 0; depth > 2u && n < (depth & 3u); n++) {
        sample[2] = n;
        for (uint32_t i = 0; i < INPUTS; i++)
            sample[8u + i] = take();
        request(device, TIFED_LINK_PUT_SAMPLE, sample, sizeof sample);
    }
#ifdef TIFED_DEVICE_MASKED
    static const uint8_t own[4] = {0},
                         round[20] = {1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3};
    uint8_t peer[40] = {0};
    if (depth > 1u)
        request(device, TIFED_LINK_MASK_KEY, own, sizeof own);
    for (uint8_t n = 1; depth > 1u && n < 4u; n++) {
        peer[0] = peer[4] = peer[8] = n;
        request(device, TIFED_LINK_PEER, peer, sizeof peer);
    }
#endif
    if (depth > 5u)
        request(device, TIFED_LINK_TRAIN, train, sizeof train);
#ifdef TIFED_DEVICE_MASKED
    if (depth > 6u) {
        while (tifed_device_work(device))
            work_done++;
        request(device, TIFED_LINK_MASK, round, sizeof round);
        if (take() & 1u) /* without device 3 */
            request(device, TIFED_LINK_UNMASK, round, sizeof round - 4u);
    }
#endif
#ifdef TIFED_DEVICE_SHORT
    while (depth > 6u && tifed_device_work(device))
        work_done++;
    for (uint8_t n = take() & 7u; depth > 6u && n; n--)
        short_frame(device);
#endif
#ifdef TIFED_RESIDUALS
    for (uint8_t n = take() & 3u; depth > 2u && n; n--)
        kept_frames(device);
#endif
#ifdef TIFED_DEVICE_QUIET
    for (uint8_t n = take() & 3u; depth > 3u && n; n--)
        quiet_frames(device);
#endif
}

#ifdef TIFED_DEVICE_QUIET
#define TYPES 29u
#elif defined TIFED_DEVICE_SHORT
#define TYPES 28u
#elif defined TIFED_DEVICE_MASKED
#define TYPES 25u
#elif defined TIFED_DEVICE_OWN
#define TYPES 19u
#else
#define TYPES 11u
#endif

static void frame(tifed_device *device)
{
    static const uint8_t sizes[] = {0, 0, 12, 7,  12, 12, 9,  0,  8,  24, 0, 0,  0,  8,  12,
                                    0, 8, 8,  28, 0,  4,  40, 20, 12, 16, 4, 14, 12, 12, 48};
    uint8_t how = take(), type = take(), spoil = take();
    if (how & 1u)
        type = (uint8_t)(1u + type % TYPES);
    uint16_t length = take();
    if (type < sizeof sizes && (how & 2u))
        length = (uint16_t)(type == TIFED_LINK_PUT_PARAMETERS || type == TIFED_LINK_PUT_SAMPLE
                                ? 8u + length % 70u
                                : sizes[type]);
    if (type == TIFED_LINK_CONFIGURE && (how & 64u))
        length++; /* with options */
    if (type == TIFED_LINK_GET_CHANGES && (how & 64u))
        length += 2u; /* with a start */
    if (type == TIFED_LINK_PUT_CHANGES && (how & 2u))
        length += spoil % 24u;
#ifdef TIFED_RESIDUALS
    if (type == TIFED_LINK_TRAIN && (how & 64u))
        length += 4u + spoil % 3u * 6u; /* behind an exchange, of some layers */
#endif
#ifdef TIFED_DEVICE_QUIET
    if (type == TIFED_LINK_EXCHANGE && (how & 64u))
        length -= length < 6u ? 0u : 6u; /* of one layer */
    if (spoil % 8u == 5u && (how & 1u))
        type |= TIFED_LINK_SILENT;
#endif
    if (length > TIFED_LINK_PAYLOAD)
        length = TIFED_LINK_PAYLOAD;
    uint8_t *payload = tifed_link_frame(&sender) + TIFED_LINK_HEADER;
    for (uint32_t i = 0; i < length; i++)
        payload[i] = take();
    if (how & 4u) /* small numbers: the interesting ones */
        for (uint32_t i = 0; i < length && i < 24u; i++)
            payload[i] = i & 3u ? 0u : payload[i] & 7u;
    if ((how & 8u) && type == TIFED_LINK_PUT_SAMPLE && length > 8u)
        payload[4] = 0; /* a piece from the start */
    if (type == TIFED_LINK_CONFIGURE && length == 13u)
        payload[12] &= 3u;
    static uint16_t sequence;
    if (how & 16u)
        sequence++;
    uint16_t session = how & 32u ? 7u : take();
    bool stranger = type != TIFED_LINK_HELLO && (session != device->session || session == 0u);
    wired = 0;
#ifdef TIFED_DEVICE_SEALED
    bool known = false; /* whether it is of a session that the device is in, or is asked for */
    if (sealing) {
        /* One bit chooses between the session that is open and one that is asked for. */
        uint32_t place =
            spoil & 1u && host[device->sealed.open].session ? device->sealed.open : newest;
        bool plain = type == TIFED_LINK_HELLO && !(how & 4u);
        if (plain && (how & 2u))
            length = TIFED_SEAL_NONCE;
        if (plain && (how & 2u) && (spoil & 2u)) /* the same nonce, in another session or not */
            memcpy(payload, host_nonce, TIFED_SEAL_NONCE);
        bool unknown = session && session != host[0].session && session != host[1].session;
        if (!plain && (!unknown || (how & 2u)))
            session = host[place].session;
        stranger = !plain && host[place].session && session != host[place].session;
        known = !plain && host[place].session && !stranger;
        say_sealed(&sender, place, type, session, sequence, length, plain, to_wire);
    } else
#endif
        tifed_link_send(&sender, type, session, sequence, length, to_wire);
    bool spoilt = (how & 0xC0u) == 0xC0u && spoil, request = !(type & TIFED_LINK_ANSWER);
    uint8_t state = device->state;
#ifdef TIFED_DEVICE_SEALED
    unsigned long answers = opened;
#endif
    unsigned long before = bytes_out;
    if (spoilt) /* of which CRC-32 takes one in 2^32 for sound */
        wire[(spoil * 7u + length) % wired] ^= spoil;
#ifdef TIFED_DEVICE_SEALED
    hello_said &= !spoilt;
#endif
    frames_sent++;
    spoilt_sent += spoilt;
    feed(device);
#ifdef TIFED_DEVICE_MASKED
    look_at_masks(&device->masked);
#endif
    if ((spoilt || !request) && bytes_out != before)
        fail("the device answered a spoilt frame, or an answer");
#ifdef TIFED_DEVICE_QUIET
    bool ours = !stranger;
#ifdef TIFED_DEVICE_SEALED
    ours = known;
#endif
    if (ours && request && !spoilt && (type & TIFED_LINK_SILENT)) {
        if (bytes_out != before)
            fail("the device answered an order that asks for no answer");
        return;
    }
    if (ours && type == TIFED_LINK_EXCHANGE && is_busy(device) && bytes_out == before)
        return; /* it answers when it has made it */
#endif
    if (!spoilt && request && bytes_out == before)
        fail("the device did not answer");
#ifdef TIFED_DEVICE_SEALED
    known &= (type | TIFED_LINK_ANSWER) != TIFED_LINK_READY; /* an answer that looks like that */
    if (!spoilt && request && known && opened == answers)
        fail("the device did not answer its host with a sealed frame");
#endif
    if (!spoilt && request && stranger) {
        strangers_sent++;
        if (last_answer != TIFED_LINK_SESSION || device->state != state)
            fail("the device did what another session asked for");
    }
}

/* Fails now and then, as an extraction without room would. */
static const int8_t *extract(const int8_t *sample)
{
    static int8_t features[FEATURES];
    for (unsigned i = 0; i < FEATURES; i++)
        features[i] = (int8_t)(sample[i] / 2);
    return features[0] == 7 ? NULL : features;
}

#ifdef TIFED_DEVICE_FRONT_END
static const tifed_front_end octants = {4, 4, 1, 8, true, NULL};
static void *rows; /* of the exact size as well */

static int front_end(int8_t *features, uint32_t offset, const int8_t *values, uint32_t count)
{
    static tifed_front_end_stream stream;
    if (offset == 0u && tifed_front_end_begin(&stream, &octants, features, rows,
                                              tifed_front_end_memory(&octants)) != TIFED_OK)
        fail("the front end does not begin");
    int status = tifed_front_end_put(&stream, values, count);
    if (status < 0 || (status == TIFED_OK) != (offset + count == INPUTS))
        fail("the front end was given other pieces than a picture has");
    pictures += status == TIFED_OK;
    return values[0] == 7 ? TIFED_ERROR_MEMORY : status;
}
#endif

static void run(const uint8_t *data, size_t size)
{
    tifed_config config = {&network, 3, 3, 2, NULL, NULL, 0, 0, NULL};
#ifdef TIFED_DEVICE_SHIFTS
    const size_t made_in = TIFED_FRONT_END_BYTES(4, 1, 8, true);
    int8_t *kept = malloc(3u * INPUTS), *row = malloc(4u);
    void *copy_rows = malloc(made_in);
    tifed_shifts shifts = {kept, 4, 4, 1, &octants, row, copy_rows, made_in};
    const tifed_source source = {tifed_write_shifted_features, &shifts};
    config.source = &source;
#endif
    size_t bytes = tifed_memory_size(&config);
#ifdef TIFED_DEVICE_SHORT
    if (size % 3u)
        bytes += tifed_received_size(&config);
#endif
    void *memory = malloc(bytes); /* of the exact size, so that the sanitizer sees its end */
    int8_t *sample = malloc(FEATURES);
    tifed_device_setup setup = {
        .network = &network,
        .buffer = 3,
        .batch = 2,
        .fingerprint = 1,
        .memory = memory,
        .bytes = (uint32_t)bytes,
        .inputs = INPUTS,
        .sample = sample,
        .extract = size % 2u ? extract : NULL,
        .board = "fuzz",
        .write = hear,
        .stack = stack,
    };
#ifdef TIFED_DEVICE_FRONT_END
    rows = malloc(TIFED_FRONT_END_BYTES(4, 1, 8, true));
    setup.front_end = front_end;
#endif
#ifdef TIFED_DEVICE_SHIFTS
    setup.extract = NULL; /* no device makes copies of what one gives */
    setup.source = &source;
    setup.kept = kept;
    memset(kept, 0xA5, 3u * INPUTS);
#endif
#ifdef TIFED_DEVICE_OWN
    memset(kept_bytes, 0, sizeof kept_bytes);
    fails = size % 4u != 0u;
    odd_label = size % 7u ? 2 : -1;
    setup.own = &own_samples;
    setup.held_out_every = 3;
    setup.policy = &policy;
    setup.model = size % 3u ? &kept_memory : NULL;
    setup.by_class = size % 5u ? by_class : NULL;
#endif
#ifdef TIFED_RESIDUALS
    make_residuals(size);
    setup.residuals = &kept_residuals;
#endif
#ifdef TIFED_DEVICE_MASKED
    setup.masks = &masks;
#endif
    tifed_device *device = malloc(sizeof *device);
    memset(device, 0xA5, sizeof *device);
#ifdef TIFED_DEVICE_SEALED
    setup.seal = &seal;
    keyless = size % 13u == 0u;
    seal_host(device);
#endif
    memset(memory, 0xA5, bytes);
    tifed_link_init(&far_end);
    tifed_link_init(&sender);
    between = true;
    input = data;
    left = size;
    tifed_device_init(device, &setup);
    tifed_device_ready(device);
    get_going(device, take() & 7u);
    while (left) {
        uint8_t choice = take();
#ifdef TIFED_DEVICE_SEALED
        if (choice < 40u) {
            attack(device);
            continue;
        }
#endif
#ifdef TIFED_DEVICE_QUIET
        if (choice < 5u)
            quiet_frames(device);
        else
#endif
#ifdef TIFED_RESIDUALS
            if (choice < 10u)
            kept_frames(device);
        else
#endif
#ifdef TIFED_DEVICE_SHORT
            if (choice < 15u)
            short_frame(device);
        else
#endif
            if (choice < 160u) {
            frame(device);
        } else if (choice < 200u) {
            for (unsigned n = take(); n && left; n--, noise_sent++)
                tifed_device_feed(device, take());
        } else {
            work_done += tifed_device_work(device);
        }
    }
#ifdef TIFED_DEVICE_OWN
    int8_t asked[INPUTS] = {1};
    int32_t class = tifed_device_classify(device, asked);
    if (class > 2 || (class < 0 && class != TIFED_ERROR_EMPTY && class != TIFED_ERROR_MEMORY))
        fail("the device names another class");
#endif
    if (device->state > TIFED_DEVICE_WORKING)
        fail("the device is in no state");
#ifdef TIFED_DEVICE_SEALED
    if (keyless && host[newest].session)
        fail("a device without a key opened a session");
#endif
#ifdef TIFED_DEVICE_FRONT_END
    free(rows);
#endif
#ifdef TIFED_DEVICE_SHIFTS
    free(kept);
    free(row);
    free(copy_rows);
#endif
#ifdef TIFED_RESIDUALS
    free(kept_left);
#endif
    free(device);
    free(sample);
    free(memory);
}

#ifdef LIBFUZZER
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    run(data, size);
    return 0;
}
#else
#ifndef TIFED_DEVICE_FRONT_END
/* So many samples that their squares pass 32 bits: the sum has to carry into the next word. */
static void sum_many(void)
{
    enum { MANY = 50000 };
    static uint8_t ask[8] = {0, 0, 0, 0, FEATURES}, sample[8 + FEATURES] = {1};
    static int8_t arrived[FEATURES];
    static union {
        void *aligned;
        uint8_t bytes[1024];
    } room;
    tifed_device_setup setup = {
        .network = &network,
        .buffer = 3,
        .batch = 2,
        .fingerprint = 1,
        .memory = room.bytes,
        .bytes = sizeof room,
        .inputs = FEATURES,
        .sample = arrived,
        .board = "sum",
#ifdef TIFED_RESIDUALS
        .residuals = &kept_residuals,
#endif
        .write = hear,
        .stack = stack,
    };
    static tifed_device device;
    tifed_link_init(&far_end);
    tifed_link_init(&sender);
    between = true;
    tifed_device_init(&device, &setup);
    for (int repeat = 0; repeat < 2; repeat++) { /* the second time from 0 again */
        request(&device, TIFED_LINK_HELLO, NULL, 0);
        request(&device, TIFED_LINK_CLEAR, NULL, 0);
        memset(sample + 8, 0x80, FEATURES);
        for (int n = 0; n < MANY; n++)
            request(&device, TIFED_LINK_PUT_SAMPLE, sample, sizeof sample);
        request(&device, TIFED_LINK_GET_SUMS, ask, sizeof ask);
        const uint8_t *said = tifed_link_frame(&far_end) + TIFED_LINK_HEADER + 1;
        uint64_t squares = tifed_link_get32(said + 4) | (uint64_t)tifed_link_get32(said + 8) << 32;
        if (last_answer != TIFED_LINK_OK || tifed_link_get32(said) != MANY ||
            squares != (uint64_t)MANY * FEATURES << 14)
            fail("another sum of squares");
        for (uint32_t i = 0; i < FEATURES; i++)
            if ((int32_t)tifed_link_get32(said + 12u + 4u * i) != MANY * -128)
                fail("another sum of a feature");
    }
}
#endif

#if defined TIFED_DEVICE_OWN && !defined TIFED_DEVICE_FRONT_END
static uint8_t done(tifed_device *device, uint8_t type, const uint8_t *payload, uint16_t length)
{
    request(device, type, payload, length);
    if (last_answer != TIFED_LINK_OK)
        return last_answer;
    while (tifed_device_work(device)) {
    }
    return device->own.outcome;
}

static void expect(uint8_t found, uint8_t wanted, const char *what)
{
    if (found != wanted)
        fail(what);
}

/* What no board can be made to do: labels of no class, samples that cannot be read, a place for the
 * model that fails; and what its owner alone can do. */
static void own_orders(void)
{
    static const uint8_t configure[12] = {3}, other[12] = {3, 0, 0, 0, 1};
    static const uint8_t take_three[8] = {4, 0, 0, 0, 3}, keep[8] = {1}, calibrate[12] = {4};
    static const int8_t asked[INPUTS] = {1};
    static int8_t arrived[FEATURES];
    static union {
        void *aligned;
        uint8_t bytes[4096];
    } room;
    tifed_device_setup setup = {
        .network = &network,
        .buffer = 3,
        .batch = 2,
        .fingerprint = 1,
        .memory = room.bytes,
        .bytes = sizeof room,
        .inputs = INPUTS,
        .sample = arrived,
        .board = "own",
#ifdef TIFED_RESIDUALS
        .residuals = &kept_residuals,
#endif
        .write = hear,
        .own = &own_samples,
        .held_out_every = 3,
        .policy = &policy,
        .model = &kept_memory,
    };
    static tifed_device device;
    tifed_link_init(&far_end);
    tifed_link_init(&sender);
    between = true;
    memset(kept_bytes, 0, sizeof kept_bytes);
    fails = false;
    odd_label = 2;
    tifed_device_init(&device, &setup);
    request(&device, TIFED_LINK_HELLO, NULL, 0);
    if (tifed_device_classify(&device, asked) != TIFED_ERROR_EMPTY)
        fail("a device classifies without a model");
    expect(done(&device, TIFED_LINK_CALIBRATE, calibrate, 12), TIFED_LINK_OK, "no calibration");
    expect(done(&device, TIFED_LINK_CONFIGURE, configure, 12), TIFED_LINK_OK, "not configured");
    expect(done(&device, TIFED_LINK_TAKE, take_three, 8), TIFED_LINK_OK, "samples not taken");
    if (device.core.count != 3u)
        fail("another number of samples was taken");
    expect(done(&device, TIFED_LINK_EVALUATE, NULL, 0), TIFED_LINK_OK, "not evaluated");
    odd_label = 3;
    expect(done(&device, TIFED_LINK_EVALUATE, NULL, 0), 7, "a label of no class was passed over");
    odd_label = -1;
    expect(done(&device, TIFED_LINK_EVALUATE, NULL, 0), TIFED_LINK_UNREADABLE,
           "a label that cannot be read was passed over");
    odd_label = 2;
    fails = true;
    reads = 22;
    expect(done(&device, TIFED_LINK_TAKE, take_three, 8), TIFED_LINK_UNREADABLE,
           "a sample that cannot be read was passed over");
    if (device.core.count != 0u)
        fail("an order that failed left samples behind");
    reads = 96;
    expect(done(&device, TIFED_LINK_KEEP, keep, 8), TIFED_LINK_NOT_KEPT, "a write did not fail");
    fails = false;
    expect(done(&device, TIFED_LINK_KEEP, keep, 8), TIFED_LINK_OK, "the model was not kept");
    int32_t before = tifed_device_classify(&device, asked);
    if (before < 0)
        fail("a device with a model does not classify");
    /* After a restart it still classifies, and still keeps its promises. */
    memset(&device, 0xA5, sizeof device);
    memset(room.bytes, 0xA5, sizeof room);
    tifed_device_init(&device, &setup);
    if (tifed_device_classify(&device, asked) != before)
        fail("the model did not outlive a restart");
    request(&device, TIFED_LINK_HELLO, NULL, 0);
    expect(done(&device, TIFED_LINK_CONFIGURE, other, 12), TIFED_LINK_NOT_ALLOWED,
           "a device worked for another experiment");
    if (tifed_device_release(&device) != TIFED_OK)
        fail("the owner could not release the device");
    request(&device, TIFED_LINK_HELLO, NULL, 0); /* with its release its session has ended */
    expect(done(&device, TIFED_LINK_CONFIGURE, other, 12), TIFED_LINK_OK, "it was not released");
    expect(done(&device, TIFED_LINK_CONFIGURE, configure, 12), TIFED_LINK_NOT_ALLOWED,
           "a device worked for two experiments");
}
#endif

static uint64_t state;

static uint64_t next(void) /* SplitMix64 */
{
    uint64_t z = state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

int main(int argc, char **argv)
{
    unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
    state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    static uint8_t data[2048];
#ifdef TIFED_RESIDUALS
    make_residuals(1);
#endif
#if defined TIFED_DEVICE_OWN && !defined TIFED_DEVICE_FRONT_END
    own_orders();
#endif
#ifndef TIFED_DEVICE_FRONT_END
    sum_many();
    frames_sent = answers_ok = bytes_out = 0;
#endif
#ifdef TIFED_RESIDUALS
    free(kept_left);
#endif
    for (unsigned long n = 0; n < count; n++) {
        size_t size = next() % (n % 8u ? 200u : sizeof data);
        for (size_t i = 0; i < size; i++)
            data[i] = (uint8_t)next();
        run(data, size);
    }
#ifdef TIFED_DEVICE_SEALED
    printf("{\"opened\": %lu, \"attacks\": %lu, \"sessions\": %lu, ", opened, attacks,
           sessions_opened);
#else
    printf("{");
#endif
#ifdef TIFED_DEVICE_QUIET
    printf("\"silent\": %lu, \"missed\": %lu, \"exchanges\": %lu, ", silent_done, missed,
           exchanges);
#endif
#ifdef TIFED_RESIDUALS
    printf("\"settled\": %lu, \"others\": %lu, \"asked again\": %lu, ", settled, others,
           asked_again);
#endif
    printf("\"inputs\": %lu, \"frames\": %lu, \"noise\": %lu, \"sound_answers\": %lu, "
           "\"steps\": %lu, \"bytes_out\": %lu, \"spoilt\": %lu, \"strangers\": %lu, "
           "\"pictures\": %lu, \"worked\": %lu, \"unmasked\": %lu, \"changes\": %lu, "
           "\"changed\": %lu}\n",
           count, frames_sent, noise_sent, answers_ok, work_done, bytes_out, spoilt_sent,
           strangers_sent, pictures, worked, unmasked, changes, changed);
    return 0;
}
#endif
