"""Nodes, each of which answers for some of an experiment's devices, and what serves them."""
