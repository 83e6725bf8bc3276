"""Messages as Flower carries them: a ``RecordDict`` of one or two configurations.

A SuperLink keeps each record and each array of a message as an object of its own, which whoever
gets the message pulls with a request of its own. So arrays travel as the bytes of a safetensors
file in the configuration. What is the same for many nodes is a record that all of them share, of
which the SuperLink keeps one.
"""

from flwr.app import ConfigRecord, Message, RecordDict

from tifed.nodes.messages import Content, MessageError
from tifed.nodes.messages.content import LONGEST_REASON, Arrays, check_head
from tifed.nodes.messages.encoding import arrays_from_bytes, arrays_to_bytes

HEAD, OWN = "tifed", "own"
"""Records: what all nodes get alike, and arrays of one node."""
ARRAYS = "arrays"


class Broadcast:
    """A message to many nodes; what is the same for all is put in Flower's form once."""

    def __init__(self, content: Content) -> None:
        """``content`` is what all of them get."""
        self._common = ConfigRecord(dict(content.values) | _saved(content.arrays))

    def message(self, own: Arrays) -> RecordDict:
        """For the node that gets ``own`` besides."""
        message = RecordDict()
        message[HEAD] = self._common
        if own:
            message[OWN] = ConfigRecord({**_saved(own)})
        return message


def pack(content: Content, own: Arrays | None = None) -> RecordDict:
    """A message for Flower to one."""
    return Broadcast(content).message(own or {})


def unpack(message: RecordDict, kind: str | None, experiment: str) -> Content:
    """Take a message apart.

    Raises:
        MessageError: if it cannot be read, or `check_head` refuses it.
    """
    config = message.get(HEAD)
    if not isinstance(config, ConfigRecord):
        raise MessageError(not_ours(message))
    head = dict(config)
    data = head.pop(ARRAYS, None)
    found = check_head(head, kind, experiment)
    own = message.get(OWN)
    arrays = _loaded(data)
    if isinstance(own, ConfigRecord):
        arrays |= _loaded(own.get(ARRAYS))
    return Content(found, head, arrays)


def not_ours(message: RecordDict) -> str:
    """What is wrong with a message of other software."""
    if not message.array_records:
        return "is not a message of TIFeD"
    return (
        "is not a message of TIFeD, but one with arrays as Flower's own strategies use them. They "
        "average the floating-point updates of single clients, and here nodes answer with sums of "
        "integers over their devices. ServerApp and ClientApp both have to be those of tifed "
        "flower bundle"
    )


def _saved(arrays: Arrays) -> dict[str, bytes]:
    """Arrays as a value of a configuration; nothing if there are none."""
    return {ARRAYS: arrays_to_bytes(arrays)} if arrays else {}


def _loaded(data: object) -> Arrays:
    """The same, read.

    Raises:
        MessageError: if they cannot be: whatever a node sends must not stop the server.
    """
    if data is None:
        return {}
    if not isinstance(data, bytes):
        raise MessageError("has unreadable arrays (not bytes)")
    return arrays_from_bytes(data)


def why(message: Message) -> str | None:
    """Why Flower has an error instead of an answer, if it has."""
    if not message.has_error():
        return None
    return (message.error.reason or "no reason given")[:LONGEST_REASON]
