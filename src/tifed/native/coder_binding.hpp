// The coder's part of the extension module.
#pragma once
#include <nanobind/nanobind.h>

namespace tifed_native {

void bind_coder(nanobind::module_ &m);

}  // namespace tifed_native
