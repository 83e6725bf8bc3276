"""A device whose updates leave it under masks alone, as constants in C."""

MASKED_SWITCH = "TIFED_DEVICE_MASKED"
"""What ``device.h`` is compiled with where a device has masks."""

MASKED_STACK = 2048
"""Bytes of stack of firmware with masks: agreeing on a key takes most of it."""
