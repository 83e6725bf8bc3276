"""A device with short updates (SPEC, section 25), as constants in C."""

SHORT_SWITCH = "TIFED_DEVICE_SHORT"
"""What ``device.h`` is compiled with where a device sends and takes short updates."""

CODER_SWITCH = "TIFED_DEVICE_CODER"
"""The same where it codes their numbers as well."""

QUIET_SWITCH = "TIFED_DEVICE_QUIET"
"""The same where it answers an exchange as a whole."""
