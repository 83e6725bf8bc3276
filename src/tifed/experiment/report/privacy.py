"""What a run with noise has given away, in words for the terminal and the report."""

from collections.abc import Iterator

from tifed.experiment.result import PrivacySpent


def sentences(spent: PrivacySpent | None) -> Iterator[str]:
    """A sentence or two; none for a run without noise."""
    if spent is None:
        return
    if not spent.private:
        yield (
            "not private: the noise came from privacy.noise_seed; with secret noise it would be "
            + _promise(spent)
        )
        return
    yield "differential privacy of a device: " + _promise(spent)
    yield (
        "the noise is new in every run, so another run of this experiment ends with another digest"
    )


def _promise(spent: PrivacySpent) -> str:
    times = "1 exchange" if spent.exchanges == 1 else f"{spent.exchanges:,} exchanges"
    return (
        f"epsilon {spent.epsilon:.3g} at delta {spent.delta:g}, after {times} with clip "
        f"{spent.clip:,} and noise of sigma {spent.sigma:,}"
    )
