"""The messages of secure aggregation (SPEC, section 21): four in one session.

The first two of the next session travel with the last two of the one before, where they can.

================ ======================================= =======================================
kind             asked                                   answered
================ ======================================= =======================================
keys             arrays ``devices``; ``session``         arrays ``keys``
shares           arrays ``neighbours``, ``keys``;        arrays ``sealed``
                 ``session``, ``sites``, ``threshold``
masked-fit       as ``fit``, and arrays ``senders``,     arrays ``devices``, ``counts``,
                 ``sealed``; ``session``, ``layers``;    ``sums``; if any, ``absent``; with
                 perhaps ``next``                        ``next`` the array ``keys``
masked-calibrate as ``calibrate``, and arrays            arrays ``devices``, ``counts``,
                 ``senders``, ``sealed``; ``session``;   ``sums``; if any, ``absent``; with
                 perhaps ``next``                        ``next`` the array ``keys``
unmask           arrays ``survivors``; ``session``;      arrays ``own``, ``shares``; perhaps
                 perhaps ``next`` and what goes with     ``of``; with ``next`` the array
                 ``shares``                              ``sealed``
================ ======================================= =======================================

A session is a text of 32 hexadecimal digits, and so is ``next``, which is the one that comes next.
A site goes by the number of its first device. Keys, seeds and shares are uint8. ``counts`` are
uint64, and ``sums`` the bytes of words whose widths follow from the experiment, both masked.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tifed.federation import Plan
from tifed.federation.plan import mask_of
from tifed.nodes.messages.content import (
    Arrays,
    Content,
    MessageError,
    fit_message,
    message,
)
from tifed.nodes.messages.device_ranges import to_ranges
from tifed.rule.integer.rounding import Integers
from tifed.rule.network import Parameters
from tifed.secure_aggregation.graph import Sharing
from tifed.secure_aggregation.keys import KEY, SEED, PublicKeys
from tifed.secure_aggregation.masks import Shape, Vector
from tifed.secure_aggregation.site import SEALED, SESSION, Opening

KEYS, SHARES, UNMASK = "keys", "shares", "unmask"
MASKED_FIT, MASKED_CALIBRATE = "masked-fit", "masked-calibrate"


def keys_message(experiment: str, session: bytes) -> Content:
    """Begins a session."""
    return message(KEYS, experiment, {}, session=session.hex())


def keys_answer(experiment: str, keys: PublicKeys) -> Content:
    """What `keys_message` is answered with."""
    return message(KEYS, experiment, {"keys": _bytes([keys.masks, keys.shares], KEY)})


def keys_from(content: Content) -> PublicKeys:
    """The keys of a `keys_answer`."""
    masks, shares = content.array("keys", np.uint8, (2, KEY))
    return PublicKeys(masks.tobytes(), shares.tobytes())


def shares_message(experiment: str, session: bytes, sites: int, threshold: int) -> Content:
    """Asks for shares; each site gets its own `neighbour_arrays` besides."""
    values: dict[str, Any] = {"session": session.hex(), "sites": sites, "threshold": threshold}
    return message(SHARES, experiment, {}, **values)


def neighbour_arrays(keys: Mapping[int, PublicKeys]) -> Arrays:
    """A site's neighbours and their keys."""
    table = _bytes([part for key in keys.values() for part in (key.masks, key.shares)], KEY)
    return {"neighbours": _numbers(list(keys)), "keys": table.reshape(len(keys), 2, KEY)}


def neighbours_from(content: Content) -> dict[int, PublicKeys]:
    """The same again."""
    numbers = _sites(content, "neighbours")
    table = content.array("keys", np.uint8, (len(numbers), 2, KEY))
    return {
        number: PublicKeys(masks.tobytes(), shares.tobytes())
        for number, (masks, shares) in zip(numbers, table, strict=True)
    }


def shares_answer(experiment: str, sealed: Mapping[int, bytes]) -> Content:
    """What `shares_message` is answered with, in the order of the neighbours that need some."""
    return message(SHARES, experiment, {"sealed": _bytes(list(sealed.values()), SEALED)})


def sealed_from(content: Content, neighbours: Sequence[int]) -> dict[int, bytes]:
    """What a site has sealed for each of ``neighbours``."""
    table = content.array("sealed", np.uint8, (len(neighbours), SEALED))
    return {number: row.tobytes() for number, row in zip(neighbours, table, strict=True)}


def masked_fit_message(
    experiment: str,
    session: bytes,
    plan: Plan,
    parameters: Parameters,
    layers: tuple[int, ...],
    following: bytes | None = None,
) -> Content:
    """`fit_message` for masked sums; each site gets jobs and `sealed_arrays` besides.

    With ``following`` it asks for keys of that session, too.
    """
    plain = fit_message(experiment, plan, parameters)
    more = {"session": session.hex(), "layers": mask_of(layers)}
    more |= _following(following)
    return message(MASKED_FIT, experiment, plain.arrays, **(_own_values(plain) | more))


def masked_calibrate_message(
    experiment: str, session: bytes, samples: int, following: bytes | None = None
) -> Content:
    """Asks for masked feature sums; each site gets its devices and `sealed_arrays` besides.

    With ``following`` it asks for keys of that session, too.
    """
    values: dict[str, Any] = {"session": session.hex(), "samples": samples}
    return message(MASKED_CALIBRATE, experiment, {}, **(values | _following(following)))


def sealed_arrays(sealed: Mapping[int, bytes]) -> Arrays:
    """What neighbours have sealed for a site; those come first that had no need to."""
    order = sorted(sealed, key=lambda sender: (bool(sealed[sender]), sender))
    rows = [sealed[sender] for sender in order if sealed[sender]]
    return {"senders": _numbers(order), "sealed": _bytes(rows, SEALED)}


def received_from(content: Content) -> dict[int, bytes]:
    """The same again."""
    senders = _sites(content, "senders")
    table = content.array("sealed", np.uint8, (None, SEALED))
    without = len(senders) - len(table)
    if without < 0:
        raise MessageError("sealed has more rows than there are senders")
    rows = [b""] * without + [row.tobytes() for row in table]
    return dict(zip(senders, rows, strict=True))


def masked_answer(
    experiment: str,
    kind: str,
    devices: Integers,
    vector: Vector,
    absent: Sequence[int],
    keys: PublicKeys | None,
) -> Content:
    """A masked vector, which devices are in it, and perhaps keys of the session that comes next.

    Why other devices are not in it says nothing here.
    """
    arrays: Arrays = {
        "devices": to_ranges(np.sort(devices)), "counts": vector.counts, "sums": vector.sum_data,
    }  # fmt: skip
    if keys is not None:
        arrays["keys"] = _bytes([keys.masks, keys.shares], KEY)
    return message(kind, experiment, arrays, **({"absent": sorted(absent)} if absent else {}))


def vector_from(content: Content, shape: Shape) -> Vector:
    """The masked vector of an answer."""
    counts = content.array("counts", "<u8", (shape.counts,))
    return Vector.from_data(counts, content.array("sums", np.uint8, (shape.sum_bytes,)), shape)


def unmask_message(
    experiment: str, session: bytes, following: bytes | None = None, sharing: Sharing | None = None
) -> Content:
    """Asks for what takes masks off; each site gets `survivor_arrays` besides.

    With ``following`` and its ``sharing`` it asks for shares in that session, too, and each site
    gets its `neighbour_arrays` as well.
    """
    values: dict[str, Any] = {"session": session.hex(), **_following(following)}
    if sharing is not None:
        values |= {"sites": sharing.sites, "threshold": sharing.threshold}
    return message(UNMASK, experiment, {}, **values)


def survivor_arrays(survivors: Sequence[int]) -> Arrays:
    """The sites near a site, itself included, that are in the sum."""
    return {"survivors": _numbers(survivors)}


def survivors_from(content: Content) -> list[int]:
    """The same again."""
    return _sites(content, "survivors")


def unmask_answer(
    experiment: str, opening: Opening, senders: Sequence[int], sealed: Mapping[int, bytes] | None
) -> Content:
    """What `unmask_message` is answered with, perhaps with shares in the session that is next.

    Whose shares it has is said only if they are not those of all ``senders``, in their order.
    """
    arrays: Arrays = {
        "own": _bytes([opening.own] if opening.own else [], SEED),
        "shares": _bytes(list(opening.shares.values()), SEED),
    }
    if list(opening.shares) != list(senders):
        arrays["of"] = _numbers(list(opening.shares))
    if sealed is not None:
        arrays["sealed"] = _bytes(list(sealed.values()), SEALED)
    return message(UNMASK, experiment, arrays)


def opening_from(content: Content, senders: Sequence[int]) -> Opening:
    """The same again."""
    of = _sites(content, "of") if "of" in content.arrays else senders
    own = content.array("own", np.uint8, (None, SEED))
    shares = content.array("shares", np.uint8, (len(of), SEED))
    if len(own) != 1:
        raise MessageError("does not have the seed of its own mask")
    pairs = zip(of, shares, strict=True)
    return Opening(own.tobytes(), {number: row.tobytes() for number, row in pairs})


def session_from(content: Content, name: str = "session") -> bytes:
    """The session of a request, or another one that it names."""
    try:
        session = bytes.fromhex(str(content.values.get(name)))
    except ValueError:
        session = b""
    if len(session) != SESSION:
        raise MessageError(f"{name} is not a text of {2 * SESSION} hexadecimal digits")
    return session


def following_from(content: Content) -> bytes | None:
    """The session that comes next, if a request prepares it.

    Raises:
        MessageError: if it is none, or that of the request.
    """
    if "next" not in content.values:
        return None
    following = session_from(content, "next")
    if following == session_from(content):
        raise MessageError("next is its own session")
    return following


def _following(session: bytes | None) -> dict[str, str]:
    return {} if session is None else {"next": session.hex()}


def _own_values(content: Content) -> dict[str, Any]:
    """The values of a message without those that every message has."""
    common = message("", "", {}).values
    return {name: value for name, value in content.values.items() if name not in common}


def _bytes(rows: Sequence[bytes], length: int) -> np.ndarray:
    """Rows of equal length as uint8 (n, length)."""
    return np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), length)


def _numbers(numbers: Sequence[int]) -> Integers:
    return np.array(numbers, np.int64).reshape(len(numbers))


def _sites(content: Content, name: str) -> list[int]:
    """Different numbers of sites."""
    numbers: list[int] = content.array(name, np.int64, (None,)).tolist()
    if len(set(numbers)) != len(numbers) or min(numbers, default=0) < 0:
        raise MessageError(f"{name} has a site twice, or one below 0")
    return numbers
