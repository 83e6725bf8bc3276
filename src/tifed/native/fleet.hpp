// Many devices' local work over shared data, in parallel: integer sums, so the order is no matter.
#pragma once
#include <cstdint>
#include <vector>

#include "host/panel.h"
#include "../core/tifed.h"

namespace tifed_native {

// A network that owns what it points to; checked.
struct Network {
    std::vector<tifed_layer> layers;
    tifed_network rule{};
    panel_network panels{};
};

// Parameters and feedback as NumPy holds them; nothing is copied. Row-major.
struct Given {
    const int8_t *centre;                   // (features)
    std::vector<const int16_t *> weights;   // per layer (fan_in, fan_out)
    std::vector<const int16_t *> biases;    // per layer (fan_out)
    std::vector<const int16_t *> feedback;  // per hidden layer (classes, units)
};

struct Data {
    const int8_t *samples;  // (copies, all, features)
    const int32_t *labels;  // (all), each a class
    const int64_t *order;   // streams one after the other, each entry < all
    int64_t all;
    uint32_t copies;  // 1, or of how many each visit takes one
};

// One device's part in an exchange. Its stream is order[begin..end).
struct Job {
    int64_t device, begin, end, position, samples, first_step, steps, trained, weight;
    int64_t clip;  // bound on the norm of what it changes; 0 for none
};

// How a layer's weights go up; see panel_change.
struct Change {
    uint32_t top, shift, rows;
    int32_t unit;
};

// What all devices' parts have in common, and how many threads share them.
struct Work {
    uint32_t batch, extra_shift, round, exchange, threads;
    int32_t energy_shift;
    uint64_t seed;
    std::vector<Change> upload;   // per layer; empty where all go up whole
    std::vector<uint32_t> clips;  // bound on the norm of each layer's change, in place of Job::clip
    uint32_t frame;               // bytes that a frame of coded ones has at most; 0: none are coded
    uint32_t steps_per_buffer;    // then the samples behind take their place; 0: never
};

// Where the sums go, per layer; nullptr for a layer that no job trains.
struct Totals {
    std::vector<int64_t *> weights, biases;
    // Before clipping, written where there is a bound: (jobs, layers) with Work::clips, else (jobs).
    int64_t *norms = nullptr;
    int64_t *coded = nullptr;         // (jobs, 2): bytes and number of the frames of short numbers
    std::vector<int8_t *> residuals;  // per layer (jobs, fan_in, fan_out); nullptr: none are kept
    panel_statistics statistics{};
};

}  // namespace tifed_native
