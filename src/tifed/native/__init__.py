"""The learning rule in C: the device's own core, and host kernels at the processor's speed."""

from tifed.native.engine import DEVICE_KERNELS, JOB_FIELDS, Native, default_threads, kernels
from tifed.native.extraction import extract

__all__ = ["DEVICE_KERNELS", "JOB_FIELDS", "Native", "default_threads", "extract", "kernels"]
