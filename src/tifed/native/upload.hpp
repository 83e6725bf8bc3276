// How what devices have made of the weights goes up: whole, or as short numbers of what changed
// (SPEC, section 25).
#pragma once
#include <algorithm>

#include "fleet.hpp"
#include "host/coder_length.h"
#include "../core/tifed_coder.h"

namespace tifed_native {

// How a job's weights of a layer go up; `work` has changes.
inline panel_change change_of(const Work &work, const Job &job, uint32_t l) {
    const Change &how = work.upload[l];
    auto turn = uint32_t((uint64_t(job.device) + work.round) % how.rows);
    tifed_key key =
        tifed_key_start(uint32_t(work.seed), uint32_t(work.seed >> 32), TIFED_PURPOSE_ROUNDING);
    key = tifed_key_add(tifed_key_add(key, uint32_t(job.device)), work.exchange);
    key = tifed_key_add(tifed_key_add(key, uint32_t(job.first_step + job.steps)), l);
    return {how.top, how.shift, how.rows, (how.rows - turn) % how.rows, how.unit, key};
}

// The kernels' `shorten` for weights (fan_in, fan_out) row by row.
inline void shorten(const tifed_layer &layer, const panel_change &change, const int16_t *sent,
                    int16_t *trained) {
    for (uint32_t i = 0; i < layer.fan_in; i++)
        for (uint32_t o = 0; o < layer.fan_out; o++) {
            uint32_t p = i * layer.fan_out + o;
            if (!panel_goes_up(&change, i / 2))
                trained[p] = 0;
            else if (change.top)
                trained[p] = int16_t(panel_short(&change, trained[p] - sent[p], p));
        }
}

// The same for `keep`, with what is left as it is kept.
inline void keep(const panel_change &change, const int16_t *sent, int16_t *trained, int8_t *left,
                 std::size_t count) {
    for (std::size_t i = 0; i < count; i++) {
        int32_t kept = left[i];
        trained[i] = int16_t(panel_keep(&change, trained[i] - sent[i], &kept));
        left[i] = int8_t(kept);
    }
}

// What is left of a job's changes in a layer; nullptr if it keeps nothing.
inline int8_t *residual_of(const Totals &totals, const tifed_layer &layer, uint32_t l,
                           std::size_t job) {
    int8_t *all = totals.residuals.empty() ? nullptr : totals.residuals[l];
    return all ? all + job * layer.fan_in * layer.fan_out : nullptr;
}

// The same for `take_out`.
inline std::size_t take_out(const tifed_layer &layer, const panel_change &change,
                            const int16_t *weights, int16_t *numbers) {
    int16_t *end = numbers;
    for (uint32_t i = 0; i < layer.fan_in; i++, weights += layer.fan_out)
        if (panel_goes_up(&change, i / 2)) end = std::copy_n(weights, layer.fan_out, end);
    return std::size_t(end - numbers);
}

// Bits of a magnitude of up to `top`.
inline uint32_t bits_of(uint32_t top) {
    uint32_t bits = 0;
    while (top >> bits) bits++;
    return bits;
}

// Counts the frames that a job's short numbers of a layer are coded in; `take` writes these.
template <class Take>
void count_frames(const tifed_layer &layer, const panel_change &change, uint32_t frame,
                  int64_t *coded, Take take) {
    if (!change.top || !frame) return;
    std::vector<int16_t> numbers(std::size_t(layer.fan_in) * layer.fan_out);
    uint64_t frames = 0;
    coded[0] += int64_t(tifed_coder_length(bits_of(change.top), TIFED_CODER_START, numbers.data(),
                                           take(numbers.data()), frame, &frames));
    coded[1] += int64_t(frames);
}

}  // namespace tifed_native
