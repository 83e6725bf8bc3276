"""The server's half of a run over nodes, whatever carries the messages.

A carrier is a `tifed.nodes.serving.transport.Transport`. Nothing in here changes a result: an
experiment has the digest that it has with `tifed.run`.
"""
