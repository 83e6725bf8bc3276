// Log-mel energies for Python: what the device's own code makes of many recordings, spread over
// threads, while the interpreter is free. tifed.native.log_mel words the errors.
#include <algorithm>

#include "../core/tifed_log_mel.h"
#include "aligned.hpp"
#include "arguments.hpp"
#include "log_mel_binding.hpp"
#include "parallel.hpp"

namespace tifed_native {
namespace {

constexpr size_t BANDS = TIFED_LOG_MEL_BANDS;

// `samples` are all recordings one after the other, `ends` where each ends; `rows` of a picture, or
// 0 for slices. A recording arrives in pieces, as on a device.
void log_mel(In<int16_t, 1> samples, In<int64_t, 1> ends, int64_t rows, int64_t piece,
             Out<int8_t, 2> out, int64_t threads) {
    size_t count = ends.shape(0);
    need(rows == 0 || (rows >= 2 && rows <= int64_t(TIFED_LOG_MEL_MOST_ROWS)), "rows",
         "not in 2..1024");
    need(piece >= 1 && piece <= INT32_MAX, "piece", "not in 1..2147483647");
    need(threads >= 1 && threads <= 4096, "threads", "not in 1..4096");
    size_t features = (rows ? size_t(rows) : size_t(TIFED_LOG_MEL_SLICES)) * BANDS;
    need(out.shape(0) == count && out.shape(1) == features, "out", "another shape");
    const int16_t *from = samples.data();
    const int64_t *end = ends.data();
    const int64_t most =
        TIFED_LOG_MEL_WINDOW + int64_t(TIFED_LOG_MEL_HOP) * TIFED_LOG_MEL_MOST_FRAMES;
    for (size_t n = 0; n < count; n++) {
        int64_t length = end[n] - (n ? end[n - 1] : 0);
        need(length >= 1 && length < most, "recordings", "one is empty or too long");
    }
    need((count ? end[count - 1] : 0) == int64_t(samples.shape(0)), "ends", "not those of samples");
    int8_t *to = out.data();
    nb::gil_scoped_release release;
    parallel(count, unsigned(threads), [&](auto next) {
        Memory energies = zeroed(TIFED_LOG_MEL_MOST_FRAMES * BANDS * sizeof(int16_t));
        tifed_log_mel sound;
        for (size_t n = next(); n < count; n = next()) {
            tifed_log_mel_begin(&sound, static_cast<int16_t *>(energies.get()),
                                TIFED_LOG_MEL_MOST_FRAMES);
            for (int64_t at = n ? end[n - 1] : 0; at < end[n]; at += piece)
                tifed_log_mel_put(&sound, from + at, uint32_t(std::min(piece, end[n] - at)));
            if (rows)
                tifed_log_mel_end_picture(&sound, to + n * features, uint16_t(rows));
            else
                tifed_log_mel_end(&sound, to + n * features);
        }
    });
}

}  // namespace

void bind_log_mel(nb::module_ &m) {
    m.def("log_mel", &log_mel, nb::arg("samples").noconvert(), nb::arg("ends").noconvert(),
          nb::kw_only(), nb::arg("rows"), nb::arg("piece"), nb::arg("out").noconvert(),
          nb::arg("threads"));
}

}  // namespace tifed_native
