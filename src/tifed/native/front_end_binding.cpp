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

struct FrontEnd {
    tifed_front_end first;
    bool second_order;  // whether edges of second order follow, which only octants can have

    uint32_t inputs() const { return tifed_front_end_inputs(&first); }
    uint32_t outputs() const {
        return second_order ? tifed_second_order_outputs(&first) : tifed_front_end_outputs(&first);
    }
    size_t memory() const {
        return second_order ? tifed_second_order_memory(&first) : tifed_front_end_memory(&first);
    }
};

void write_features(const FrontEnd &front_end, In<int8_t, 2> samples, Out<int8_t, 2> out,
                    int64_t threads) {
    size_t count = samples.shape(0);
    uint32_t inputs = front_end.inputs(), outputs = front_end.outputs();
    need(samples.shape(1) == inputs, "samples", "not as long as the front end takes");
    need(out.shape(0) == count && out.shape(1) == outputs, "out", "another shape");
    need(threads >= 1 && threads <= 4096, "threads", "not in 1..4096");
    const int8_t *from = samples.data();
    int8_t *to = out.data();
    nb::gil_scoped_release release;
    size_t blocks = (count + BLOCK - 1) / BLOCK, bytes = front_end.memory();
    parallel(blocks, unsigned(threads), [&](auto next) {
        Memory memory = zeroed(bytes);
        tifed_front_end_stream stream;
        tifed_second_order second;
        for (size_t block = next(); block < blocks; block = next())
            for (size_t n = block * BLOCK; n < std::min(count, (block + 1) * BLOCK); n++) {
                int8_t *features = to + n * outputs;
                if (front_end.second_order)
                    tifed_second_order_begin(&stream, &second, &front_end.first, features,
                                             memory.get(), bytes);
                else
                    tifed_front_end_begin(&stream, &front_end.first, features, memory.get(), bytes);
                tifed_front_end_put(&stream, from + n * inputs, inputs);
            }
    });
}

// A number of the front end in it, by the number's name.
template <class V> Field<FrontEnd> of_first(const char *name, V tifed_front_end::*member) {
    Field<tifed_front_end> field = number(name, member);
    return {name, [=](FrontEnd &it, nb::handle given) { field.set(it.first, given); }};
}

}  // namespace

void bind_front_end(nb::module_ &m) {
    std::vector<Field<FrontEnd>> fields = {
        of_first("height", &tifed_front_end::height),
        of_first("width", &tifed_front_end::width),
        of_first("channels", &tifed_front_end::channels),
        of_first("directions", &tifed_front_end::directions),
        of_first("merged", &tifed_front_end::merged),
        number("second_order", &FrontEnd::second_order),
    };
    nb::class_<FrontEnd>(m, "FrontEnd")
        .def("__init__",
             [fields = std::move(fields)](FrontEnd *it, const nb::kwargs &given) {
                 FrontEnd made = from_names(fields, given);
                 need(made.outputs(), "front end", "a number is out of range");
                 new (it) FrontEnd(made);
             })
        .def_prop_ro("memory", &FrontEnd::memory)
        .def_prop_ro("inputs", &FrontEnd::inputs)
        .def_prop_ro("outputs", &FrontEnd::outputs)
        .def("write_features", &write_features, nb::arg("samples").noconvert(),
             nb::arg("out").noconvert(), nb::kw_only(), nb::arg("threads"));
}

}  // namespace tifed_native
