// Front ends for Python: a struct of named numbers, and what the device's own code makes of many
// samples, spread over threads, while the interpreter is free. tifed.native.front_end words the errors.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>

#include "../core/tifed_front_end.h"
#include "aligned.hpp"
#include "front_end_binding.hpp"
#include "parallel.hpp"

namespace nb = nanobind;

namespace tifed_native {
namespace {

using Samples = nb::ndarray<const int8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Features = nb::ndarray<int8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

constexpr size_t BLOCK = 64;  // samples that a thread takes at a time

void need(bool condition, const char *why) {
    if (!condition) throw nb::value_error(why);
}

void write_features(const tifed_front_end &front_end, Samples samples, Features out,
                    int64_t threads) {
    size_t count = samples.shape(0);
    uint32_t inputs = tifed_front_end_inputs(&front_end);
    uint32_t outputs = tifed_front_end_outputs(&front_end);
    need(samples.shape(1) == inputs, "samples: not as long as the front end takes");
    need(out.shape(0) == count && out.shape(1) == outputs, "out: another shape");
    need(threads >= 1 && threads <= 4096, "threads: not in 1..4096");
    const int8_t *from = samples.data();
    int8_t *to = out.data();
    nb::gil_scoped_release release;
    size_t blocks = (count + BLOCK - 1) / BLOCK, bytes = tifed_front_end_memory(&front_end);
    parallel(blocks, unsigned(threads), [&](auto next) {
        Memory memory = zeroed(bytes);
        tifed_front_end_stream stream;
        for (size_t block = next(); block < blocks; block = next())
            for (size_t n = block * BLOCK; n < std::min(count, (block + 1) * BLOCK); n++) {
                tifed_front_end_begin(&stream, &front_end, to + n * outputs, memory.get(), bytes);
                tifed_front_end_put(&stream, from + n * inputs, inputs);
            }
    });
}

void make(tifed_front_end *front_end, uint16_t height, uint16_t width, uint8_t channels,
          uint8_t directions, bool merged) {
    tifed_front_end made{height, width, channels, directions, merged};
    need(tifed_front_end_inputs(&made), "front end: a number is out of range");
    new (front_end) tifed_front_end(made);
}

}  // namespace

void bind_front_end(nb::module_ &m) {
    nb::class_<tifed_front_end>(m, "FrontEnd")
        .def("__init__", &make, nb::kw_only(), nb::arg("height"), nb::arg("width"),
             nb::arg("channels"), nb::arg("directions"), nb::arg("merged"))
        .def_prop_ro("memory", &tifed_front_end_memory)
        .def_prop_ro("inputs", &tifed_front_end_inputs)
        .def_prop_ro("outputs", &tifed_front_end_outputs)
        .def("write_features", &write_features, nb::arg("samples").noconvert(),
             nb::arg("out").noconvert(), nb::kw_only(), nb::arg("threads"));
}

}  // namespace tifed_native
