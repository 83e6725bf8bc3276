"""The float baseline's settings: federated averaging as it is done with floats, never on devices.

What computes it is `tifed.baselines.float_training`; how its defaults were chosen: docs/results.md.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field

from tifed.baselines.baseline import Baseline
from tifed.federation import Federation
from tifed.federation.device import Stream
from tifed.federation.training import Training
from tifed.fleets import Fails
from tifed.rule.recipes import Mode


class Carrier(StrEnum):
    """How the output's error reaches a hidden layer of the float network."""

    BACKPROPAGATION = "backpropagation"
    """Through the transposed weights: the true gradient."""
    DFA = "dfa"
    """Direct Feedback Alignment: through a fixed random matrix of the layer's own."""


PLAIN: Mapping[str, Any] = {"server_momentum": 0, "decay_percent": 100, "running_mean": 1}
"""Settings of federated averaging with no trick but the centred input."""


class FloatFedAvg(Baseline):
    """Float32, ReLU, softmax cross-entropy, stochastic gradient descent; for comparison only.

    The defaults are the best found on validation data, with the tricks of `Tuned`: a centred input,
    a server that goes further than the mean, late decay, a running mean. Plain FedAvg is `PLAIN`.
    """

    arithmetic: ClassVar[str] = "float32"

    learning_rate: float = Field(
        0.05,
        gt=0,
        allow_inf_nan=False,
        description="learning rate, applied to the mean gradient of a mini-batch",
    )
    momentum: float = Field(
        0.0, ge=0, lt=1, description="momentum on the device; it starts at 0 in every exchange"
    )
    feedback: Carrier = Field(
        Carrier.BACKPROPAGATION, description="how the error is carried to hidden layers"
    )
    centred: bool = Field(True, description="subtract the mean of each feature")
    calibration: int = Field(
        50, ge=1, description="samples of each device from which those means are computed"
    )
    decay_percent: int = Field(
        60,
        ge=0,
        le=100,
        description="the learning rate is halved after this percentage of the rounds",
    )
    server_rate: float = Field(
        1.0,
        gt=0,
        allow_inf_nan=False,
        description="how far the server moves towards the mean of the devices; 1 is all the way",
    )
    server_momentum: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="part of the server's last step that is added to the next one; "
        "default 0.8 in full-network mode, else 0",
    )
    running_mean: int = Field(
        16,
        ge=1,
        le=1024,
        description="the published model is a mean over about this many exchanges",
    )

    def training(
        self, mode: Mode, federation: Federation, streams: Sequence[Stream], fails: Fails
    ) -> Training[Any]:
        """Stochastic gradient descent on the devices, a mean on the server."""
        from tifed.baselines.float_training import FloatTraining

        momentum = self.momentum_of_server(mode)
        settled = self.model_copy(update={"server_momentum": momentum})
        return FloatTraining(settled, federation, streams, fails)

    def constants(self, mode: Mode) -> Mapping[str, Any]:
        """The server's momentum."""
        return {"momentum": self.momentum_of_server(mode)}

    def momentum_of_server(self, mode: Mode) -> float:
        """`server_momentum`, or what is best in ``mode``."""
        if self.server_momentum is None:
            return 0.8 if mode == "full-network" else 0.0
        return self.server_momentum

    def extra_shift(self, number: int, rounds: int, mode: Mode) -> int:
        """1, for half the learning rate, from ``decay_percent`` of the rounds on, 0 before."""
        del mode
        return int(100 * number >= self.decay_percent * rounds)

    @property
    def calibration_samples(self) -> int:
        """Samples per device that the centre is computed from."""
        return self.calibration if self.centred else 0
