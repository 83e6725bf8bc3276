"""What a server asks of a node that hosts devices, and what the node answers.

A message is numbers, texts and integer arrays; how it travels is another's affair: Flower
(`tifed.flower.format`), or a gateway's socket (`tifed.gateway.wire`).
"""

from tifed.messages.content import Content, MessageError, message

__all__ = ["Content", "MessageError", "message"]
