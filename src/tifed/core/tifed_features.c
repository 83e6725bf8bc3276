/* Layer by layer through two halves of one block of memory. A max-pooling that follows a
 * convolution is folded into it if its windows do not overlap: each pixel of the convolution
 * goes straight into the maximum that it belongs to, so the larger plane never exists. */
#include "tifed_features.h"
#include "tifed_kernel_features.h"

#define MOST_SHIFT 24u
#define LARGEST_SUM 0x7FFFFFFFu

static uint32_t padded(uint32_t bytes)
{
    return (bytes + 3u) & ~UINT32_C(3);
}

/* The stage that begins at layer `at`; `in_memory`: its input lies in our memory, padded to
 * words. */
static bool find_stage(const tifed_extractor *e, uint32_t at, tifed_plane in, bool in_memory,
                       tifed_stage *s)
{
    const tifed_feature_layer *layer = &e->layers[at];
    s->sums = s->pool = NULL;
    s->in = s->out = in;
    s->next = at;
    s->groups = 0;
    s->direct = false;
    if (layer->quads) {
        uint32_t height = layer->kernel_height, width = layer->kernel_width;
        if (!tifed_plane_after(layer, in, &s->out))
            return false;
        uint32_t fan_in = height * width * in.channels;
        s->sums = layer;
        s->groups = padded(fan_in) / 4u;
        /* Rows of a window follow each other in the plane. Where it is no whole number of groups,
         * up to three values behind it are read as well (and meet weights of 0): our own are there
         * behind a whole plane. */
        s->direct = layer->padding == 0u && (height == 1u || width == in.width) &&
                    (fan_in % 4u == 0u || (in_memory && fan_in == tifed_plane_values(in)));
        s->next++;
    }
    const tifed_feature_layer *pool = &e->layers[s->next];
    if (s->next < e->depth && !pool->quads && (!s->sums || pool->stride >= pool->kernel_height)) {
        s->pool = &e->layers[s->next++];
        return tifed_plane_after(s->pool, s->out, &s->out);
    }
    return true;
}

/* Bytes of our memory, part by part. */
typedef struct layout {
    uint32_t patch;  /* a window, gathered */
    uint32_t planes; /* of every two consecutive stages, one at each end */
    tifed_plane out;
} layout;

static bool find_layout(const tifed_extractor *e, layout *l)
{
    tifed_plane in = {e->height, e->width, e->channels};
    uint32_t before = 0, at = 0;
    tifed_stage s;
    l->patch = l->planes = 0;
    if (!e->layers || e->depth < 1u || e->depth > TIFED_EXTRACTOR_DEPTH || !tifed_plane_fits(in))
        return false;
    while (at < e->depth) {
        if (!find_stage(e, at, in, at > 0u, &s))
            return false;
        uint32_t patch = s.sums && !s.direct ? 4u * s.groups : 0u;
        uint32_t after = s.next < e->depth ? padded(tifed_plane_values(s.out)) : 0u;
        l->patch = patch > l->patch ? patch : l->patch;
        l->planes = before + after > l->planes ? before + after : l->planes;
        before = after;
        at = s.next;
        in = s.out;
    }
    l->out = in;
    return true;
}

/* --- what a device has to know beforehand ----------------------------------------------------- */

static uint32_t magnitude(int32_t value)
{
    uint32_t bits = (uint32_t)value;
    return value < 0 ? 0u - bits : bits;
}

static bool sums_fit(const tifed_stage *s, uint32_t limit)
{
    const uint32_t *quad = s->sums->quads;
    for (uint32_t u = 0; u < s->sums->units; u++) {
        const int8_t *w = (const int8_t *)(quad + 5u) + u % 4u * 4u;
        uint32_t bias = magnitude((int32_t)quad[u % 4u]), magnitudes = 0; /* at most 2^16 · 2^7 */
        for (uint32_t g = 0; g < s->groups; g++, w += 16)
            for (uint32_t i = 0; i < 4u; i++)
                magnitudes += magnitude(w[i]);
        if ((quad[4] >> u % 4u * 8u & 0xFFu) > MOST_SHIFT || bias > LARGEST_SUM ||
            magnitudes * limit > LARGEST_SUM - bias)
            return false;
        if (u % 4u == 3u)
            quad += TIFED_QUAD_WORDS(s->groups);
    }
    return true;
}

int tifed_features_check(const tifed_extractor *e)
{
    layout l;
    if (!e || !find_layout(e, &l))
        return TIFED_ERROR_NETWORK;
    tifed_plane in = {e->height, e->width, e->channels};
    uint32_t limit = 128u;
    tifed_stage s;
    for (uint32_t at = 0; at < e->depth && find_stage(e, at, in, at > 0u, &s); at = s.next) {
        if (s.sums && !sums_fit(&s, limit))
            return TIFED_ERROR_RANGE;
        limit = s.sums ? 127u : limit;
        in = s.out;
    }
    return TIFED_OK;
}

uint32_t tifed_features_inputs(const tifed_extractor *e)
{
    layout l;
    return find_layout(e, &l) ? (uint32_t)e->height * e->width * e->channels : 0u;
}

uint32_t tifed_features_outputs(const tifed_extractor *e)
{
    layout l;
    return find_layout(e, &l) ? tifed_plane_values(l.out) : 0u;
}

size_t tifed_features_memory(const tifed_extractor *e)
{
    layout l;
    if (!find_layout(e, &l))
        return 0u;
    uint32_t needed = l.patch + l.planes;
    return (size_t)needed == needed ? (size_t)needed : SIZE_MAX;
}

/* --- extraction ------------------------------------------------------------------------------- */

static void fill(int8_t *to, uint32_t count, int8_t value)
{
    while (count--)
        *to++ = value;
}

int tifed_features_extract(const tifed_extractor *e, const int8_t *sample, int8_t *features,
                           void *memory, size_t bytes)
{
    layout l;
    if (!e || !find_layout(e, &l))
        return TIFED_ERROR_NETWORK;
    uint32_t needed = l.patch + l.planes;
    if (bytes < needed || (needed && (!memory || (uintptr_t)memory % TIFED_ALIGNMENT)))
        return TIFED_ERROR_MEMORY;
    int8_t *patch = needed ? memory : features, *planes = patch + l.patch;
    const int8_t *from = sample;
    tifed_plane in = {e->height, e->width, e->channels};
    int8_t zero = e->input_zero;
    bool top = false;
    tifed_stage s;
    for (uint32_t at = 0; at < e->depth; at = s.next, top = !top) {
        find_stage(e, at, in, at > 0u, &s);
        uint32_t size = tifed_plane_values(s.out);
        int8_t *to = features;
        if (s.next < e->depth) {
            to = top ? planes + l.planes - padded(size) : planes;
            fill(to + size, padded(size) - size, 0); /* the next stage may read it */
        }
        if (s.sums && !s.direct)
            fill(patch, 4u * s.groups, 0); /* behind a window's last value it stays 0 */
        if (s.sums)
            tifed_kernel_sums(&s, from, zero, to, patch);
        else
            tifed_kernel_pool(&s, from, to);
        zero = s.sums ? 0 : zero;
        from = to;
        in = s.out;
    }
    return TIFED_OK;
}
