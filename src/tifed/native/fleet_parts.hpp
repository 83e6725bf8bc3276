// The two ways to do a fleet's work; see fleet.hpp.
#pragma once
#include <algorithm>

#include "../core/tifed_random.h"
#include "fleet.hpp"

namespace tifed_native {

// The sample at a place of a device's buffer.
inline int64_t sample_at(const Data &data, const Job &job, int64_t place) {
    return data.order[job.begin + (job.position + place) % (job.end - job.begin)];
}

// A device's steps, a pass over its buffer at a time where each visit takes a copy of its own
// (SPEC, 15), else all at once.
class Visit {
public:
    uint32_t first_step = 0, steps = 0;

    Visit(const Data &data, const Job &job, const Work &work)
        : data_(data), job_(job), end_(job.first_step + job.steps), at_(job.first_step) {
        batches_ = (job.samples - 1) / work.batch + 1;
        key_ = tifed_key_start(uint32_t(work.seed), uint32_t(work.seed >> 32), TIFED_PURPOSE_COPY);
        key_ = tifed_key_add(tifed_key_add(key_, uint32_t(job.device)), work.exchange);
    }

    // Whether there is another one; its steps are then known.
    bool next() {
        if (at_ == end_) return false;
        int64_t last = data_.copies > 1 ? std::min(end_, (at_ / batches_ + 1) * batches_) : end_;
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
    int64_t end_, at_, batches_;
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
