// The fleet on a host kernel: one resident network and one running sum per thread.
#include <algorithm>
#include <cstring>
#include <mutex>

#include "aligned.hpp"
#include "clipping.hpp"
#include "fleet_parts.hpp"
#include "parallel.hpp"
#include "upload.hpp"

namespace tifed_native {
namespace {

constexpr uint32_t CLASSIFY_ROWS = 52;  // four tiles of thirteen: weights are read once for all
constexpr int64_t MOST_WEIGHT = 65535;  // of sums of int16 that int32 holds

// The given parameters in panels.
struct Image {
    Memory memory;
    panel_model model{};

    Image(const Network &network, const panel_kernel &kernel, const Given &given) {
        uint32_t depth = network.panels.depth;
        uint32_t all = depth < 32 ? (1u << depth) - 1u : ~0u;
        memory = zeroed(panel_model_bytes(&network.panels, all));
        panel_model_init(&network.panels, &model, all, memory.get());
        for (uint32_t l = 0; l < depth; l++) {
            const panel_layer &layer = network.panels.layers[l];
            kernel.pack(&layer, model.weights[l], given.weights[l]);
            std::memcpy(model.biases[l], given.biases[l], layer.fan_out * sizeof(int16_t));
        }
    }
};

struct Feedback {
    Memory memory;
    panel_model model{};

    Feedback(const Network &network, const panel_kernel &kernel, const Given &given) {
        memory = zeroed(panel_feedback_bytes(&network.panels));
        panel_feedback_init(&network.panels, &model, memory.get());
        for (uint32_t l = 0; l + 1 < network.panels.depth; l++) {
            panel_layer matrix{};
            matrix.fan_in = network.panels.classes;
            matrix.fan_out = network.panels.layers[l].fan_out;
            matrix.pairs = (matrix.fan_in + 1) / 2;
            matrix.panels = network.panels.layers[l].panels;
            kernel.pack(&matrix, model.weights[l], given.feedback[l]);
        }
    }
};

struct Workspace {
    Memory memory;
    panel_workspace workspace{};

    Workspace(const Network &network, uint32_t batch, uint32_t buffer) {
        memory = zeroed(panel_workspace_bytes(&network.panels, batch, buffer));
        panel_workspace_init(&network.panels, &workspace, batch, buffer, memory.get());
    }
};

// Sums of one thread: int32 in panels, carried over to int64 before they could overflow.
class Sums {
public:
    Sums(const Network &network, const panel_kernel &kernel, const Image &image, const Work &work,
         Totals &totals, std::mutex &mutex)
        : network_(network), kernel_(kernel), totals_(totals), mutex_(mutex) {
        uint32_t depth = network.panels.depth;
        origins_.resize(depth);
        for (uint32_t l = 0; l < work.upload.size(); l++)
            if (work.upload[l].top)
                origins_[l] = {
                    image.model.weights[l], work.upload[l].shift, work.upload[l].rows, {}};
        weight_ = std::vector<int64_t>(depth, 0);
        weights_.resize(depth);
        biases_.resize(depth);
    }

    // What has been made of a layer; `turn`: the first pair of rows that is not 0 of short numbers.
    void add(uint32_t l, const panel_model &model, int64_t weight, uint32_t turn) {
        const panel_layer &layer = network_.panels.layers[l];
        std::size_t count = panel_weights(&layer), units = std::size_t(layer.panels) * PANEL;
        if (!weights_[l]) {
            weights_[l] = zeroed(count * sizeof(int32_t));
            biases_[l] = zeroed(units * sizeof(int32_t));
        }
        while (weight > 0) {
            int64_t part = std::min(weight, MOST_WEIGHT);
            if (weight_[l] + part > MOST_WEIGHT) carry(l);
            kernel_.accumulate(static_cast<int32_t *>(weights_[l].get()), model.weights[l], count,
                               int32_t(part));
            kernel_.accumulate(static_cast<int32_t *>(biases_[l].get()), model.biases[l], units,
                               int32_t(part));
            weight_[l] += part;
            origins_[l].samples[turn] += int32_t(part);
            weight -= part;
        }
    }

    void carry(uint32_t l) {
        if (weight_[l] == 0) return;
        const panel_layer &layer = network_.panels.layers[l];
        auto *biases = static_cast<int32_t *>(biases_[l].get());
        std::lock_guard<std::mutex> lock(mutex_);
        kernel_.unpack(&layer, &origins_[l], totals_.weights[l],
                       static_cast<int32_t *>(weights_[l].get()));
        for (uint32_t o = 0; o < layer.fan_out; o++) totals_.biases[l][o] += biases[o];
        std::memset(biases, 0, std::size_t(layer.panels) * PANEL * sizeof(int32_t));
        weight_[l] = 0;
        std::fill(std::begin(origins_[l].samples), std::end(origins_[l].samples), 0);
    }

private:
    const Network &network_;
    const panel_kernel &kernel_;
    Totals &totals_;
    std::mutex &mutex_;
    std::vector<int64_t> weight_;
    std::vector<panel_origin> origins_;
    std::vector<Memory> weights_, biases_;
};

}  // namespace

void fit_panels(const Network &network, const panel_kernel &kernel, const Given &given,
                const Data &data, const std::vector<Job> &jobs, const Work &work, Totals &totals) {
    const panel_network &panels = network.panels;
    const Image image(network, kernel, given);
    const Feedback feedback(network, kernel, given);
    std::mutex mutex;
    uint32_t trained = 0;
    int64_t most = 1;
    for (const Job &job : jobs) {
        trained |= uint32_t(job.trained);
        most = std::max(most, job.samples);
    }
    uint32_t stride = panels.layers[0].pairs;
    uint32_t batch = uint32_t(std::min<int64_t>(work.batch, most));

    parallel(jobs.size(), work.threads, [&](auto next) {
        Memory own = aligned(panel_model_bytes(&panels, trained));  // each job copies all of it
        panel_model resident{};
        panel_model_init(&panels, &resident, trained, own.get());
        Workspace workspace(network, batch, uint32_t(most));
        Memory inputs = aligned(std::size_t(most) * stride * sizeof(uint32_t));
        auto *rows = static_cast<uint32_t *>(inputs.get());
        std::vector<int32_t> labels(std::size_t(most), 0);
        Sums sums(network, kernel, image, work, totals, mutex);
        panel_statistics statistics{};
        for (std::size_t number; (number = next()) < jobs.size();) {
            const Job &job = jobs[number];
            panel_model model = image.model;
            for (uint32_t l = 0; l < panels.depth; l++) {
                if (!(job.trained >> l & 1)) continue;
                const panel_layer &layer = panels.layers[l];
                std::memcpy(resident.weights[l], image.model.weights[l],
                            panel_weights(&layer) * sizeof(int16_t));
                std::memcpy(resident.biases[l], image.model.biases[l],
                            std::size_t(layer.panels) * PANEL * sizeof(int16_t));
                model.weights[l] = resident.weights[l];
                model.biases[l] = resident.biases[l];
            }
            panel_work part{};
            part.inputs = rows;
            part.labels = labels.data();
            part.count = uint32_t(job.samples);
            part.batch = work.batch;
            part.trained = uint32_t(job.trained);
            part.extra_shift = work.extra_shift;
            part.energy_shift = work.energy_shift;
            part.seed_low = uint32_t(work.seed);
            part.seed_high = uint32_t(work.seed >> 32);
            part.device = uint32_t(job.device);
            part.exchange = work.exchange;
            for (Visit visit(data, job, work); visit.next();) {
                for (uint32_t s = 0; s < part.count; s++) {
                    int64_t sample = sample_at(data, job, visit.start + s);
                    kernel.load(&panels, rows + std::size_t(s) * stride,
                                data.samples + visit.row(s, sample) * panels.layers[0].fan_in,
                                given.centre);
                    labels[s] = data.labels[sample];
                }
                part.first_step = visit.first_step;
                part.steps = visit.steps;
                kernel.train(&panels, &model, &feedback.model, &workspace.workspace, &part,
                             &statistics);
            }
            hold(kernel, job, work, panels.depth, totals.norms, number, [&](uint32_t l, auto use) {
                const panel_layer &layer = panels.layers[l];
                use(image.model.weights[l], model.weights[l], panel_weights(&layer));
                use(image.model.biases[l], model.biases[l], std::size_t(layer.panels) * PANEL);
            });
            for (uint32_t l = 0; l < panels.depth; l++) {
                if (!(job.trained >> l & 1)) continue;
                uint32_t turn = 0;
                if (!work.upload.empty()) {
                    panel_change change = change_of(work, job, l);
                    turn = change.first;
                    int8_t *left = residual_of(totals, network.layers[l], l, number);
                    if (left)
                        kernel.keep(&panels.layers[l], &change, image.model.weights[l],
                                    model.weights[l], left);
                    else
                        kernel.shorten(&panels.layers[l], &change, image.model.weights[l],
                                       model.weights[l]);
                    count_frames(network.layers[l], change, work.frame, totals.coded + 2 * number,
                                 [&](int16_t *numbers) {
                                     return kernel.take_out(&panels.layers[l], &change,
                                                            model.weights[l], numbers);
                                 });
                }
                sums.add(l, model, job.weight, turn);
            }
        }
        for (uint32_t l = 0; l < panels.depth; l++) sums.carry(l);
        std::lock_guard<std::mutex> lock(mutex);
        totals.statistics.visits += statistics.visits;
        totals.statistics.missed += statistics.missed;
        totals.statistics.clipped_parameters += statistics.clipped_parameters;
        totals.statistics.clipped_deltas += statistics.clipped_deltas;
    });
}

void classify_panels(const Network &network, const panel_kernel &kernel, const Given &given,
                     const int8_t *samples, std::size_t count, unsigned threads, int32_t *classes) {
    const panel_network &panels = network.panels;
    const Image image(network, kernel, given);
    uint32_t stride = panels.layers[0].pairs;
    parallel((count + CLASSIFY_ROWS - 1) / CLASSIFY_ROWS, threads, [&](auto next) {
        Workspace workspace(network, CLASSIFY_ROWS, 0);
        Memory inputs = aligned(CLASSIFY_ROWS * std::size_t(stride) * sizeof(uint32_t));
        auto *rows = static_cast<uint32_t *>(inputs.get());
        for (std::size_t first; (first = next() * CLASSIFY_ROWS) < count;) {
            auto taken = uint32_t(std::min<std::size_t>(CLASSIFY_ROWS, count - first));
            for (uint32_t s = 0; s < taken; s++)
                kernel.load(&panels, rows + std::size_t(s) * stride,
                            samples + (first + s) * panels.layers[0].fan_in, given.centre);
            kernel.classify(&panels, &image.model, &workspace.workspace, rows, taken,
                            classes + first);
        }
    });
}

}  // namespace tifed_native
