// Zeroed memory for panels, given back when its owner goes.
#pragma once
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

namespace tifed_native {

struct Free {
    void operator()(void *memory) const { std::free(memory); }
};

using Memory = std::unique_ptr<void, Free>;

inline Memory zeroed(std::size_t bytes, std::size_t alignment = 64) {
    std::size_t whole = (bytes + alignment) / alignment * alignment;
    void *memory = std::aligned_alloc(alignment, whole);
    if (!memory) throw std::bad_alloc();
    std::memset(memory, 0, whole);
    return Memory(memory);
}

}  // namespace tifed_native
