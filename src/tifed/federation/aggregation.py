"""The server's half of the algorithm, in integers (SPEC, section 7)."""

from dataclasses import dataclass, field, replace

import numpy as np

from tifed.federation.plan import Plan, ScheduleState
from tifed.federation.residuals import Residuals
from tifed.federation.travel import SentBefore
from tifed.federation.update import LayerSum, Update
from tifed.rule.compression import Change, sent_down
from tifed.rule.integer import Rounding, divide, saturate
from tifed.rule.integer.rounding import Integers
from tifed.rule.network import Network, Parameters, Tensor
from tifed.rule.recipes import Server

MOMENTUM_ONE = 16
"""What `Server.momentum` is a share of."""


@dataclass(frozen=True)
class LayerState:
    """What the server keeps of one layer; values have ``Server.fraction_bits`` after the point.

    Attributes:
        weight: int64 (fan_in, fan_out), the server's own copy.
        bias: int64 (fan_out,).
        mean_weight: int64 (fan_in, fan_out), its running mean over exchanges.
        mean_bias: int64 (fan_out,).
        updates: exchanges that changed this layer.
        weight_step: int64 (fan_in, fan_out), how far `weight` moved in the last of them; None if
            the server has no momentum.
        bias_step: int64 (fan_out,), the same of `bias`.
    """

    weight: Integers
    bias: Integers
    mean_weight: Integers
    mean_bias: Integers
    updates: int = 0
    weight_step: Integers | None = None
    bias_step: Integers | None = None


@dataclass(frozen=True)
class ServerState(ScheduleState):
    """All that a run needs to go on.

    Attributes:
        parameters: what devices get at the next exchange.
        layers: the server's own copies.
        norms: int64 (n, 2), what was usual in the last exchanges: a layer, and the norm of those
            that trained it; oldest first, empty in a run without bounds.
        residuals: what devices have left of their changes (SPEC, section 25); None in a run in
            which they keep nothing.
        sent: with a coder and short updates down, weights that devices have still, by the exchange
            in which they went down (`tifed.federation.travel.sent_before`).
    """

    parameters: Parameters
    layers: tuple[LayerState, ...]
    norms: Integers = field(default_factory=lambda: np.zeros((0, 2), np.int64), kw_only=True)
    residuals: Residuals | None = field(default=None, kw_only=True)
    sent: SentBefore = field(default_factory=dict, kw_only=True)


def initial_state(server: Server, parameters: Parameters, devices: int) -> ServerState:
    """The state before the first round."""
    layers = []
    for W, b in zip(parameters.weights, parameters.biases, strict=True):
        weight = W.astype(np.int64) << server.fraction_bits
        bias = b.astype(np.int64) << server.fraction_bits
        layers.append(LayerState(weight, bias, weight, bias))
    return ServerState(0, 0, np.zeros(devices, np.int64), parameters, tuple(layers))


def aggregate(
    network: Network,
    server: Server,
    state: ServerState,
    update: Update,
    plan: Plan | None = None,
) -> ServerState:
    """The state after an exchange; a layer that nobody trained stays as it was.

    Args:
        network: what every device holds.
        server: how updates become the next parameters.
        state: before the exchange.
        update: of all devices that answered.
        plan: of the exchange; needed if some rows of weights do not go up in it, or not all that
            is new goes down after it. A row that nobody sent counts as if its mean were what was
            sent down.
    """
    layers = list(state.layers)
    weights, biases = list(state.parameters.weights), list(state.parameters.biases)
    for number, sums in update.layers.items():
        layer = network.layers[number]
        layers[number] = kept = _step(
            server, server.rate_halves_of(number), state.layers[number], sums, weights[number],
            biases[number], layer.weight_bound, layer.bias_bound,
            _row_samples(plan, number, layer.fan_in, update),
        )  # fmt: skip
        change = plan.download[number] if plan is not None and plan.download else Change(0)
        weights[number] = (
            sent_down(
                kept.weight, weights[number], change, server.fraction_bits, layer.weight_bound
            )
            if change.top
            else _rounded(server, kept.weight, weights[number])
        )
        biases[number] = _rounded(server, kept.bias, biases[number])
    parameters = Parameters(state.parameters.centre, tuple(weights), tuple(biases))
    return replace(state, parameters=parameters, layers=tuple(layers), exchange=state.exchange + 1)


def published(server: Server, state: ServerState) -> Parameters:
    """The model that the federation gives to its users: the running mean, rounded."""
    return Parameters(
        state.parameters.centre,
        tuple(
            _rounded(server, layer.mean_weight, W)
            for layer, W in zip(state.layers, state.parameters.weights, strict=True)
        ),
        tuple(
            _rounded(server, layer.mean_bias, b)
            for layer, b in zip(state.layers, state.parameters.biases, strict=True)
        ),
    )


def _step(
    server: Server,
    rate_halves: int,
    kept: LayerState,
    sums: LayerSum,
    W: Tensor,
    b: Tensor,
    weight_bound: int,
    bias_bound: int,
    row_samples: Integers | int,
) -> LayerState:
    """One layer's copies after an exchange that sent down ``W`` and ``b``.

    Behind each row of weights are ``row_samples``, int64 (fan_in, 1) or one number for all.
    """
    updates = kept.updates + 1
    window = min(server.running_mean, 1 + (kept.updates >> server.running_mean_growth))
    moved, steps = [], []
    for own, mean, before, total, samples, sent, bound in (
        (kept.weight, kept.mean_weight, kept.weight_step, sums.weight, row_samples, W,
         weight_bound),
        (kept.bias, kept.mean_bias, kept.bias_step, sums.bias, sums.samples, b, bias_bound),
    ):  # fmt: skip
        average = divide(total << server.fraction_bits, np.maximum(samples, 1), server.rounding)
        step = (average - (sent.astype(np.int64) << server.fraction_bits)) * (samples > 0)
        change = divide(rate_halves * step, 2, Rounding.NEAREST)
        if before is not None:
            change = change + divide(server.momentum * before, MOMENTUM_ONE, Rounding.NEAREST)
        own_after, _ = saturate(own + change, bound << server.fraction_bits)
        steps.append(own_after - own if server.momentum else None)
        moved.append(own_after)
        moved.append(mean + divide(own_after - mean, window, Rounding.NEAREST))
    weight, mean_weight, bias, mean_bias = moved
    return LayerState(weight, bias, mean_weight, mean_bias, updates, *steps)


def _row_samples(plan: Plan | None, number: int, rows: int, update: Update) -> Integers | int:
    """Samples behind each of the ``rows`` rows of a layer's weights; one number if all alike."""
    if plan is None or not plan.upload or plan.upload[number].rows == 1:
        return update.layers[number].samples
    return plan.row_samples(number, rows, update.devices)


def _rounded(server: Server, own: Integers, like: Tensor) -> Tensor:
    """The server's copy without its fraction, in the type of ``like``."""
    return divide(own, 1 << server.fraction_bits, Rounding.NEAREST).astype(like.dtype)
