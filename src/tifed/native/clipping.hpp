// The norm of what a device has changed (SPEC, section 23).
#pragma once
#include <cstddef>
#include <cstdint>

#include "fleet.hpp"
#include "host/panel.h"

namespace tifed_native {

// The least integer that is not below the square root of a number below 2^63.
inline uint32_t norm_of(uint64_t squares) {
    uint64_t root = 0;
    for (uint64_t bit = uint64_t(1) << 31; bit; bit >>= 1)
        if ((root | bit) * (root | bit) < squares) root |= bit;
    return squares ? uint32_t(root + 1) : 0;
}

// Holds what a device has made of the parameters that it was sent to `bound`, and returns the norm
// before that. `each` calls its argument with (sent, trained, count) for every array of them.
template <class Each> uint32_t clip(const panel_kernel &kernel, uint32_t bound, Each each) {
    uint64_t squares = 0;
    each([&](const int16_t *sent, const int16_t *trained, std::size_t count) {
        squares += kernel.squares(sent, trained, count);
    });
    uint32_t norm = norm_of(squares);
    if (norm > bound)
        each([&](const int16_t *sent, int16_t *trained, std::size_t count) {
            kernel.shrink(sent, trained, count, bound, norm);
        });
    return norm;
}

// Holds a job's layers to their bounds, or all that it changes to its own, and writes the norms
// before that. `each` calls its second argument with every array of the layer that the first names.
template <class Each>
void hold(const panel_kernel &kernel, const Job &job, const Work &work, uint32_t depth,
          int64_t *norms, std::size_t number, Each each) {
    for (uint32_t l = 0; l < work.clips.size(); l++)
        if (job.trained >> l & 1)
            norms[number * depth + l] =
                clip(kernel, work.clips[l], [&](auto use) { each(l, use); });
    if (work.clips.empty() && job.clip)
        norms[number] = clip(kernel, uint32_t(job.clip), [&](auto use) {
            for (uint32_t l = 0; l < depth; l++)
                if (job.trained >> l & 1) each(l, use);
        });
}

}  // namespace tifed_native
