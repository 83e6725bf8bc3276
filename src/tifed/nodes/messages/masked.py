"""The messages of secure aggregation (SPEC, section 21): four of each exchange, in one session.

================ ======================================= =======================================
kind             asked                                   answered
================ ======================================= =======================================
keys             arrays ``devices``; ``session``         arrays ``keys``
shares           arrays ``neighbours``, ``keys``;        arrays ``sealed``
                 ``session``, ``sites``, ``threshold``
masked-fit       as ``fit``, and arrays ``senders``,     arrays ``devices``, ``counts``,
                 ``sealed``; ``session``, ``layers``,    ``sums``; if any, ``absent``
                 ``width``
masked-calibrate as ``calibrate``, and arrays            arrays ``devices``, ``counts``,
                 ``senders``, ``sealed``; ``session``,   ``sums``; if any, ``absent``
                 ``width``
unmask           arrays ``survivors``; ``session``       arrays ``own``, ``of``, ``shares``
================ ======================================= =======================================

A session is a text of 32 hexadecimal digits. A site goes by the number of its first device. Keys,
seeds and shares are uint8. ``counts`` are uint64 and ``sums`` uint32 or uint64, both masked.
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
    """What `shares_message` is answered with, in the order of the neighbours."""
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
    width: int,
) -> Content:
    """`fit_message` for masked sums; each site gets jobs and `sealed_arrays` besides."""
    plain = fit_message(experiment, plan, parameters)
    more = {"session": session.hex(), "layers": mask_of(layers), "width": width}
    return message(MASKED_FIT, experiment, plain.arrays, **(_own_values(plain) | more))


def masked_calibrate_message(experiment: str, session: bytes, samples: int, width: int) -> Content:
    """Asks for masked feature sums; each site gets its devices and `sealed_arrays` besides."""
    values: dict[str, Any] = {"session": session.hex(), "samples": samples, "width": width}
    return message(MASKED_CALIBRATE, experiment, {}, **values)


def sealed_arrays(sealed: Mapping[int, bytes]) -> Arrays:
    """What neighbours have sealed for a site."""
    return {"senders": _numbers(list(sealed)), "sealed": _bytes(list(sealed.values()), SEALED)}


def received_from(content: Content) -> dict[int, bytes]:
    """The same again."""
    return sealed_from(content, _sites(content, "senders"))


def masked_answer(
    experiment: str, kind: str, devices: Integers, vector: Vector, absent: Sequence[int]
) -> Content:
    """A masked vector, and which devices are in it; why others are not says nothing here."""
    arrays: Arrays = {
        "devices": to_ranges(np.sort(devices)), "counts": vector.counts, "sums": vector.sums,
    }  # fmt: skip
    return message(kind, experiment, arrays, **({"absent": sorted(absent)} if absent else {}))


def vector_from(content: Content, shape: Shape) -> Vector:
    """The masked vector of an answer."""
    counts = content.array("counts", "<u8", (shape.counts,))
    return Vector(counts, content.array("sums", shape.word, (shape.sums,)))


def width_from(content: Content) -> int:
    """The width that a request asks for."""
    width = content.integer("width")
    if width not in (32, 64):
        raise MessageError(f"width is {width}, neither 32 nor 64")
    return width


def unmask_message(experiment: str, session: bytes) -> Content:
    """Asks for what takes masks off; each site gets `survivor_arrays` besides."""
    return message(UNMASK, experiment, {}, session=session.hex())


def survivor_arrays(survivors: Sequence[int]) -> Arrays:
    """The sites near a site, itself included, that are in the sum."""
    return {"survivors": _numbers(survivors)}


def survivors_from(content: Content) -> list[int]:
    """The same again."""
    return _sites(content, "survivors")


def unmask_answer(experiment: str, opening: Opening) -> Content:
    """What `unmask_message` is answered with."""
    arrays: Arrays = {
        "own": _bytes([opening.own] if opening.own else [], SEED),
        "of": _numbers(list(opening.shares)),
        "shares": _bytes(list(opening.shares.values()), SEED),
    }
    return message(UNMASK, experiment, arrays)


def opening_from(content: Content) -> Opening:
    """The same again."""
    of, own = _sites(content, "of"), content.array("own", np.uint8, (None, SEED))
    shares = content.array("shares", np.uint8, (len(of), SEED))
    if len(own) != 1:
        raise MessageError("does not have the seed of its own mask")
    pairs = zip(of, shares, strict=True)
    return Opening(own.tobytes(), {number: row.tobytes() for number, row in pairs})


def session_from(content: Content) -> bytes:
    """The session of a request."""
    try:
        session = bytes.fromhex(str(content.values.get("session")))
    except ValueError:
        session = b""
    if len(session) != SESSION:
        raise MessageError(f"session is not a text of {2 * SESSION} hexadecimal digits")
    return session


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
