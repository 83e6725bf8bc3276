"""Emulated microcontrollers: one per device, with a line to each."""
