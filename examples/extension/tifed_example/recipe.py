"""A recipe: the tuned one, with smaller steps at the very end."""

from pydantic import Field

from tifed.rule.recipes import Mode, Tuned


class Patient(Tuned):
    """`Tuned`, whose updates are halved once more in the last rounds."""

    last_percent: int = Field(
        85, ge=0, le=100, description="updates are halved again from this share of the rounds on"
    )

    def extra_shift(self, number: int, rounds: int, mode: Mode) -> int:
        """One more than `Tuned` has, near the end."""
        last = 100 * number >= self.last_percent * rounds
        return super().extra_shift(number, rounds, mode) + int(last)
