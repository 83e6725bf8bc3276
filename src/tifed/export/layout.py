"""Where each build system wants a library's files."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """A build system's own layout.

    Attributes:
        sources: folder of C files and internal headers.
        headers: folder of what a user's program includes.
        shared: (template, path) of what a library has once, however many models it has.
        examples: folder of example programs; a model with a prefix has a folder of its own there.
        programs: (template, path below that folder) of the programs of a model.
    """

    sources: str
    headers: str
    shared: tuple[tuple[str, str], ...]
    examples: str
    programs: tuple[tuple[str, str], ...]


FRAMEWORKS: dict[str, Layout] = {
    "arduino": Layout(
        sources="src",
        headers="src",
        shared=(
            ("arduino/library.properties", "library.properties"),
            ("arduino/keywords.txt", "keywords.txt"),
            ("arduino/README.md", "README.md"),
        ),
        examples="examples",
        programs=(
            ("arduino/learn.ino", "Learn/Learn.ino"),
            ("arduino/federated.ino", "Federated/Federated.ino"),
        ),
    ),
    "platformio": Layout(
        sources="src",
        headers="include",
        shared=(
            ("platformio/library.json", "library.json"),
            ("platformio/README.md", "README.md"),
        ),
        examples="examples",
        programs=(
            ("platformio/platformio.ini", "learn/platformio.ini"),
            ("platformio/learn.cpp", "learn/src/main.cpp"),
            ("platformio/federated.ini", "federated/platformio.ini"),
            ("platformio/federated.cpp", "federated/src/main.cpp"),
        ),
    ),
    "zephyr": Layout(
        sources="src",
        headers="include",
        shared=(
            ("zephyr/module.yml", "zephyr/module.yml"),
            ("zephyr/CMakeLists.txt", "zephyr/CMakeLists.txt"),
            ("zephyr/Kconfig", "zephyr/Kconfig"),
            ("zephyr/README.md", "README.md"),
        ),
        examples="samples",
        programs=(
            ("zephyr/sample.cmake", "learn/CMakeLists.txt"),
            ("zephyr/prj.conf", "learn/prj.conf"),
            ("zephyr/sample.yaml", "learn/sample.yaml"),
            ("zephyr/main.c", "learn/src/main.c"),
            ("zephyr/federated.cmake", "federated/CMakeLists.txt"),
            ("zephyr/federated.conf", "federated/prj.conf"),
            ("zephyr/federated.yaml", "federated/sample.yaml"),
            ("zephyr/federated.overlay", "federated/boards/nrf52840dk_nrf52840.overlay"),
            ("zephyr/federated.c", "federated/src/main.c"),
        ),
    ),
    "esp-idf": Layout(
        sources="src",
        headers="include",
        shared=(
            ("esp-idf/CMakeLists.txt", "CMakeLists.txt"),
            ("esp-idf/idf_component.yml", "idf_component.yml"),
            ("esp-idf/README.md", "README.md"),
        ),
        examples="examples",
        programs=(
            ("esp-idf/project.cmake", "learn/CMakeLists.txt"),
            ("esp-idf/main.cmake", "learn/main/CMakeLists.txt"),
            ("esp-idf/main.c", "learn/main/main.c"),
            ("esp-idf/federated_project.cmake", "federated/CMakeLists.txt"),
            ("esp-idf/federated.defaults", "federated/sdkconfig.defaults"),
            ("esp-idf/federated_main.cmake", "federated/main/CMakeLists.txt"),
            ("esp-idf/federated.c", "federated/main/main.c"),
        ),
    ),
    "cmake": Layout(
        sources="src",
        headers="include",
        shared=(
            ("cmake/CMakeLists.txt", "CMakeLists.txt"),
            ("cmake/config.cmake", "cmake/tifedConfig.cmake"),
            ("cmake/README.md", "README.md"),
        ),
        examples="examples",
        programs=(
            ("cmake/learn.c", "learn.c"),
            ("cmake/federated.c", "federated.c"),
        ),
    ),
}
