cmake_minimum_required(VERSION 3.16)
# The component is the folder above; `main` may use every component.
set(EXTRA_COMPONENT_DIRS "${CMAKE_CURRENT_LIST_DIR}/../..")
include($ENV{IDF_PATH}/tools/cmake/project.cmake)
project(tifed_learn)
