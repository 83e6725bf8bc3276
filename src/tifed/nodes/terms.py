"""What the owner of a node lets be done with samples that are its own."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from tifed.errors import UsageError
from tifed.experiment import Experiment
from tifed.nodes.acceptance import ANY, require_accepted
from tifed.nodes.least import LeastSamples
from tifed.nodes.ledger import KEYS, Ledger

FEDERATION, NODE = "federation", "node"
"""Whose samples are in a node's data set."""

_TEXTS = {"accepts": "accepts", "dataset": "dataset", "dataset-of": "dataset_of", "data": "data"}
_LEAST = {
    "least-update": "update",
    "least-calibration": "calibration",
    "least-evaluation": "evaluation",
}


@dataclass(frozen=True)
class NodeTerms:
    """For runs with own data whose devices this node simulates; boards have terms of their own.

    Attributes:
        accepts: see `tifed.nodes.acceptance.require_accepted`.
        dataset: the node's own data set; empty for that of the experiment.
        dataset_of: whose samples are in it: `FEDERATION`, those of all devices, of which the node's
            devices have their parts, or `NODE`, those of the node's devices alone.
        data: options for loading it, as TOML.
        least: how few samples may stand behind a number.
        ledger: the node's own account of what it gives away; None for none.
    """

    accepts: str = ""
    dataset: str = ""
    dataset_of: str = FEDERATION
    data: str = ""
    least: LeastSamples = field(default_factory=LeastSamples)
    ledger: Ledger | None = None

    @classmethod
    def open(cls) -> Self:
        """Of somebody who plays all nodes on data that are nobody's secret."""
        return cls(accepts=ANY, least=LeastSamples(1, 1, 1))

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Out of a node configuration.

        Raises:
            UsageError: naming a key that is of the wrong type.
        """
        texts = {key: config.get(key, getattr(cls(), name)) for key, name in _TEXTS.items()}
        numbers = {
            key: config.get(key, getattr(LeastSamples(), name)) for key, name in _LEAST.items()
        }
        for key, value in texts.items():
            if not isinstance(value, str):
                raise UsageError(f"node configuration: {key} is {value!r}, not a text")
        for key, value in numbers.items():
            if type(value) is not int or value < 1:
                raise UsageError(
                    f"node configuration: {key} is {value!r}, not a number of samples, 1 or more"
                )
        if texts["dataset-of"] not in (FEDERATION, NODE):
            raise UsageError(
                f"node configuration: dataset-of is {texts['dataset-of']!r}, neither "
                f"{FEDERATION!r} nor {NODE!r}"
            )
        return cls(
            **{_TEXTS[key]: text for key, text in texts.items()},
            least=LeastSamples(**{_LEAST[key]: n for key, n in numbers.items()}),
            ledger=Ledger.from_config(config),
        )

    @staticmethod
    def names() -> tuple[str, ...]:
        """The keys of a node configuration that say all this."""
        return (*_TEXTS, *_LEAST, *KEYS)

    @staticmethod
    def require_none(config: Mapping[str, Any]) -> None:
        """Make sure that the configuration of a node with a gateway has none of this.

        Raises:
            UsageError: naming a key that nobody would look at.
        """
        for key in NodeTerms.names():
            if key in config:
                raise UsageError(
                    f"node configuration: {key} goes without gateway, for the gateway decides what "
                    "is done with its boards; say it there (tifed gateway --help)"
                )

    def to_config(self) -> dict[str, str | int | float]:
        """For a node configuration."""
        texts = {key: getattr(self, name) for key, name in _TEXTS.items()}
        given: dict[str, str | int | float] = {key: text for key, text in texts.items() if text}
        if self.ledger is not None:
            given |= self.ledger.to_config()
        return given | {key: getattr(self.least, name) for key, name in _LEAST.items()}

    def require(self, experiment: Experiment) -> None:
        """Make sure that the owner has accepted ``experiment``.

        Raises:
            UsageError: if not; it says how to. And if what the experiment gives away cannot be
                counted, but has a limit.
        """
        how = 'node again with accepts="{}" in its configuration'
        require_accepted(self.accepts, experiment, how, own_data=bool(self.dataset))
        if self.ledger is not None:
            self.ledger.require(experiment)

    def own_options(self) -> dict[str, Any]:
        """Options for loading the node's data set.

        Raises:
            UsageError: if they are not TOML.
        """
        try:
            return tomllib.loads(self.data)
        except tomllib.TOMLDecodeError as error:
            raise UsageError(f"node configuration: data is not TOML ({error})") from error
