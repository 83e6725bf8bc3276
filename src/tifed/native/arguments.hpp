// Arguments from Python: arrays that are not copied, and structs of C whose fields Python names.
#pragma once
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace tifed_native {

namespace nb = nanobind;

template <class T, size_t D>
using In = nb::ndarray<const T, nb::ndim<D>, nb::c_contig, nb::device::cpu>;
template <class T, size_t D> using Out = nb::ndarray<T, nb::ndim<D>, nb::c_contig, nb::device::cpu>;

[[noreturn]] inline void refuse(const std::string &name, const std::string &why) {
    throw nb::value_error((name + ": " + why).c_str());
}

inline void need(bool condition, const char *name, const char *why) {
    if (!condition) refuse(name, why);
}

// A field of T, and how it is set from what Python gives.
template <class T> struct Field {
    const char *name;
    std::function<void(T &, nb::handle)> set;
};

// A whole number; what the member cannot hold is refused.
template <class T, class V> Field<T> number(const char *name, V T::*member) {
    using Wide = std::conditional_t<std::is_same_v<V, uint64_t>, uint64_t, int64_t>;
    return {name, [=](T &it, nb::handle given) {
                Wide value = 0;
                need(nb::try_cast<Wide>(given, value) &&
                         value >= Wide(std::numeric_limits<V>::lowest()) &&
                         value <= Wide(std::numeric_limits<V>::max()),
                     name, "not a whole number that its field in C can hold");
                it.*member = V(value);
            }};
}

// Sets every field of a T by its name: none may be missing, and there are no others.
template <class T> T from_names(const std::vector<Field<T>> &fields, const nb::kwargs &given) {
    T made{};
    for (const Field<T> &field : fields) {
        need(given.contains(field.name), field.name, "is missing");
        field.set(made, given[field.name]);
    }
    need(given.size() == fields.size(), "fields", "one is given that there is not");
    return made;
}

// Binds T as a class that Python makes from its fields, all of them by name.
template <class T>
void bind_fields(nb::module_ &m, const char *name, std::vector<Field<T>> fields) {
    nb::class_<T>(m, name).def("__init__",
                               [fields = std::move(fields)](T *it, const nb::kwargs &given) {
                                   new (it) T(from_names(fields, given));
                               });
}

}  // namespace tifed_native
