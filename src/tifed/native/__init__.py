"""The learning rule in C: the device's own core, and host kernels at the processor's speed."""
