"""A gateway: a process that owns the lines to its boards and answers for them.

Whoever starts a process per message, as a Flower SuperNode may, reaches the boards through it. It
has no experiment of its own: it is told one with every request, so a fleet's gateways are started
once, and another experiment needs nobody to log in to them.
"""
