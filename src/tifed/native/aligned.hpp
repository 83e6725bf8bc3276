// Memory for panels, given back when its owner goes.
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

inline Memory aligned(std::size_t bytes, std::size_t alignment = 64) {
    std::size_t whole = (bytes + alignment) / alignment * alignment;
    Memory memory(std::aligned_alloc(alignment, whole));
    if (!memory) throw std::bad_alloc();
    return memory;
}

inline Memory zeroed(std::size_t bytes) {
    Memory memory = aligned(bytes);
    std::memset(memory.get(), 0, bytes);
    return memory;
}

}  // namespace tifed_native
