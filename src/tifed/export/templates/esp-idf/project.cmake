cmake_minimum_required(VERSION 3.16)
# The component is this folder; `main` may use every component.
set(EXTRA_COMPONENT_DIRS "${CMAKE_CURRENT_LIST_DIR}/{{ names.up }}")
include($ENV{IDF_PATH}/tools/cmake/project.cmake)
project({{ names.target }}_{{ program | default("learn") }})
