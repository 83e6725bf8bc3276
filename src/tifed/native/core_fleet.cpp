// The fleet on the device's own core, byte for byte as a firmware uses it: slow, for equality.
#include <algorithm>
#include <mutex>
#include <stdexcept>
#include <string>

#include "../core/tifed_shifts.h"
#include "aligned.hpp"
#include "clipping.hpp"
#include "fleet_parts.hpp"
#include "parallel.hpp"
#include "upload.hpp"

namespace tifed_native {
namespace {

void must(int status, const char *what) {
    if (status < 0)
        throw std::runtime_error(std::string("core: ") + what + " gave " + std::to_string(status));
}

// int8 or int16 weights of a layer as flash would hold them.
std::vector<int8_t> narrowed(const tifed_layer &layer, const int16_t *weights) {
    std::size_t count = std::size_t(layer.fan_in) * layer.fan_out;
    std::vector<int8_t> narrow;
    if (layer.weight_bits == 8)
        for (std::size_t i = 0; i < count; i++) narrow.push_back(int8_t(weights[i]));
    return narrow;
}

class Device {
public:
    Device(const Network &network, const Given &given, uint32_t trained, uint32_t buffer,
           uint32_t batch, bool regenerate, uint64_t seed, const tifed_source *source = nullptr)
        : network_(network), frozen_(network.layers.size()), narrow_(network.layers.size()) {
        tifed_config config{};
        config.network = &network.rule;
        config.trained = trained;
        config.buffer = buffer;
        config.batch = batch;
        config.seed_low = uint32_t(seed);
        config.seed_high = uint32_t(seed >> 32);
        config.source = source;
        if (!regenerate) {
            config.feedback = given.feedback.data();
            for (std::size_t l = 0; l < network.layers.size(); l++) {
                if (trained >> l & 1) continue;
                narrow_[l] = narrowed(network.layers[l], given.weights[l]);
                bool narrow = network.layers[l].weight_bits == 8;
                frozen_[l].weights = narrow ? static_cast<const void *>(narrow_[l].data())
                                            : static_cast<const void *>(given.weights[l]);
                frozen_[l].biases = given.biases[l];
            }
            config.frozen = frozen_.data();
        }
        std::size_t bytes = tifed_memory_size(&config);
        memory_ = zeroed(bytes);
        must(tifed_init(&core, &config, memory_.get(), bytes), "tifed_init");
        if (network.rule.centred)
            must(tifed_put_centre(&core, 0, network.layers[0].fan_in, given.centre), "centre");
        for (uint32_t l = 0; l < network.layers.size(); l++)
            if (!frozen_[l].weights) put(l, given.weights[l], given.biases[l]);
    }

    void put(uint32_t l, const int16_t *weights, const int16_t *biases) {
        const tifed_layer &layer = network_.layers[l];
        uint32_t count = layer.fan_in * layer.fan_out, all = count + layer.fan_out;
        std::vector<uint8_t> wire;
        for (uint32_t i = 0; i < all; i++) {
            auto value = uint16_t(i < count ? weights[i] : biases[i - count]);
            wire.push_back(uint8_t(value));
            if (i >= count || layer.weight_bits == 16) wire.push_back(uint8_t(value >> 8));
        }
        // In pieces of an odd size, as they would arrive.
        for (uint32_t first = 0; first < all; first += 37) {
            uint32_t piece = std::min(37u, all - first);
            must(tifed_put_parameters(&core, l, first, piece,
                                      wire.data() + tifed_wire_size(&core, l, 0, first)),
                 "put_parameters");
        }
    }

    // A layer's weights and then its biases, as they come from a device.
    std::vector<int16_t> get(uint32_t l) const {
        const tifed_layer &layer = network_.layers[l];
        uint32_t count = layer.fan_in * layer.fan_out, all = count + layer.fan_out;
        std::vector<uint8_t> wire(tifed_wire_size(&core, l, 0, all));
        must(tifed_get_parameters(&core, l, 0, all, wire.data()), "get_parameters");
        std::vector<int16_t> values(all);
        const uint8_t *byte = wire.data();
        for (uint32_t i = 0; i < all; i++) {
            if (i < count && layer.weight_bits == 8) {
                values[i] = int8_t(*byte++);
            } else {
                values[i] = int16_t(uint16_t(byte[0] | byte[1] << 8));
                byte += 2;
            }
        }
        return values;
    }

    tifed core{};

private:
    const Network &network_;
    std::vector<tifed_frozen> frozen_;
    std::vector<std::vector<int8_t>> narrow_;
    Memory memory_;
};

// What a device with copies of its samples asks for at each visit.
struct Copies {
    const Data &data;
    const Job &job;
    uint32_t features;
    int64_t start;  // of the buffer

    const int8_t *sample(uint32_t place, int64_t copy) const {
        return data.samples + (copy * data.all + sample_at(data, job, start + place)) * features;
    }
    uint32_t label(uint32_t place) const {
        return uint32_t(data.labels[sample_at(data, job, start + place)]);
    }

    static void write(void *context, const tifed *t, uint32_t place, int8_t *sample) {
        const auto *copies = static_cast<const Copies *>(context);
        uint32_t copy = tifed_chosen_copy(t, place, copies->data.copies);
        std::copy_n(copies->sample(place, copy), copies->features, sample);
    }
};

// One layer's weights and biases before and after a device's work.
struct Layer {
    uint32_t number;
    std::vector<int16_t> sent, trained;
};

std::vector<int16_t> joined(const Network &network, const Given &given, uint32_t l) {
    const tifed_layer &layer = network.layers[l];
    std::vector<int16_t> values(given.weights[l],
                                given.weights[l] + std::size_t(layer.fan_in) * layer.fan_out);
    values.insert(values.end(), given.biases[l], given.biases[l] + layer.fan_out);
    return values;
}

// `change`: how the weights have gone up; nullptr if they have not.
void add(const Network &network, const Layer &layer, const panel_change *change, int64_t weight,
         Totals &totals) {
    const tifed_layer &shape = network.layers[layer.number];
    std::size_t count = std::size_t(shape.fan_in) * shape.fan_out;
    for (std::size_t i = 0; i < layer.trained.size(); i++) {
        int64_t value = layer.trained[i];
        if (change && change->top && i < count)
            value = panel_goes_up(change, uint32_t(i / shape.fan_out / 2))
                        ? panel_rebuilt(value, change->shift, layer.sent[i], 1)
                        : 0;
        (i < count ? totals.weights[layer.number][i] : totals.biases[layer.number][i - count]) +=
            value * weight;
    }
}

}  // namespace

void fit_core(const Network &network, bool regenerate, const Given &given, const Data &data,
              const std::vector<Job> &jobs, const Work &work, Totals &totals) {
    std::mutex mutex;
    uint32_t features = network.layers[0].fan_in;
    parallel(jobs.size(), work.threads, [&](auto next) {
        for (std::size_t number; (number = next()) < jobs.size();) {
            const Job &job = jobs[number];
            auto batch = uint32_t(std::min<int64_t>(work.batch, job.samples));
            Copies copies{data, job, features, 0};
            const tifed_source source{Copies::write, &copies};
            Device device(network, given, uint32_t(job.trained), uint32_t(job.samples), batch,
                          regenerate, work.seed, data.copies > 1 ? &source : nullptr);
            panel_statistics statistics{};
            for (Visit visit(data, job, work); visit.next();) {
                copies.start = visit.start;
                tifed_clear(&device.core);
                for (uint32_t s = 0; s < uint32_t(job.samples); s++)
                    must(tifed_add_sample(&device.core, copies.sample(s, 0), copies.label(s)),
                         "add_sample");
                tifed_work part{visit.first_step,     visit.steps,   work.extra_shift,
                                uint32_t(job.device), work.exchange, work.energy_shift};
                must(tifed_train(&device.core, &part), "train");
                statistics.visits += device.core.statistics.visits;
                statistics.missed += device.core.statistics.missed;
                statistics.clipped_parameters += device.core.statistics.clipped_parameters;
                statistics.clipped_deltas += device.core.statistics.clipped_deltas;
            }
            std::vector<Layer> layers;
            for (uint32_t l = 0; l < network.layers.size(); l++)
                if (job.trained >> l & 1)
                    layers.push_back({l, joined(network, given, l), device.get(l)});
            hold(*panel_kernels[0], job, work, uint32_t(network.layers.size()), totals.norms,
                 number, [&](uint32_t l, auto use) {
                     for (Layer &layer : layers)
                         if (layer.number == l)
                             use(layer.sent.data(), layer.trained.data(), layer.sent.size());
                 });
            std::vector<panel_change> changes;
            for (Layer &layer : layers) {
                if (work.upload.empty()) continue;
                const tifed_layer &shape = network.layers[layer.number];
                changes.push_back(change_of(work, job, layer.number));
                int8_t *left = residual_of(totals, shape, layer.number, number);
                if (left)
                    keep(changes.back(), layer.sent.data(), layer.trained.data(), left,
                         std::size_t(shape.fan_in) * shape.fan_out);
                else
                    shorten(shape, changes.back(), layer.sent.data(), layer.trained.data());
                count_frames(shape, changes.back(), work.frame, totals.coded + 2 * number,
                             [&](int16_t *numbers) {
                                 return take_out(shape, changes.back(), layer.trained.data(),
                                                 numbers);
                             });
            }
            std::lock_guard<std::mutex> lock(mutex);
            for (std::size_t i = 0; i < layers.size(); i++)
                add(network, layers[i], changes.empty() ? nullptr : &changes[i], job.weight,
                    totals);
            totals.statistics.visits += statistics.visits;
            totals.statistics.missed += statistics.missed;
            totals.statistics.clipped_parameters += statistics.clipped_parameters;
            totals.statistics.clipped_deltas += statistics.clipped_deltas;
        }
    });
}

void classify_core(const Network &network, const Given &given, const int8_t *samples,
                   std::size_t count, unsigned threads, int32_t *classes) {
    constexpr std::size_t ROWS = 64;
    parallel((count + ROWS - 1) / ROWS, threads, [&](auto next) {
        Device device(network, given, 0, 0, 0, false, 0);
        for (std::size_t first; (first = next() * ROWS) < count;)
            for (std::size_t s = first; s < std::min(first + ROWS, count); s++) {
                classes[s] = tifed_classify(&device.core, samples + s * network.layers[0].fan_in);
                must(classes[s], "classify");
            }
    });
}

}  // namespace tifed_native
