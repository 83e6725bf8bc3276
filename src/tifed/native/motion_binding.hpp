// The motion sensor's front end's part of the extension module.
#pragma once
#include <nanobind/nanobind.h>

namespace tifed_native {

void bind_motion(nanobind::module_ &m);

}  // namespace tifed_native
