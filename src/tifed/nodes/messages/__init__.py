"""What a server asks of a node that hosts devices, and what the node answers.

A message is numbers, texts and integer arrays; how it travels is another's affair: Flower
(`tifed.nodes.flower.format`), or a gateway's socket (`tifed.nodes.gateway.wire`).
"""

from tifed.nodes.messages.content import Content, MessageError, message

__all__ = ["Content", "MessageError", "message"]
