"""What a server asks of a node that hosts devices, and what the node answers.

A message is numbers, texts and integer arrays; how it travels is another's affair: Flower
(`tifed.nodes.flower.format`), a gateway's socket (`tifed.nodes.gateway.wire`), or anything that
carries bytes (`tifed.nodes.messages.encoding`).
"""

from tifed.nodes.messages.content import Content, MessageError, message

__all__ = ["Content", "MessageError", "message"]
