// How what devices have made of the weights goes up: whole, or as short numbers of what changed
// (SPEC, section 25), which are added up and only then put on what was sent.
#pragma once
#include "fleet.hpp"

namespace tifed_native {

// How a job's weights of a layer go up; `work` has changes.
inline panel_change change_of(const Work &work, const Job &job, uint32_t l) {
    const Change &how = work.upload[l];
    auto turn = uint32_t((uint64_t(job.device) + work.round) % how.rows);
    tifed_key key =
        tifed_key_start(uint32_t(work.seed), uint32_t(work.seed >> 32), TIFED_PURPOSE_ROUNDING);
    key = tifed_key_add(tifed_key_add(key, uint32_t(job.device)), work.exchange);
    key = tifed_key_add(tifed_key_add(key, uint32_t(job.first_step + job.steps)), l);
    return {how.top, how.shift, how.rows, (how.rows - turn) % how.rows, key};
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

// Sums of short numbers become those of the weights that stand for them.
inline void rebuild(const Network &network, const Given &given, const std::vector<Job> &jobs,
                    const Work &work, Totals &totals) {
    for (uint32_t l = 0; l < work.upload.size(); l++) {
        const tifed_layer &layer = network.layers[l];
        if (!work.upload[l].top) continue;
        std::vector<int64_t> behind(work.upload[l].rows, 0);  // each of as many pairs of rows
        for (const Job &job : jobs)
            if (job.trained >> l & 1) behind[change_of(work, job, l).first] += job.weight;
        int64_t *sum = totals.weights[l];
        const int16_t *sent = given.weights[l];
        for (uint32_t i = 0; i < layer.fan_in; i++, sum += layer.fan_out, sent += layer.fan_out) {
            const int64_t weight = behind[i / 2 % behind.size()];
            for (uint32_t o = 0; o < layer.fan_out; o++)
                sum[o] = sum[o] * (1 << work.upload[l].shift) + sent[o] * weight;
        }
    }
}

}  // namespace tifed_native
