// Front ends' part of the extension module.
#pragma once
#include <nanobind/nanobind.h>

namespace tifed_native {

void bind_front_end(nanobind::module_ &m);

}  // namespace tifed_native
