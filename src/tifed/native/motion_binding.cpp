// The front end of a motion sensor for Python: what the device's own code makes of many windows, spread
// over threads, while the interpreter is free. tifed.native.motion words the errors.
#include "motion_binding.hpp"

#include <algorithm>

#include "../core/tifed_motion.h"
#include "aligned.hpp"
#include "arguments.hpp"
#include "parallel.hpp"

namespace tifed_native {
namespace {

constexpr size_t BLOCK = 16;  // windows that a thread takes at a time

void write_features(const tifed_motion &motion, In<int16_t, 3> windows, Out<int8_t, 2> out,
                    bool mirrored, int64_t threads) {
    size_t count = windows.shape(0), outputs = tifed_motion_features(&motion);
    need(windows.shape(1) == motion.window && windows.shape(2) == motion.axes, "windows",
         "not as the front end takes them");
    need(out.shape(0) == count && out.shape(1) == outputs, "out", "another shape");
    need(threads >= 1 && threads <= 4096, "threads", "not in 1..4096");
    const int16_t *from = windows.data();
    int8_t *to = out.data();
    nb::gil_scoped_release release;
    size_t blocks = (count + BLOCK - 1) / BLOCK, bytes = tifed_motion_memory(&motion);
    parallel(blocks, unsigned(threads), [&](auto next) {
        Memory memory = zeroed(bytes);
        tifed_motion_stream stream;
        for (size_t block = next(); block < blocks; block = next())
            for (size_t n = block * BLOCK; n < std::min(count, (block + 1) * BLOCK); n++) {
                tifed_motion_begin(&stream, &motion, mirrored, memory.get(), bytes);
                for (size_t t = 0; t < motion.window; t++)
                    tifed_motion_put(&stream, from + (n * motion.window + t) * motion.axes);
                tifed_motion_window(&stream, to + n * outputs);
            }
    });
}

}  // namespace

void bind_motion(nb::module_ &m) {
    std::vector<Field<tifed_motion>> fields = {
        number("axes", &tifed_motion::axes),
        number("window", &tifed_motion::window),
        number("hop", &tifed_motion::hop),
        number("mirrored", &tifed_motion::mirrored),
    };
    nb::class_<tifed_motion>(m, "Motion")
        .def("__init__",
             [fields = std::move(fields)](tifed_motion *it, const nb::kwargs &given) {
                 tifed_motion made = from_names(fields, given);
                 need(tifed_motion_features(&made), "motion", "a number is out of range");
                 new (it) tifed_motion(made);
             })
        .def_prop_ro("memory", [](const tifed_motion &it) { return tifed_motion_memory(&it); })
        .def_prop_ro("features", [](const tifed_motion &it) { return tifed_motion_features(&it); })
        .def("write_features", &write_features, nb::arg("windows").noconvert(),
             nb::arg("out").noconvert(), nb::kw_only(), nb::arg("mirrored"), nb::arg("threads"));
}

}  // namespace tifed_native
