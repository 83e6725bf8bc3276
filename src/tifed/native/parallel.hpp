// Pieces of work for a few threads; the first exception is thrown again where they are awaited.
#pragma once
#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace tifed_native {

// `body(next)` runs once per thread and calls next() for the number of its next piece, or `pieces`.
template <class Body> void parallel(std::size_t pieces, unsigned threads, Body body) {
    std::atomic<std::size_t> counter{0};
    auto next = [&] { return std::min(counter.fetch_add(1), pieces); };
    std::exception_ptr failure;
    std::mutex mutex;
    auto guarded = [&] {
        try {
            body(next);
        } catch (...) {
            std::lock_guard<std::mutex> lock(mutex);
            failure = failure ? failure : std::current_exception();
            counter = pieces;
        }
    };
    std::size_t wanted = std::min<std::size_t>(threads, pieces);
    std::vector<std::thread> others;
    for (std::size_t i = 1; i < wanted; i++) {
        try {
            others.emplace_back(guarded);
        } catch (const std::system_error &) {
            break;  // the system has no more threads: those that run do the rest
        }
    }
    guarded();
    for (auto &other : others) other.join();
    if (failure) std::rethrow_exception(failure);
}

}  // namespace tifed_native
