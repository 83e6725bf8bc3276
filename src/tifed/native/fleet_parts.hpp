// The two ways to do a fleet's work; see fleet.hpp.
#pragma once
#include "fleet.hpp"

namespace tifed_native {

void fit_panels(const Network &, const panel_kernel &, const Given &, const Data &,
                const std::vector<Job> &, const Work &, Totals &);
void classify_panels(const Network &, const panel_kernel &, const Given &, const int8_t *samples,
                     std::size_t count, unsigned threads, int32_t *classes);

void fit_core(const Network &, bool regenerate, const Given &, const Data &,
              const std::vector<Job> &, const Work &, Totals &);
void classify_core(const Network &, const Given &, const int8_t *samples, std::size_t count,
                   unsigned threads, int32_t *classes);

}  // namespace tifed_native
