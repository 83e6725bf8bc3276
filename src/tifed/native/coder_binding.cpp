// The coder for short updates for Python: what the device's own code makes of a row of numbers, while
// the interpreter is free. tifed.native.coder words the errors.
#include <nanobind/stl/pair.h>
#include <nanobind/stl/tuple.h>

#include <algorithm>
#include <tuple>

#include "../core/tifed_coder.h"
#include "arguments.hpp"
#include "coder_binding.hpp"
#include "host/coder_length.h"

namespace tifed_native {
namespace {

void check(int64_t bits, int64_t start) {
    need(bits >= 1 && bits <= int64_t(TIFED_CODER_MAX_BITS), "bits", "not in 1..15");
    need(start >= 0 && start <= 65535, "start", "not in 0..65535");
}

void check_numbers(In<int16_t, 1> q, int64_t bits, int64_t start, int64_t capacity) {
    check(bits, start);
    need(capacity >= 3 * bits && capacity <= INT32_MAX, "capacity", "not in 3 * bits..2147483647");
    int top = (1 << bits) - 1;
    need(std::all_of(q.data(), q.data() + q.size(), [&](int n) { return -top <= n && n <= top; }),
         "q", "one needs more bits");
}

// Bytes of all frames, and how many there are.
std::pair<uint64_t, uint64_t> coder_length(In<int16_t, 1> q, int64_t bits, int64_t start,
                                           int64_t capacity) {
    check_numbers(q, bits, start, capacity);
    const int16_t *from = q.data();
    nb::gil_scoped_release release;
    uint64_t frames = 0;
    uint64_t length = tifed_coder_length(uint32_t(bits), uint32_t(start), from, q.size(),
                                         uint32_t(capacity), &frames);
    return {length, frames};
}

// One frame into `out`: how many numbers it has taken, its bytes, and the next one's start.
std::tuple<uint64_t, uint32_t, uint32_t> encode(In<int16_t, 1> q, int64_t bits, int64_t start,
                                                Out<uint8_t, 1> out) {
    check_numbers(q, bits, start, int64_t(out.size()));
    tifed_coder c;
    tifed_coder_begin(&c, uint32_t(bits), uint32_t(start), out.data(), uint32_t(out.size()));
    uint64_t count = 0;
    while (count < q.size() && tifed_coder_put(&c, q.data()[count])) count++;
    uint32_t length = tifed_coder_finish(&c);
    return {count, length, tifed_coder_start(&c.model)};
}

// The numbers of a frame into `out`, and the next one's start; -1 if it is none.
int64_t decode(In<uint8_t, 1> data, int64_t bits, int64_t start, Out<int16_t, 1> out) {
    check(bits, start);
    need(data.size() <= INT32_MAX, "data", "too long");
    tifed_decoder d;
    if (!tifed_decoder_begin(&d, uint32_t(bits), uint32_t(start), data.data(),
                             uint32_t(data.size())))
        return -1;
    std::generate_n(out.data(), out.size(), [&] { return int16_t(tifed_decoder_get(&d)); });
    return tifed_decoder_finish(&d) ? int64_t(tifed_coder_start(&d.model)) : -1;
}

}  // namespace

void bind_coder(nb::module_ &m) {
    m.def("coder_length", &coder_length, nb::arg("q").noconvert(), nb::kw_only(), nb::arg("bits"),
          nb::arg("start"), nb::arg("capacity"));
    m.def("coder_encode", &encode, nb::arg("q").noconvert(), nb::kw_only(), nb::arg("bits"),
          nb::arg("start"), nb::arg("out").noconvert());
    m.def("coder_decode", &decode, nb::arg("data").noconvert(), nb::kw_only(), nb::arg("bits"),
          nb::arg("start"), nb::arg("out").noconvert());
}

}  // namespace tifed_native
