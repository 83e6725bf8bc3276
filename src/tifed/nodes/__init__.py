"""A node: whoever answers for some of an experiment's devices."""
