// Front ends for Python: a struct of named numbers, and what the device's own code makes of many
// samples, spread over threads, while the interpreter is free. tifed.native.front_end words the errors.
#include <algorithm>

#include "../core/tifed_second_order.h"
#include "aligned.hpp"
#include "arguments.hpp"
#include "front_end_binding.hpp"
#include "parallel.hpp"

namespace tifed_native {
namespace {

constexpr size_t BLOCK = 64;  // samples that a thread takes at a time

void write_features(const tifed_front_end &front_end, In<int8_t, 2> samples, Out<int8_t, 2> out,
                    int64_t threads) {
    size_t count = samples.shape(0);
    uint32_t inputs = tifed_front_end_inputs(&front_end);
    uint32_t outputs = tifed_front_end_outputs(&front_end);
    need(samples.shape(1) == inputs, "samples", "not as long as the front end takes");
    need(out.shape(0) == count && out.shape(1) == outputs, "out", "another shape");
    need(threads >= 1 && threads <= 4096, "threads", "not in 1..4096");
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

// What follows, as a truth.
void follow(tifed_front_end &it, nb::handle given) {
    bool second = false;
    need(nb::try_cast<bool>(given, second), "second_order", "not a truth");
    it.second = second ? &tifed_second_order : nullptr;
}

}  // namespace

void bind_front_end(nb::module_ &m) {
    std::vector<Field<tifed_front_end>> fields = {
        number("height", &tifed_front_end::height),
        number("width", &tifed_front_end::width),
        number("channels", &tifed_front_end::channels),
        number("directions", &tifed_front_end::directions),
        number("merged", &tifed_front_end::merged),
        {"second_order", follow},
    };
    nb::class_<tifed_front_end>(m, "FrontEnd")
        .def("__init__",
             [fields = std::move(fields)](tifed_front_end *it, const nb::kwargs &given) {
                 tifed_front_end made = from_names(fields, given);
                 need(tifed_front_end_outputs(&made), "front end", "a number is out of range");
                 new (it) tifed_front_end(made);
             })
        .def_prop_ro("memory",
                     [](const tifed_front_end &it) { return tifed_front_end_memory(&it); })
        .def_prop_ro("inputs",
                     [](const tifed_front_end &it) { return tifed_front_end_inputs(&it); })
        .def_prop_ro("outputs",
                     [](const tifed_front_end &it) { return tifed_front_end_outputs(&it); })
        .def("write_features", &write_features, nb::arg("samples").noconvert(),
             nb::arg("out").noconvert(), nb::kw_only(), nb::arg("threads"));
}

}  // namespace tifed_native
