// Log-mel energies for Python.
#pragma once
#include <nanobind/nanobind.h>

namespace tifed_native {

void bind_log_mel(nanobind::module_ &m);

}  // namespace tifed_native
