"""The energy of the input, and what a recipe chooses from it (SPEC, section 6)."""

from dataclasses import replace

from tifed.federation.federation import Federation
from tifed.rule.integer.rounding import Integers
from tifed.rule.network import Parameters, Tensor


def energy_around(centre: Integers, total: Integers, squares: int, samples: int) -> int:
    """Mean over samples of the sum over features of ``(sample - centre)**2``, to the nearest.

    Args:
        centre: int64 (features,).
        total: int64 (features,), sum of each feature over all samples.
        squares: sum of the squares of all features of all samples.
        samples: how many there are, 1 or more.

    >>> import numpy as np
    >>> energy_around(np.array([2, 0]), np.array([3, 1]), 1 + 4 + 0 + 1, 2)
    1
    """
    # The sum of (x - c)**2 is that of x**2 - 2cx + c**2: below 2**32 a sample.
    around = squares - 2 * int(centre @ total) + samples * int(centre @ centre)
    return (around + samples // 2) // samples


def chosen_shift(federation: Federation, energy: int) -> int:
    """The recipe's energy shift, limited so that no sum can overflow in any round."""
    if federation.recipe is None:
        return 0
    return federation.possible_energy_shift(
        federation.recipe.energy_shift(federation.network, energy)
    )


def is_the_recipes(federation: Federation, start: Parameters) -> bool:
    """Whether ``start`` is what the recipe begins with before any energy is known."""
    if federation.recipe is None:
        return False
    usual = federation.recipe.start_parameters(federation.network, federation.seed)
    return replace(start, centre=usual.centre) == usual


def started_by(federation: Federation, before: Parameters, energy: int) -> Parameters:
    """The first parameters that the recipe chooses from ``energy``.

    Parameters that are not the recipe's own stay, and so do those of a layer that no device trains:
    boards have it in flash.
    """
    if federation.recipe is None or not is_the_recipes(federation, before):
        return before
    after = federation.recipe.start_parameters(federation.network, federation.seed, energy)
    trained = {layer for layers in federation.layer_sets() for layer in layers}

    def chosen(old: tuple[Tensor, ...], new: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The new ones of the layers that are trained."""
        return tuple(
            after if layer in trained else before
            for layer, (before, after) in enumerate(zip(old, new, strict=True))
        )

    return Parameters(
        before.centre,
        chosen(before.weights, after.weights),
        chosen(before.biases, after.biases),
    )
