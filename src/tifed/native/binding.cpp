// What Python sees: typed arrays in, integer sums out, the interpreter free meanwhile.
// tifed.native checks arguments and words the errors; what is checked again here is only what memory
// safety rests on, so that no caller of the extension itself can reach undefined behaviour either.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <climits>
#include <memory>
#include <stdexcept>

#include "extraction_binding.hpp"
#include "fleet_parts.hpp"
#include "front_end_binding.hpp"

namespace nb = nanobind;
using namespace tifed_native;

template <class T, size_t D>
using In = nb::ndarray<const T, nb::ndim<D>, nb::c_contig, nb::device::cpu>;
template <class T, size_t D>
using Out = nb::ndarray<T, nb::ndim<D>, nb::c_contig, nb::device::cpu>;

namespace {

[[noreturn]] void refuse(const std::string &name, const std::string &why) {
    throw nb::value_error((name + ": " + why).c_str());
}

void need(bool condition, const std::string &name, const char *why) {
    if (!condition) refuse(name, why);
}

using LayerFields = std::vector<int64_t>;

class Engine {
public:
    Engine(const std::vector<LayerFields> &layers, const LayerFields &rule,
           const std::string &kernel) {
        need(!layers.empty() && layers.size() <= TIFED_MAX_DEPTH, "layers", "1 to 32 of them");
        need(rule.size() == 5, "rule", "5 numbers");
        auto in = [](int64_t value, int64_t most) {
            need(value >= 0 && value <= most, "layers", "a field is out of range");
            return value;
        };
        for (const LayerFields &f : layers) {
            need(f.size() == 11, "layers", "11 numbers each");
            tifed_layer layer{};
            layer.fan_in = uint32_t(in(f[0], 65536));
            layer.fan_out = uint32_t(in(f[1], 65536));
            layer.rescale_factor = uint32_t(in(f[2], 65536));
            uint8_t *bytes[] = {&layer.rescale_shift,   &layer.rescale_rounding,
                                &layer.update_shift,    &layer.update_rounding,
                                &layer.bias_shift,      &layer.activation,
                                &layer.input_limit,     &layer.weight_bits};
            for (size_t i = 0; i < 8; i++) *bytes[i] = uint8_t(in(f[i + 3], 255));
            network_.layers.push_back(layer);
        }
        network_.rule.layers = network_.layers.data();
        network_.rule.depth = uint8_t(layers.size());
        network_.rule.error = uint8_t(in(rule[0], 255));
        network_.rule.error_level = uint8_t(in(rule[1], 255));
        network_.rule.feedback = uint8_t(in(rule[2], 255));
        network_.rule.input_shift = uint8_t(in(rule[3], 255));
        network_.rule.centred = rule[4] != 0;
        int status = panel_network_init(&network_.panels, &network_.rule);
        if (status == TIFED_ERROR_RANGE)
            refuse("network", "the output's error could pass 32 bits; a larger rescale_shift "
                              "in the last layer makes room");
        need(status == TIFED_OK, "network", "its layers leave no valid 32-bit arithmetic");
        if (kernel == "device" || kernel == "device-seed") {
            regenerate_ = kernel == "device-seed";
            return;
        }
        for (unsigned i = 0; i < panel_kernel_count; i++)
            if (kernel == panel_kernels[i]->name && panel_kernels[i]->supported())
                kernel_ = panel_kernels[i];
        if (!kernel_) refuse("kernel", kernel + " is not one that this processor has");
    }
    Engine(const Engine &) = delete;

    int64_t largest_batch() const { return tifed_largest_batch(&network_.rule); }

    std::vector<uint64_t> fit(In<int8_t, 1> centre, const std::vector<In<int16_t, 2>> &weights,
                              const std::vector<In<int16_t, 1>> &biases,
                              const std::vector<In<int16_t, 2>> &feedback, In<int8_t, 2> samples,
                              In<int32_t, 1> labels, In<int64_t, 1> order,
                              In<int64_t, 2> job_rows, int64_t batch, int64_t extra_shift,
                              uint64_t seed, int64_t exchange, int64_t threads,
                              const std::vector<Out<int64_t, 2>> &weight_sums,
                              const std::vector<Out<int64_t, 1>> &bias_sums) const {
        Given given = checked(centre, weights, biases);
        const auto &layers = network_.layers;
        need(feedback.size() == layers.size() - 1, "feedback", "one matrix per hidden layer");
        for (size_t l = 0; l < feedback.size(); l++) {
            need(feedback[l].shape(0) == network_.panels.classes &&
                     feedback[l].shape(1) == layers[l].fan_out,
                 "feedback", "shape is not (classes, units)");
            given.feedback.push_back(feedback[l].data());
        }
        need(samples.shape(1) == layers[0].fan_in, "samples", "shape is not (samples, features)");
        need(labels.shape(0) == samples.shape(0), "labels", "not as many as samples");
        need(batch >= 1 && batch <= UINT32_MAX, "batch", "not in 1..2**32 - 1");
        need(extra_shift >= 0 && extra_shift <= 6, "extra_shift", "not in 0..6");
        need(exchange >= 0 && exchange <= UINT32_MAX, "exchange", "not in 0..2**32 - 1");
        need(threads >= 1 && threads <= 4096, "threads", "not in 1..4096");
        need(job_rows.shape(1) == sizeof(Job) / sizeof(int64_t), "jobs", "9 numbers each");
        need(weight_sums.size() == layers.size() && bias_sums.size() == layers.size(), "sums",
             "one array per layer");
        Totals totals;
        for (size_t l = 0; l < layers.size(); l++) {
            need(weight_sums[l].shape(0) == layers[l].fan_in &&
                     weight_sums[l].shape(1) == layers[l].fan_out &&
                     bias_sums[l].shape(0) == layers[l].fan_out,
                 "sums", "shape is not that of the layer");
            totals.weights.push_back(weight_sums[l].data());
            totals.biases.push_back(bias_sums[l].data());
        }
        Data data{samples.data(), labels.data(), order.data()};
        auto all = int64_t(samples.shape(0)), listed = int64_t(order.shape(0));
        std::vector<Job> jobs(job_rows.shape(0));
        for (size_t j = 0; j < jobs.size(); j++) {
            const int64_t *row = job_rows.data() + j * job_rows.shape(1);
            Job &job = jobs[j];
            job = {row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8]};
            need(job.device >= 0 && job.device <= UINT32_MAX, "device", "not in 0..2**32 - 1");
            need(job.begin >= 0 && job.begin < job.end && job.end <= listed, "order",
                 "a device's stream is empty or not in it");
            need(job.position >= 0 && job.position < job.end - job.begin, "position",
                 "not in the device's stream");
            need(job.samples >= 1 && job.samples <= (1 << 24), "samples",
                 "a buffer holds 1 to 2**24");
            need(job.first_step >= 0 && job.steps >= 0 && job.first_step <= UINT32_MAX &&
                     job.steps <= UINT32_MAX && job.first_step + job.steps <= UINT32_MAX,
                 "steps", "past 2**32 - 1, or below 0");
            need(job.trained >= 1 && job.trained < (int64_t(1) << layers.size()), "layers",
                 "no such layer");
            need(job.weight >= 1 && job.weight <= INT32_MAX, "weight", "not in 1..2**31 - 1");
            panel_work part{};
            part.count = uint32_t(job.samples);
            part.batch = uint32_t(batch);
            part.trained = uint32_t(job.trained);
            part.extra_shift = uint32_t(extra_shift);
            need(panel_work_fits(&network_.panels, &part), "batch",
                 "a mini-batch of this many samples could overflow a 32-bit gradient");
        }
        Work work{uint32_t(batch), uint32_t(extra_shift), uint32_t(exchange), seed};
        nb::gil_scoped_release release;
        for (int64_t i = 0; i < listed; i++)
            need(data.order[i] >= 0 && data.order[i] < all, "order", "names no sample");
        for (int64_t i = 0; i < all; i++)
            need(data.labels[i] >= 0 && data.labels[i] < int64_t(network_.panels.classes),
                 "labels", "not a class of the network");
        if (kernel_)
            fit_panels(network_, *kernel_, given, data, jobs, work, unsigned(threads), totals);
        else
            fit_core(network_, regenerate_, given, data, jobs, work, unsigned(threads), totals);
        const panel_statistics &s = totals.statistics;
        return {s.visits, s.missed, s.clipped_parameters, s.clipped_deltas};
    }

    void classify(In<int8_t, 1> centre, const std::vector<In<int16_t, 2>> &weights,
                  const std::vector<In<int16_t, 1>> &biases, In<int8_t, 2> samples,
                  Out<int32_t, 1> classes, int64_t threads) const {
        Given given = checked(centre, weights, biases);
        need(samples.shape(1) == network_.layers[0].fan_in, "samples",
             "shape is not (samples, features)");
        need(classes.shape(0) == samples.shape(0), "out", "not as long as samples");
        need(threads >= 1 && threads <= 4096, "threads", "not in 1..4096");
        nb::gil_scoped_release release;
        if (kernel_)
            classify_panels(network_, *kernel_, given, samples.data(), samples.shape(0),
                            unsigned(threads), classes.data());
        else
            classify_core(network_, given, samples.data(), samples.shape(0), unsigned(threads),
                          classes.data());
    }

private:
    // Pointers to arrays whose shapes and values the arithmetic can rely on.
    Given checked(const In<int8_t, 1> &centre, const std::vector<In<int16_t, 2>> &weights,
                  const std::vector<In<int16_t, 1>> &biases) const {
        const auto &layers = network_.layers;
        need(centre.shape(0) == layers[0].fan_in, "centre", "not as long as a sample");
        need(weights.size() == layers.size(), "weights", "one array per layer");
        need(biases.size() == layers.size(), "biases", "one array per layer");
        if (!network_.rule.centred)
            for (size_t i = 0; i < centre.shape(0); i++)
                need(centre.data()[i] == 0, "centre", "not 0 where the network has no centre");
        Given given{centre.data(), {}, {}, {}};
        for (size_t l = 0; l < layers.size(); l++) {
            need(weights[l].shape(0) == layers[l].fan_in &&
                     weights[l].shape(1) == layers[l].fan_out,
                 "weights", "shape is not (fan_in, fan_out)");
            need(biases[l].shape(0) == layers[l].fan_out, "biases", "shape is not (fan_out,)");
            int32_t bound = tifed_weight_bound(&layers[l]);
            need(within(weights[l].data(), weights[l].size(), bound), "weights",
                 "beyond their bound");
            need(within(biases[l].data(), biases[l].size(), 32767), "biases",
                 "beyond their bound");
            given.weights.push_back(weights[l].data());
            given.biases.push_back(biases[l].data());
        }
        return given;
    }

    static bool within(const int16_t *values, size_t count, int32_t bound) {
        int16_t least = 0, most = 0;
        for (size_t i = 0; i < count; i++) {
            least = std::min(least, values[i]);
            most = std::max(most, values[i]);
        }
        return most <= bound && least >= -bound;
    }

    Network network_;
    const panel_kernel *kernel_ = nullptr;
    bool regenerate_ = false;
};

}  // namespace

NB_MODULE(_native, m) {
    m.doc() = "The C core; use tifed.native, which checks and explains.";
    m.def("kernels", [] {
        std::vector<std::string> names;
        for (unsigned i = 0; i < panel_kernel_count; i++)
            if (panel_kernels[i]->supported()) names.emplace_back(panel_kernels[i]->name);
        return names;
    });
    m.def("peak", [](const std::string &name, uint32_t rounds) {
        for (unsigned i = 0; i < panel_kernel_count; i++)
            if (name == panel_kernels[i]->name && panel_kernels[i]->supported()) {
                nb::gil_scoped_release release;
                return panel_kernels[i]->peak(rounds);
            }
        refuse("kernel", name + " is not one that this processor has");
    });
    bind_extraction(m);
    bind_front_end(m);
    nb::class_<Engine>(m, "Engine")
        .def(nb::init<const std::vector<LayerFields> &, const LayerFields &,
                      const std::string &>(),
             nb::arg("layers"), nb::arg("rule"), nb::arg("kernel"))
        .def_prop_ro("largest_batch", &Engine::largest_batch)
        .def("fit", &Engine::fit, nb::arg("centre").noconvert(), nb::arg("weights").noconvert(),
             nb::arg("biases").noconvert(), nb::arg("feedback").noconvert(),
             nb::arg("samples").noconvert(), nb::arg("labels").noconvert(),
             nb::arg("order").noconvert(), nb::arg("jobs").noconvert(), nb::arg("batch"),
             nb::arg("extra_shift"), nb::arg("seed"), nb::arg("exchange"), nb::arg("threads"),
             nb::arg("weight_sums").noconvert(), nb::arg("bias_sums").noconvert())
        .def("classify", &Engine::classify, nb::arg("centre").noconvert(),
             nb::arg("weights").noconvert(), nb::arg("biases").noconvert(),
             nb::arg("samples").noconvert(), nb::arg("out").noconvert(), nb::arg("threads"));
}
