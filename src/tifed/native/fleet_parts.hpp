// The two ways to do a fleet's work; see fleet.hpp.
#pragma once
#include <algorithm>

#include "../core/tifed_random.h"
#include "fleet.hpp"

namespace tifed_native {

// The sample so far behind the first one of a device's first buffer.
inline int64_t sample_at(const Data &data, const Job &job, int64_t place) {
    return data.order[job.begin + (job.position + place) % (job.end - job.begin)];
}

// A device's steps, a buffer at a time, and a pass over it at a time where each visit takes a copy
// of its own (SPEC, 15).
class Visit {
public:
    uint32_t first_step = 0, steps = 0;
    int64_t start = 0;  // where in the device's samples its buffer begins, from its first one

    Visit(const Data &data, const Job &job, const Work &work)
        : data_(data), job_(job), end_(job.first_step + job.steps), at_(job.first_step) {
        batches_ = (job.samples - 1) / work.batch + 1;
        each_ = work.steps_per_buffer ? int64_t(work.steps_per_buffer) : end_;
        key_ = tifed_key_start(uint32_t(work.seed), uint32_t(work.seed >> 32), TIFED_PURPOSE_COPY);
        key_ = tifed_key_add(tifed_key_add(key_, uint32_t(job.device)), work.exchange);
    }

    // Whether there is another one; its steps are then known.
    bool next() {
        if (at_ == end_) return false;
        int64_t last = std::min(end_, (at_ / each_ + 1) * each_);
        if (data_.copies > 1) last = std::min(last, (at_ / batches_ + 1) * batches_);
        start = at_ / each_ * job_.samples;
        first_step = uint32_t(at_);
        steps = uint32_t(last - at_);
        at_ = last;
        return true;
    }

    // The row of the copy that is taken of a sample at a place of the buffer.
    int64_t row(int64_t place, int64_t sample) const {
        if (data_.copies == 1) return sample;
        auto number = uint32_t(first_step / batches_ * job_.samples + place);
        return tifed_random_below(key_, number, data_.copies) * data_.all + sample;
    }

private:
    const Data &data_;
    const Job &job_;
    int64_t end_, at_, batches_, each_;
    tifed_key key_;
};

void fit_panels(const Network &, const panel_kernel &, const Given &, const Data &,
                const std::vector<Job> &, const Work &, Totals &);
void classify_panels(const Network &, const panel_kernel &, const Given &, const int8_t *samples,
                     std::size_t count, unsigned threads, int32_t *classes);

void fit_core(const Network &, bool regenerate, const Given &, const Data &,
              const std::vector<Job> &, const Work &, Totals &);
void classify_core(const Network &, const Given &, const int8_t *samples, std::size_t count,
                   unsigned threads, int32_t *classes);

}  // namespace tifed_native
