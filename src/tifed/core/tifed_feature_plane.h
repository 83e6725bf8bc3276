/* The planes that layers take and give; internal. */
#ifndef TIFED_FEATURE_PLANE_H
#define TIFED_FEATURE_PLANE_H

#include "tifed_features.h"
#include "tifed_assumptions.h"

#define TIFED_MOST_SIDE 4096u
#define TIFED_MOST_VALUES (UINT32_C(1) << 24) /* of a plane */
#define TIFED_MOST_FAN_IN 65536u

typedef struct tifed_plane {
    uint16_t height, width, channels;
} tifed_plane;

static inline uint32_t tifed_plane_values(tifed_plane p)
{
    return (uint32_t)p.height * p.width * p.channels;
}

static inline bool tifed_side_fits(uint32_t side)
{
    return side >= 1u && side <= TIFED_MOST_SIDE;
}

static inline bool tifed_plane_fits(tifed_plane p)
{
    return tifed_side_fits(p.height) && tifed_side_fits(p.width) && tifed_side_fits(p.channels) &&
           (uint32_t)p.height * p.width <= TIFED_MOST_VALUES / p.channels;
}

/* How many windows fit along a side. */
static inline uint32_t tifed_windows(uint32_t side, uint32_t window, uint32_t stride)
{
    return side < window ? 0u : (side - window) / stride + 1u;
}

/* The plane that a layer makes of another; false if its numbers do not allow it. */
static inline bool tifed_plane_after(const tifed_feature_layer *layer, tifed_plane in,
                                     tifed_plane *out)
{
    uint32_t height = layer->kernel_height, width = layer->quads ? layer->kernel_width : height;
    uint32_t padding = layer->quads ? layer->padding : 0u;
    if (!tifed_side_fits(height) || !tifed_side_fits(width) || !tifed_side_fits(layer->stride) ||
        padding >= height || padding >= width)
        return false;
    if (layer->quads && height * width > TIFED_MOST_FAN_IN / in.channels)
        return false;
    out->height = (uint16_t)tifed_windows(in.height + 2u * padding, height, layer->stride);
    out->width = (uint16_t)tifed_windows(in.width + 2u * padding, width, layer->stride);
    out->channels = layer->quads ? layer->units : in.channels;
    return tifed_plane_fits(*out);
}

#endif
