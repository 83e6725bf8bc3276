"""The constants of an experiment's federation: whom to ask for what, and when."""

from collections.abc import Sequence
from dataclasses import replace

from tifed.errors import UsageError
from tifed.experiment.compression import FRAME
from tifed.experiment.schema import Experiment
from tifed.federation import AverageEvery, Federation, PersonalRounds
from tifed.federation import assignment as assignments
from tifed.federation.assignment import Assignment
from tifed.rule.compression import Changes
from tifed.rule.integer.rounding import Integers
from tifed.rule.learning import check_clip
from tifed.rule.network import Network
from tifed.rule.network.memory import device_memory


def federation_of(
    experiment: Experiment,
    network: Network,
    orders: Sequence[Integers],
    owned: tuple[int, ...] | None = None,
) -> Federation:
    """The federation of ``experiment``.

    Args:
        experiment: its settings.
        network: what every device holds.
        orders: per device its stream, one entry per sample that it trains on.
        owned: per device how many samples it has, where that is known.

    Raises:
        UsageError: naming the setting that does not fit the network.
    """
    recipe, learner = experiment.build_recipe(), experiment.learner()
    noise = experiment.privacy.noise()
    if noise is not None:
        check_clip(network, noise.clip)
    federation = Federation(
        network=network,
        server=recipe.server(experiment.mode, network.depth),
        streams=tuple(map(len, orders)),
        owned=owned,
        assignment=assignment_of(experiment, network),
        extra_shifts=tuple(
            learner.extra_shift(number, experiment.rounds, experiment.mode)
            for number in range(experiment.rounds)
        ),
        seed=experiment.seed,
        buffer=experiment.buffer,
        batch=experiment.batch,
        local_epochs=experiment.local_epochs,
        buffers_per_round=experiment.buffers_per_round,
        average_every=experiment.average_every,
        devices_per_round=experiment.devices_per_round,
        minimum_devices=experiment.minimum_devices,
        at_end=experiment.at_end,
        calibration_samples=experiment.calibration_samples,
        recipe=recipe,
        own_data=experiment.own_data,
        personal=personal_rounds(experiment, network),
        robust=experiment.robust.build(),
        noise=noise,
    )
    upload, download = changes_of(experiment, network)
    frame = FRAME if experiment.compression.coder else 0
    return replace(federation, upload=upload, download=download, frame=frame)


def changes_of(experiment: Experiment, network: Network) -> tuple[Changes, Changes]:
    """How weights go up and down.

    Raises:
        UsageError: naming the setting that does not fit the network.
    """
    batches = -(-experiment.buffer // experiment.batch)
    steps = {
        AverageEvery.BUFFER: experiment.buffers_per_round * experiment.local_epochs * batches,
        AverageEvery.EPOCH: batches,
        AverageEvery.MINI_BATCH: 1,
    }[experiment.average_every]
    first = experiment.learner().extra_shift(0, experiment.rounds, experiment.mode)
    table = experiment.compression
    return (
        table.build_upload(network, steps, first), table.build_download(network, steps, first),
    )  # fmt: skip


def personal_rounds(experiment: Experiment, network: Network) -> PersonalRounds | None:
    """The personal rounds that the experiment asks for.

    Raises:
        UsageError: if a device has no room for them.
    """
    chosen, depth = experiment.personal, network.depth
    if not chosen.rounds:
        return None
    layers = tuple(range(depth)) if chosen.layers == "all" else (depth - 1,)
    if experiment.mode == "memory-aware":
        needed = device_memory(
            network, layers, experiment.buffer, experiment.batch,
            frozen_in_flash=experiment.memory.frozen_in == "flash",
        ).total  # fmt: skip
        least = min(experiment.memory.budgets)
        if needed > least:
            raise UsageError(
                f"personal.layers: to train {chosen.layers!r} takes {needed} bytes of RAM, but the "
                f"smallest of memory.budgets is {least}; "
                + ("set personal.layers = 'last', or " * (chosen.layers == "all"))
                + "leave personal.rounds out"
            )
    return PersonalRounds(chosen.rounds, layers, chosen.extra_shift)


def assignment_of(experiment: Experiment, network: Network) -> Assignment:
    """Which device trains which layers in which round."""
    devices, depth = experiment.devices, network.depth
    if experiment.mode == "single-layer":
        choose = {
            "contiguous": assignments.contiguous,
            "alternating": assignments.alternating,
            "rotating": assignments.rotating,
            "rotating-quarter": assignments.rotating_quarter,
        }[experiment.assignment or experiment.learner().assignment]
        return choose(devices, depth)
    if experiment.device_layers is not None:
        return assignments.per_device(experiment.device_layers, devices, depth)
    if experiment.mode == "memory-aware":
        return assignments.memory_aware(
            network, experiment.memory.budgets, devices, experiment.buffer, experiment.batch,
            frozen_in_flash=experiment.memory.frozen_in == "flash",
        )  # fmt: skip
    return assignments.full_network(depth)
