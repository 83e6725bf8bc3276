"""Boards that a library says it is for: those whose kinds of processor run the tests."""

AVR = "avr"
"""Runs vectors (tests/core/test_avr.py) and an exported library (tests/export/test_avr.py).

The others, by their names in `tifed.board.firmware.emulated_boards`, run whole federations
(tests/fleets).
"""

_M0, _M3, _M4, _M7, _RISCV = "cortex-m0", "cortex-m3", "cortex-m4", "cortex-m7", "riscv32"

# A Cortex-M0+ has the M0's instructions (ARMv6-M), so it counts as one. A name stands here if
# boards of it have one of these processors; some cover boards with another one too that no test
# has run: Cortex-M33 (stm32, rp2040, renesas-ra). Left out are names without a tested one: esp8266
# and esp32 (Xtensa, or other RISC-V beside it), renesas_portenta (Cortex-M33), megaavr (not in
# simavr).
ARDUINO: dict[str, tuple[str, ...]] = {
    "avr": (AVR,),
    "samd": (_M0, _M4),
    "sam": (_M3,),
    "mbed": (_M0, _M4, _M7),
    "mbed_nano": (_M0, _M4),
    "mbed_rp2040": (_M0,),
    "mbed_nicla": (_M4, _M7),
    "mbed_portenta": (_M4, _M7),
    "mbed_giga": (_M4, _M7),
    "mbed_opta": (_M7,),
    "renesas_uno": (_M4,),
    "nrf52": (_M4,),
    "stm32": (_M0, _M3, _M4, _M7),
    "rp2040": (_M0,),
}
"""Processors that run the tests, by what the boards of Arduino's ``architectures`` have."""

PLATFORMIO: dict[str, tuple[str, ...]] = {
    "atmelavr": (AVR,),
    "atmelsam": (_M0, _M3, _M4),
    "nordicnrf51": (_M0,),
    "nordicnrf52": (_M4,),
    "raspberrypi": (_M0,),
    "ststm32": (_M0, _M3, _M4, _M7),
    "renesas-ra": (_M4,),
    "teensy": (AVR, _M0, _M4, _M7),
    "gd32v": (_RISCV,),
}
"""The same for PlatformIO's ``platforms``."""
