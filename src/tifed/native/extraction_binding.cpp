// Feature extraction for Python: constants are copied and checked once, samples are spread over
// threads, the interpreter is free meanwhile. tifed.extractor.native words the errors.
#include <algorithm>

#include "host/extraction.h"
#include "aligned.hpp"
#include "arguments.hpp"
#include "extraction_binding.hpp"
#include "parallel.hpp"

namespace tifed_native {
namespace {

constexpr size_t BLOCK = 16;  // samples that a thread takes at a time

class Extractor {
public:
    // quads: packed, and empty for max-pooling.
    Extractor(const std::vector<int64_t> &shape, int64_t zero,
              const std::vector<tifed_feature_layer> &layers,
              const std::vector<In<uint32_t, 1>> &quads, const std::string &kernel) {
        need(shape.size() == 3 && zero >= -128 && zero <= 127, "input", "three sides and an int8");
        need(!layers.empty() && layers.size() <= TIFED_EXTRACTOR_DEPTH, "layers",
             "1 to 32 of them");
        need(quads.size() == layers.size(), "layers", "as many arrays as layers");
        auto side = [](int64_t value) {
            need(value >= 0 && value <= UINT16_MAX, "input", "a side is out of range");
            return uint16_t(value);
        };
        extractor_.height = side(shape[0]);
        extractor_.width = side(shape[1]);
        extractor_.channels = side(shape[2]);
        extractor_.input_zero = int8_t(zero);
        for (size_t l = 0; l < layers.size(); l++) {
            quads_.emplace_back(quads[l].data(), quads[l].data() + quads[l].size());
            layers_.push_back(layers[l]);
            layers_[l].quads = quads_[l].empty() ? nullptr : quads_[l].data();
        }
        extractor_.layers = layers_.data();
        extractor_.depth = uint8_t(layers.size());
        check_lengths();
        int status = tifed_features_check(&extractor_);
        need(status != TIFED_ERROR_RANGE, "layers", "a sum could pass 32 bits");
        need(status == TIFED_OK, "layers", "they do not fit together");
        if (kernel == "device") return;
        for (unsigned k = 0; k < extraction_kernel_count; k++)
            if (kernel == extraction_kernels[k]->name && extraction_kernels[k]->supported())
                kernel_ = extraction_kernels[k];
        need(kernel_, "kernel", "not one that this processor has");
        constants_ = zeroed(extraction_bytes(&extractor_));
        extraction_init(&network_, &extractor_, constants_.get());
    }
    Extractor(const Extractor &) = delete;

    size_t memory() const { return tifed_features_memory(&extractor_); }

    void extract(In<int8_t, 2> samples, Out<int8_t, 2> features, int64_t threads) const {
        size_t inputs = tifed_features_inputs(&extractor_), count = samples.shape(0);
        size_t outputs = tifed_features_outputs(&extractor_);
        need(samples.shape(1) == inputs, "samples", "not as long as the extractor takes");
        need(features.shape(0) == count && features.shape(1) == outputs, "out", "another shape");
        need(threads >= 1 && threads <= 4096, "threads", "not in 1..4096");
        const int8_t *from = samples.data();
        int8_t *to = features.data();
        nb::gil_scoped_release release;
        parallel((count + BLOCK - 1) / BLOCK, unsigned(threads), [&](auto next) {
            size_t bytes = kernel_ ? extraction_workspace_bytes(&network_) : memory();
            Memory workspace = zeroed(bytes);
            size_t blocks = (count + BLOCK - 1) / BLOCK;
            for (size_t block = next(); block < blocks; block = next())
                for (size_t n = block * BLOCK; n < std::min(count, (block + 1) * BLOCK); n++)
                    if (kernel_)
                        extraction_run(&network_, kernel_, from + n * inputs, to + n * outputs,
                                       workspace.get());
                    else
                        tifed_features_extract(&extractor_, from + n * inputs, to + n * outputs,
                                               workspace.get(), bytes);
        });
    }

private:
    // Memory safety rests on it: what C reads is there.
    void check_lengths() const {
        tifed_plane plane{extractor_.height, extractor_.width, extractor_.channels};
        need(tifed_plane_fits(plane), "input", "a side or the whole is out of range");
        for (size_t l = 0; l < layers_.size(); l++) {
            const tifed_feature_layer &layer = layers_[l];
            tifed_plane before = plane;
            need(tifed_plane_after(&layer, before, &plane), "layers", "they do not fit together");
            if (!layer.quads) continue;
            size_t groups =
                (size_t(layer.kernel_height) * layer.kernel_width * before.channels + 3) / 4;
            need(quads_[l].size() == (size_t(layer.units) + 3) / 4 * TIFED_QUAD_WORDS(groups),
                 "layers", "an array has another length than its layer");
        }
    }

    std::vector<std::vector<uint32_t>> quads_;
    std::vector<tifed_feature_layer> layers_;
    tifed_extractor extractor_{};
    extraction_network network_{};
    const extraction_kernel *kernel_ = nullptr;
    Memory constants_;
};

}  // namespace

void bind_extraction(nb::module_ &m) {
    m.def("extraction_kernels", [] {
        std::vector<std::string> names;
        for (unsigned k = 0; k < extraction_kernel_count; k++)
            if (extraction_kernels[k]->supported()) names.emplace_back(extraction_kernels[k]->name);
        return names;
    });
    using Layer = tifed_feature_layer;
    bind_fields<Layer>(
        m, "FeatureLayer",
        {number("units", &Layer::units), number("kernel_height", &Layer::kernel_height),
         number("kernel_width", &Layer::kernel_width), number("stride", &Layer::stride),
         number("padding", &Layer::padding), number("relu", &Layer::relu)});
    nb::class_<Extractor>(m, "Extractor")
        .def(nb::init<const std::vector<int64_t> &, int64_t,
                      const std::vector<tifed_feature_layer> &,
                      const std::vector<In<uint32_t, 1>> &, const std::string &>(),
             nb::arg("shape"), nb::arg("zero"), nb::arg("layers"), nb::arg("quads"),
             nb::arg("kernel"))
        .def_prop_ro("memory", &Extractor::memory)
        .def("extract", &Extractor::extract, nb::arg("samples").noconvert(),
             nb::arg("out").noconvert(), nb::arg("threads"));
}

}  // namespace tifed_native
