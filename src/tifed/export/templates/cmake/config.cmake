include(${CMAKE_CURRENT_LIST_DIR}/tifedTargets.cmake)
