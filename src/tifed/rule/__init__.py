"""The learning rule in integers: arithmetic, networks, the oracle, recipes."""
