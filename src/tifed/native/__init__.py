"""The learning rule in C: the device's own core, and host kernels at the processor's speed."""

from tifed.native.engine import DEVICE_KERNELS, JOB_FIELDS, Native, default_threads, kernels

__all__ = ["DEVICE_KERNELS", "JOB_FIELDS", "Native", "default_threads", "kernels"]
