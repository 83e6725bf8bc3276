"""Tables of log-mel energies (SPEC, section 19.5), exactly rounded: the same on every machine.

They are computed in decimals of 60 digits, of which the rounding to whole numbers needs a few, and
not in floating point, whose functions differ from one mathematics library to another.
"""

import hashlib
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from functools import cache

WINDOW = 200
"""Samples of a frame: 25 ms."""
TRANSFORM = 256
"""Points of the transform of a frame."""
RATE = 8000
"""Samples a second."""
BANDS = 20
"""Mel bands of a frame."""
LOWEST, HIGHEST = 100, RATE // 2
"""Where the first band begins and the last one ends, in Hz."""
WEIGHTS = 8
"""What a band's weights are counted in: eighths."""

_PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494")
_PRECISE = Context(prec=60, rounding=ROUND_HALF_EVEN)


@cache
def window_table() -> tuple[int, ...]:
    """Half of a Hann window: 32768 · (1 - cos(2πi / 200)) / 2 for i = 0..100."""
    return _table(WINDOW // 2 + 1, lambda i: 16384 * (1 - _cosine(2 * _PI * i / WINDOW)))


@cache
def cosine_table() -> tuple[int, ...]:
    """A quarter of a wave: 32768 · cos(2πk / 256) for k = 0..64."""
    return _table(TRANSFORM // 4 + 1, lambda k: 32768 * _cosine(2 * _PI * k / TRANSFORM))


@cache
def place_table() -> tuple[int, ...]:
    """Where each bin k = 0..127 of the transform lies among the edges of the bands, in eighths.

    Bands have 22 edges, evenly spaced on the mel scale: band j rises from edge j to edge j + 1 and
    falls to edge j + 2. A bin in segment s (between edges s and s + 1), of which it has passed c
    eighths, has place 8·s + c. Bins below the first edge have place 0.
    """
    with localcontext(_PRECISE):
        low, high = _mel(Decimal(LOWEST)), _mel(Decimal(HIGHEST))
        edges = [_hertz(low + (high - low) * n / (BANDS + 1)) for n in range(BANDS + 2)]

        def place(bin_number: int) -> Decimal:
            hertz = Decimal(bin_number * RATE) / TRANSFORM
            if hertz <= edges[0]:
                return Decimal(0)
            segment = max(n for n, edge in enumerate(edges[:-1]) if edge < hertz)
            passed = (hertz - edges[segment]) / (edges[segment + 1] - edges[segment])
            return WEIGHTS * (segment + passed)

        return _table(TRANSFORM // 2, place)


@cache
def logarithm_table() -> tuple[int, ...]:
    """256 · log₂(1 + m / 128) for m = 0..127: 0..255."""
    return _table(128, lambda m: 256 * (1 + Decimal(m) / 128).ln() / Decimal(2).ln())


def tables() -> dict[str, tuple[int, ...]]:
    """Every table by its name in the C core."""
    return {
        "window": window_table(), "cosines": cosine_table(),
        "places": place_table(), "logarithms": logarithm_table(),
    }  # fmt: skip


def tables_digest() -> str:
    """SHA-256 (hex) over a line per table: its name and its numbers in decimal, with spaces."""
    text = "".join(f"{name} {' '.join(map(str, row))}\n" for name, row in tables().items())
    return hashlib.sha256(text.encode()).hexdigest()


def _table(length: int, value: Callable[[int], Decimal]) -> tuple[int, ...]:
    """The whole number nearest to each value."""
    with localcontext(_PRECISE):
        return tuple(int(value(n).to_integral_value(ROUND_HALF_EVEN)) for n in range(length))


def _cosine(angle: Decimal) -> Decimal:
    """Its power series, to the last of the digits."""
    total, term, power = Decimal(0), Decimal(1), 0
    while abs(term) > Decimal("1e-58"):
        total += term
        power += 2
        term = -term * angle * angle / (power * (power - 1))
    return total


def _mel(hertz: Decimal) -> Decimal:
    """Frequency on the mel scale."""
    return 2595 * (1 + hertz / 700).log10()


def _hertz(mel: Decimal) -> Decimal:
    """The frequency that `_mel` gives ``mel`` for."""
    return 700 * ((mel / 2595 * Decimal(10).ln()).exp() - 1)
