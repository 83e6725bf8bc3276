// What Python sees: typed arrays in, integer sums out, the interpreter free meanwhile.
// tifed.native checks arguments and words the errors; what is checked again here is only what memory
// safety rests on, so that no caller of the extension itself can reach undefined behaviour either.
#include <algorithm>

#include "arguments.hpp"
#include "coder_binding.hpp"
#include "extraction_binding.hpp"
#include "fleet_parts.hpp"
#include "front_end_binding.hpp"
#include "motion_binding.hpp"
#include "log_mel_binding.hpp"
#include "upload.hpp"
#include "../core/tifed_rule.h"

using namespace tifed_native;

namespace {

// Arrays as Python gives them; they are checked where the network is known.
struct ParameterArrays {
    In<int8_t, 1> centre;
    std::vector<In<int16_t, 2>> weights;
    std::vector<In<int16_t, 1>> biases;
};

struct SharedSamples {
    In<int8_t, 3> samples;
    In<int32_t, 1> labels;
    In<int64_t, 1> order;
};

struct Sums {
    std::vector<Out<int64_t, 2>> weights;
    std::vector<Out<int64_t, 1>> biases;
    Out<int64_t, 2> norms;
    Out<int64_t, 2> coded;
    std::vector<Out<int8_t, 3>> residuals;
};

struct Jobs {
    std::vector<Job> rows;
    bool counted = false;
};

// A column of numbers, one per job; the first says how many jobs there are.
Field<Jobs> column(const char *name, int64_t Job::*member) {
    return {name, [=](Jobs &jobs, nb::handle given) {
                nb::ndarray<const int64_t, nb::ndim<1>, nb::device::cpu> values;
                need(nb::try_cast(given, values, false), name, "is not an int64 array (jobs,)");
                if (!jobs.counted) jobs.rows.resize(values.shape(0));
                jobs.counted = true;
                need(values.shape(0) == jobs.rows.size(), name, "is not as long as the others");
                for (size_t j = 0; j < jobs.rows.size(); j++) jobs.rows[j].*member = values(j);
            }};
}

// Bounds on what is changed, per layer.
Field<Work> clips(const char *name) {
    return {name, [=](Work &work, nb::handle given) {
                need(nb::try_cast(given, work.clips), name, "is not a list of 32-bit numbers");
            }};
}

// How weights go up, per layer.
Field<Work> changes(const char *name) {
    return {name, [=](Work &work, nb::handle given) {
                need(nb::try_cast(given, work.upload), name, "is not a list of changes");
            }};
}

class Engine {
public:
    Engine(const std::vector<tifed_layer> &layers, const tifed_network &rule,
           const std::string &kernel) {
        need(!layers.empty() && layers.size() <= TIFED_MAX_DEPTH, "layers", "1 to 32 of them");
        network_.layers = layers;
        network_.rule = rule;
        network_.rule.layers = network_.layers.data();
        network_.rule.depth = uint8_t(layers.size());
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

    std::vector<uint64_t> fit(const ParameterArrays &parameters,
                              const std::vector<In<int16_t, 2>> &feedback,
                              const SharedSamples &shared, const Jobs &jobs, const Work &work,
                              const Sums &sums) const {
        Given given = checked(parameters);
        const auto &layers = network_.layers;
        need(feedback.size() == layers.size() - 1, "feedback", "one matrix per hidden layer");
        for (size_t l = 0; l < feedback.size(); l++) {
            need(feedback[l].shape(0) == network_.panels.classes &&
                     feedback[l].shape(1) == layers[l].fan_out,
                 "feedback", "shape is not (classes, units)");
            given.feedback.push_back(feedback[l].data());
        }
        auto copies = shared.samples.shape(0);
        need(copies >= 1 && copies <= 65535 && shared.samples.shape(2) == layers[0].fan_in,
             "samples", "shape is not (copies, samples, features)");
        need(shared.labels.shape(0) == shared.samples.shape(1), "labels", "not as many as samples");
        need(work.batch >= 1, "batch", "not in 1..2**32 - 1");
        need(work.extra_shift <= 6, "extra_shift", "not in 0..6");
        need(tifed_update_shift(layers.data(), 0, work.extra_shift, work.energy_shift) <=
                 TIFED_LARGEST_SHIFT,
             "energy_shift", "with it the first layer's update shift is not in 0..30");
        need(work.threads >= 1 && work.threads <= 4096, "threads", "not in 1..4096");
        need(work.upload.empty() || work.upload.size() == layers.size(), "upload",
             "not one for each layer");
        for (const Change &change : work.upload) {
            need(change.top <= 127 && change.shift <= 14 && change.rows >= 1 && change.rows <= 16,
                 "upload", "a value of a change is out of its range");
            need(change.unit >= -1 && change.unit <= 7 &&
                     (change.unit < 0 || (change.top > 0 && change.rows == 1)),
                 "upload", "a unit is out of its range, or goes with no numbers of all rows");
            need(work.frame == 0 || work.frame >= 3 * bits_of(change.top), "frame",
                 "is shorter than 3 bytes for each bit of a short number");
        }
        Totals totals = checked(sums, work, jobs.rows.size());
        auto all = int64_t(shared.samples.shape(1)), listed = int64_t(shared.order.shape(0));
        Data data{shared.samples.data(), shared.labels.data(), shared.order.data(), all,
                  uint32_t(copies)};
        for (const Job &job : jobs.rows) check(job, work, listed);
        nb::gil_scoped_release release;
        for (int64_t i = 0; i < listed; i++)
            need(data.order[i] >= 0 && data.order[i] < all, "order", "names no sample");
        for (int64_t i = 0; i < all; i++)
            need(data.labels[i] >= 0 && data.labels[i] < int64_t(network_.panels.classes), "labels",
                 "not a class of the network");
        if (kernel_)
            fit_panels(network_, *kernel_, given, data, jobs.rows, work, totals);
        else
            fit_core(network_, regenerate_, given, data, jobs.rows, work, totals);
        const panel_statistics &s = totals.statistics;
        return {s.visits, s.missed, s.clipped_parameters, s.clipped_deltas};
    }

    void classify(const ParameterArrays &parameters, In<int8_t, 2> samples, Out<int32_t, 1> classes,
                  int64_t threads) const {
        Given given = checked(parameters);
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
    Given checked(const ParameterArrays &parameters) const {
        const auto &[centre, weights, biases] = parameters;
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
            need(within(biases[l].data(), biases[l].size(), 32767), "biases", "beyond their bound");
            given.weights.push_back(weights[l].data());
            given.biases.push_back(biases[l].data());
        }
        return given;
    }

    Totals checked(const Sums &sums, const Work &work, size_t jobs) const {
        const auto &layers = network_.layers;
        need(sums.weights.size() == layers.size() && sums.biases.size() == layers.size(), "sums",
             "one array per layer");
        need(work.clips.empty() || work.clips.size() == layers.size(), "clips", "one per layer");
        need(std::find(work.clips.begin(), work.clips.end(), 0u) == work.clips.end(), "clips",
             "a bound is 1 or more");
        size_t columns = work.clips.empty() ? 1 : layers.size();
        need(sums.norms.shape(0) == jobs && sums.norms.shape(1) == columns, "norms",
             "shape is not (jobs, bounds)");
        Totals totals;
        need(sums.coded.shape(0) == jobs && sums.coded.shape(1) == 2, "coded",
             "shape is not (jobs, 2)");
        totals.norms = sums.norms.data();
        totals.coded = sums.coded.data();
        for (size_t l = 0; l < layers.size(); l++) {
            need(sums.weights[l].shape(0) == layers[l].fan_in &&
                     sums.weights[l].shape(1) == layers[l].fan_out &&
                     sums.biases[l].shape(0) == layers[l].fan_out,
                 "sums", "shape is not that of the layer");
            totals.weights.push_back(sums.weights[l].data());
            totals.biases.push_back(sums.biases[l].data());
        }
        need(sums.residuals.size() == work.upload.size(), "residuals", "not one for each change");
        for (size_t l = 0; l < work.upload.size(); l++) {
            const auto &left = sums.residuals[l];
            bool kept = work.upload[l].unit >= 0;
            need(!kept || (left.shape(0) == jobs && left.shape(1) == layers[l].fan_in &&
                           left.shape(2) == layers[l].fan_out),
                 "residuals", "shape is not (jobs, fan_in, fan_out)");
            totals.residuals.push_back(kept ? left.data() : nullptr);
        }
        return totals;
    }

    // That a job stays within the order of `listed` samples, and its sums within 32 bits.
    void check(const Job &job, const Work &work, int64_t listed) const {
        need(job.device >= 0 && job.device <= UINT32_MAX, "device", "not in 0..2**32 - 1");
        need(job.begin >= 0 && job.begin < job.end && job.end <= listed, "order",
             "a device's stream is empty or not in it");
        need(job.position >= 0 && job.position < job.end - job.begin, "position",
             "not in the device's stream");
        need(job.samples >= 1 && job.samples <= (1 << 24), "samples", "a buffer holds 1 to 2**24");
        need(job.first_step >= 0 && job.steps >= 0 && job.first_step <= UINT32_MAX &&
                 job.steps <= UINT32_MAX && job.first_step + job.steps <= UINT32_MAX,
             "steps", "past 2**32 - 1, or below 0");
        need(job.trained >= 1 && job.trained < (int64_t(1) << network_.layers.size()), "layers",
             "no such layer");
        need(job.weight >= 1 && job.weight <= INT32_MAX, "weight", "not in 1..2**31 - 1");
        need(job.clip >= 0 && job.clip <= UINT32_MAX, "clip", "not in 0..2**32 - 1");
        panel_work part{};
        part.count = uint32_t(job.samples);
        part.batch = work.batch;
        part.trained = uint32_t(job.trained);
        part.extra_shift = work.extra_shift;
        part.energy_shift = work.energy_shift;
        need(panel_work_fits(&network_.panels, &part), "batch",
             "a mini-batch of this many samples could overflow a 32-bit gradient");
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
    bind_motion(m);
    bind_log_mel(m);
    bind_coder(m);
    bind_fields<tifed_layer>(m, "Layer",
                             {number("fan_in", &tifed_layer::fan_in),
                              number("fan_out", &tifed_layer::fan_out),
                              number("rescale_factor", &tifed_layer::rescale_factor),
                              number("rescale_shift", &tifed_layer::rescale_shift),
                              number("rescale_rounding", &tifed_layer::rescale_rounding),
                              number("update_shift", &tifed_layer::update_shift),
                              number("update_rounding", &tifed_layer::update_rounding),
                              number("bias_shift", &tifed_layer::bias_shift),
                              number("activation", &tifed_layer::activation),
                              number("input_limit", &tifed_layer::input_limit),
                              number("weight_bits", &tifed_layer::weight_bits)});
    bind_fields<tifed_network>(m, "Rule",
                               {number("error", &tifed_network::error),
                                number("error_level", &tifed_network::error_level),
                                number("feedback", &tifed_network::feedback),
                                number("input_shift", &tifed_network::input_shift),
                                number("centred", &tifed_network::centred)});
    bind_fields<Change>(m, "Change",
                        {number("top", &Change::top), number("shift", &Change::shift),
                         number("rows", &Change::rows), number("unit", &Change::unit)});
    bind_fields<Work>(m, "Work",
                      {number("batch", &Work::batch), number("extra_shift", &Work::extra_shift),
                       number("seed", &Work::seed), number("round", &Work::round),
                       number("exchange", &Work::exchange), number("threads", &Work::threads),
                       number("energy_shift", &Work::energy_shift), changes("upload"),
                       number("frame", &Work::frame), clips("clips"),
                       number("steps_per_buffer", &Work::steps_per_buffer)});
    bind_fields<Jobs>(m, "Jobs",
                      {column("device", &Job::device), column("begin", &Job::begin),
                       column("end", &Job::end), column("position", &Job::position),
                       column("samples", &Job::samples), column("first_step", &Job::first_step),
                       column("steps", &Job::steps), column("layers", &Job::trained),
                       column("weight", &Job::weight), column("clip", &Job::clip)});
    nb::class_<ParameterArrays>(m, "Parameters")
        .def(nb::init<In<int8_t, 1>, std::vector<In<int16_t, 2>>, std::vector<In<int16_t, 1>>>(),
             nb::arg("centre").noconvert(), nb::arg("weights").noconvert(),
             nb::arg("biases").noconvert());
    nb::class_<SharedSamples>(m, "SharedSamples")
        .def(nb::init<In<int8_t, 3>, In<int32_t, 1>, In<int64_t, 1>>(),
             nb::arg("samples").noconvert(), nb::arg("labels").noconvert(),
             nb::arg("order").noconvert());
    nb::class_<Sums>(m, "Sums").def(
        nb::init<std::vector<Out<int64_t, 2>>, std::vector<Out<int64_t, 1>>, Out<int64_t, 2>,
                 Out<int64_t, 2>, std::vector<Out<int8_t, 3>>>(),
        nb::arg("weights").noconvert(), nb::arg("biases").noconvert(), nb::arg("norms").noconvert(),
        nb::arg("coded").noconvert(), nb::arg("residuals").noconvert());
    nb::class_<Engine>(m, "Engine")
        .def(nb::init<const std::vector<tifed_layer> &, const tifed_network &,
                      const std::string &>(),
             nb::arg("layers"), nb::arg("rule"), nb::arg("kernel"))
        .def_prop_ro("largest_batch", &Engine::largest_batch)
        .def("fit", &Engine::fit, nb::arg("parameters"), nb::arg("feedback").noconvert(),
             nb::arg("samples"), nb::arg("jobs"), nb::arg("work"), nb::arg("sums"))
        .def("classify", &Engine::classify, nb::arg("parameters"), nb::arg("samples").noconvert(),
             nb::arg("out").noconvert(), nb::arg("threads"));
}
