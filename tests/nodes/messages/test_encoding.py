"""Messages as bytes, and what is none."""

import numpy as np
import pytest

from tifed.nodes.messages.content import MessageError, message
from tifed.nodes.messages.encoding import content_from_bytes, content_to_bytes, to_bytes


def test_a_message_is_the_same_again() -> None:
    sent = message("fit", "it", {"a": np.arange(6).reshape(2, 3).T}, round=3, reasons=["ö"])
    found = content_from_bytes(content_to_bytes(sent, {"jobs": np.zeros((0, 7), int)}), "fit", "it")
    assert (found.kind, found.values) == (sent.kind, sent.values)
    assert found.arrays.keys() == {"a", "jobs"}
    assert np.array_equal(found.arrays["a"], sent.arrays["a"])
    assert found.arrays["jobs"].shape == (0, 7)


WHOLE = content_to_bytes(message("fit", "it", {"a": np.arange(6)}))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is not readable"),
        (WHOLE[:9], "is not readable"),
        (b"\xff\xff\xff\xff" + WHOLE[4:], "is not readable"),
        (WHOLE[:-1], "has unreadable arrays"),
        (b"\x02\x00\x00\x00" + b"{}" + b"nonsense", "has unreadable arrays"),
        (to_bytes([], {}), "is not a message of TIFeD"),
        (to_bytes({}, {}), "speaks version None of the message format"),
        (content_to_bytes(message("fit", "other", {})), "has another experiment"),
        (content_to_bytes(message("evaluate", "it", {})), "is about 'evaluate', not 'fit'"),
        (b"\x10\x27\x00\x00" + b"[" * 10_000, "is not readable"),
    ],
)
def test_what_is_no_message_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(MessageError, match=reason):
        content_from_bytes(data, "fit", "it")
