"""From a user's numbers to int8: how the map is chosen, what it is, and its file."""
