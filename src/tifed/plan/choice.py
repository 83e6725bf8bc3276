"""The ways in which a device can take part: which layers it trains, and where the others are."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Choice:
    """One way to take part.

    Attributes:
        layers: trained, ascending.
        depth: layers of the network.
        frozen_in_flash: whether the others are in flash; False where there are none.
    """

    layers: tuple[int, ...]
    depth: int
    frozen_in_flash: bool = False

    @property
    def full(self) -> bool:
        """Whether every layer is trained."""
        return len(self.layers) == self.depth

    @property
    def name(self) -> str:
        """In words.

        >>> Choice((1,), 2, frozen_in_flash=True).name
        'layer 1, others in flash'
        """
        if self.full:
            return "full network"
        which = f"layer{'s' * (len(self.layers) > 1)} {', '.join(map(str, self.layers))}"
        return f"{which}, others in {'flash' if self.frozen_in_flash else 'RAM'}"


def choices(depth: int, others: Sequence[tuple[int, ...]] = ()) -> tuple[Choice, ...]:
    """Full network; then each single layer, and each of ``others``, with the rest in RAM or flash.

    >>> [choice.name for choice in choices(1)]
    ['full network']
    """
    everything = tuple(range(depth))
    partial: list[tuple[int, ...]] = [(layer,) for layer in everything] if depth > 1 else []
    partial += [
        layers for layers in dict.fromkeys(others) if len(layers) < depth and layers not in partial
    ]
    return (
        Choice(everything, depth),
        *(Choice(layers, depth, flash) for layers in partial for flash in (False, True)),
    )
