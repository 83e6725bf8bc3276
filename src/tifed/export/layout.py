"""Where each build system wants a library's files."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """A build system's own layout.

    Attributes:
        sources: folder of C files and internal headers.
        headers: folder of what a user's program includes.
        files: (template, path) of the build system's own files and of examples.
    """

    sources: str
    headers: str
    files: tuple[tuple[str, str], ...]


FRAMEWORKS: dict[str, Layout] = {
    "arduino": Layout(
        sources="src",
        headers="src",
        files=(
            ("arduino/library.properties", "library.properties"),
            ("arduino/keywords.txt", "keywords.txt"),
            ("arduino/learn.ino", "examples/Learn/Learn.ino"),
            ("arduino/federated.ino", "examples/Federated/Federated.ino"),
            ("arduino/README.md", "README.md"),
        ),
    ),
    "platformio": Layout(
        sources="src",
        headers="include",
        files=(
            ("platformio/library.json", "library.json"),
            ("platformio/platformio.ini", "examples/learn/platformio.ini"),
            ("platformio/learn.cpp", "examples/learn/src/main.cpp"),
            ("platformio/federated.ini", "examples/federated/platformio.ini"),
            ("platformio/federated.cpp", "examples/federated/src/main.cpp"),
            ("platformio/README.md", "README.md"),
        ),
    ),
    "zephyr": Layout(
        sources="src",
        headers="include",
        files=(
            ("zephyr/module.yml", "zephyr/module.yml"),
            ("zephyr/CMakeLists.txt", "zephyr/CMakeLists.txt"),
            ("zephyr/Kconfig", "zephyr/Kconfig"),
            ("zephyr/sample.cmake", "samples/learn/CMakeLists.txt"),
            ("zephyr/prj.conf", "samples/learn/prj.conf"),
            ("zephyr/sample.yaml", "samples/learn/sample.yaml"),
            ("zephyr/main.c", "samples/learn/src/main.c"),
            ("zephyr/README.md", "README.md"),
        ),
    ),
    "esp-idf": Layout(
        sources="src",
        headers="include",
        files=(
            ("esp-idf/CMakeLists.txt", "CMakeLists.txt"),
            ("esp-idf/idf_component.yml", "idf_component.yml"),
            ("esp-idf/project.cmake", "examples/learn/CMakeLists.txt"),
            ("esp-idf/main.cmake", "examples/learn/main/CMakeLists.txt"),
            ("esp-idf/main.c", "examples/learn/main/main.c"),
            ("esp-idf/README.md", "README.md"),
        ),
    ),
    "cmake": Layout(
        sources="src",
        headers="include",
        files=(
            ("cmake/CMakeLists.txt", "CMakeLists.txt"),
            ("cmake/learn.c", "examples/learn.c"),
            ("cmake/federated.c", "examples/federated.c"),
            ("cmake/README.md", "README.md"),
        ),
    ),
}
