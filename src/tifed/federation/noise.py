"""How much noise a site adds to what its devices have changed (SPEC, section 22)."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Self

from tifed.rule.integer import isqrt
from tifed.rule.integer.gaussian import BEYOND


@dataclass(frozen=True)
class Noise:
    """The noise of one run, of which every site adds its part in every exchange.

    Attributes:
        clip: bound on the L2 norm of what one device has changed in an exchange, 1 or more.
        sigma: of the discrete Gaussian that a site adds to each sum of differences, 1 or more.
        sites: with so many sites in a sum the noise is what was asked for, and no sum of fewer is
            ever seen. With 1, each site's own sum has all of it.
        seed: makes the noise repeatable, for tests; None for noise that hides something.
        masked: whether sums of several sites alone are seen, with the noise of each of them.
    """

    clip: int
    sigma: int
    sites: int = 1
    seed: int | None = None
    masked: bool = False

    @classmethod
    def of(
        cls,
        clip: int,
        multiplier: float,
        sites: int = 1,
        seed: int | None = None,
        masked: bool = False,
    ) -> Self:
        """Noise whose standard deviation in a sum of ``sites`` is ``multiplier * clip`` at least.

        >>> Noise.of(1000, 0.5).sigma, Noise.of(1000, 0.5, sites=4).sigma
        (500, 250)
        """
        # sigma is the least integer with sites * sigma**2 >= (multiplier * clip)**2.
        least = (Fraction(multiplier) * clip) ** 2 / sites
        return cls(
            clip, isqrt(-(-least.numerator // least.denominator) - 1) + 1, sites, seed, masked
        )

    @property
    def largest(self) -> int:
        """No value of a site's noise is beyond it, before it is weighted."""
        return BEYOND * self.sigma

    def largest_in(self, devices: int) -> int:
        """The same of what is seen of so many devices, whose sites may be as many under masks."""
        return self.largest * (devices if self.masked else 1)
