"""``[compression]`` of an experiment file: short numbers of what changed, up and down."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from tifed.errors import UsageError
from tifed.experiment.tables import SettingsTable
from tifed.rule.compression import Change, Changes
from tifed.rule.compression.change import LARGEST_ROWS, LARGEST_SHIFT
from tifed.rule.compression.shifts import usual_shift
from tifed.rule.network import Network

if TYPE_CHECKING:
    from tifed.experiment.fleet_kind import FleetKind
    from tifed.experiment.schema import Experiment

Width = Literal["whole", "8-bit", "4-bit", "ternary"]
Shift = Annotated[int, Field(ge=0, le=LARGEST_SHIFT)]

TOPS: dict[Width, int] = {"whole": 0, "8-bit": 127, "4-bit": 7, "ternary": 1}
"""The largest magnitude of a number of each width."""

FRAME = 256
"""Bytes that a frame of coded numbers has at most, as the payload of a board has."""

COARSER_DOWN = 1
"""The server moves further in an exchange than a device: by so many bits its shifts are larger."""


class CompressionTable(SettingsTable):
    """``[compression]``: short numbers of what changed, in place of whole parameters."""

    upload: Width | tuple[Width, ...] = Field(
        "whole",
        description="how devices send their weights: whole, or what has changed in them as numbers "
        "of 8 bits, of 4 bits, or of -1, 0 and 1 (docs/compression.md); one word, or a list with "
        "one for each layer; with one word the last of several layers has 8 bits at least",
    )
    download: Width | tuple[Width, ...] = Field(
        "whole", description="the same for what the server sends to devices"
    )
    upload_shift: Shift | tuple[Shift, ...] | None = Field(
        None,
        description="in the first round changes go up in steps of 2 to this power: one number for "
        "all layers but the last of several, or a list with one for each; default from the "
        "learning rule's own shifts, the number of steps and the input's energy",
    )
    download_shift: Shift | tuple[Shift, ...] | None = Field(
        None, description="the same for what the server sends to devices"
    )
    rows: int = Field(
        1,
        ge=1,
        le=LARGEST_ROWS,
        description="a device sends the weights of one in so many pairs of a layer's inputs in a "
        "round, and of the next ones in the next round",
    )
    coder: bool = Field(
        False,
        description="whether short numbers are coded, which makes ternary ones shorter by a third "
        "and more; the digest is the same, and a simulation, which then codes everything to count "
        "its bytes, takes up to twice as long",
    )

    residual: bool = Field(
        False,
        description="whether a device keeps what of its changes was too small to go up, for the "
        "next time, in one byte for each weight that it trains; then nothing is rounded at random, "
        "and what goes up is far shorter",
    )

    def build_upload(self, network: Network, steps: int, extra_shift: int) -> Changes:
        """How weights go up in the first round.

        Args:
            network: what every device holds.
            steps: mini-batch steps of a device in an exchange.
            extra_shift: of the first round.

        Raises:
            UsageError: if a list does not have one value for each layer, or weights have 32 bits.
        """
        tops = _tops(network, "upload", self.upload)
        if not any(tops) and self.rows == 1:
            return Changes()
        usual = [
            usual_shift(network, *its, steps, extra_shift, self.residual) for its in enumerate(tops)
        ]
        changes = _changes(network, "upload_shift", tops, self.upload_shift, usual, self.rows)
        return replace(changes, residual=self.residual)

    def build_download(self, network: Network, steps: int, extra_shift: int) -> Changes:
        """How weights go down after the first round; the same arguments and errors."""
        tops = _tops(network, "download", self.download)
        if not any(tops):
            return Changes()
        usual = [
            usual_shift(network, *its, steps, extra_shift) + COARSER_DOWN for its in enumerate(tops)
        ]
        return _changes(network, "download_shift", tops, self.download_shift, usual, 1)


def check_compression(experiment: "Experiment", kind: "FleetKind") -> None:
    """Make sure that ``[compression]`` goes with the other settings, and with the fleet.

    Raises:
        ValueError: naming those that do not.
    """
    for problem in _problems(experiment, kind):
        raise ValueError(problem)


def _problems(experiment: "Experiment", kind: "FleetKind") -> Iterator[str]:
    """What is wrong, the most general first."""
    compression = experiment.compression
    if experiment.link.quiet:
        if "whole" in (compression.upload, *compression.upload):
            yield (
                "link.quiet: whole weights do not go up in one answer; set compression.upload, "
                "such as to 'ternary', or link.quiet = false"
            )
        if experiment.buffers_per_round > 1:
            yield (
                "link.quiet: with it a device trains on one buffer in a round; set "
                "buffers_per_round = 1, or link.quiet = false"
            )
        if experiment.robust.clip:
            yield (
                "link.quiet: a change that is to be limited (robust.clip) does not go up in one "
                "answer; leave one of them out"
            )
    if compression == CompressionTable():
        return
    if experiment.baseline is not None:
        yield (
            f"compression: baseline = {experiment.baseline!r} sends whole parameters; leave one of "
            "them out"
        )
    for direction, widths in (("upload", compression.upload), ("download", compression.download)):
        if widths == "whole" and getattr(compression, f"{direction}_shift") is not None:
            yield (
                f"compression.{direction}_shift: goes with compression.{direction}, and only with "
                f"it; set compression.{direction}, such as to 'ternary'"
            )
    if compression.coder and compression.upload == "whole":
        yield (
            "compression.coder: whole parameters are not coded; set compression.upload, such as to "
            "'ternary'"
        )
    if experiment.privacy.noise_multiplier and compression.upload != "whole":
        yield (
            "compression.upload: rounding can carry a device's change beyond privacy.clip, for "
            "which the noise of privacy.noise_multiplier is made; set compression.upload = 'whole'"
        )
    if experiment.privacy.device_masks:
        yield (
            "compression: devices mask whole parameters with privacy.device_masks = true; leave "
            "one of them out"
        )
    if experiment.robust.on and compression.rows > 1:
        yield (
            "compression.rows: [robust] compares devices by all that they have changed, and with "
            f"rows = {compression.rows} each sends another part of it; set compression.rows = 1"
        )
    if compression.residual:
        yield from _residual_problems(experiment, kind)


def _residual_problems(experiment: "Experiment", kind: "FleetKind") -> Iterator[str]:
    """What does not go with ``compression.residual``."""
    compression = experiment.compression
    widths = compression.upload if isinstance(compression.upload, tuple) else (compression.upload,)
    if set(widths) == {"whole"}:
        yield (
            "compression.residual: nothing is left of weights that go up whole; set "
            "compression.upload, such as to 'ternary', or leave compression.residual out"
        )
    if compression.rows > 1:
        yield (
            "compression.residual: what devices keep is for all of their rows, and with "
            f"compression.rows = {compression.rows} some stay behind; set compression.rows = 1"
        )
    if experiment.robust.clip:
        yield (
            "compression.residual: what a device has kept can carry its change beyond the bound of "
            "robust.clip; leave one of them out"
        )
    if not kind.keeps_residuals:
        yield (
            f"compression.residual: the devices of fleet = {experiment.fleet!r} keep nothing of "
            "their changes; set compression.residual = false, or use fleet = 'simulated', "
            "'linked' or 'emulated'"
        )


def _tops(network: Network, name: str, widths: Width | tuple[Width, ...]) -> list[int]:
    """The largest magnitude of a number, per layer."""
    depth = network.depth
    if isinstance(widths, tuple):
        _check_length(name, len(widths), depth)
        tops = [TOPS[width] for width in widths]
    else:
        tops = [TOPS[widths]] * depth
        if depth > 1 and tops[-1]:
            tops[-1] = TOPS["8-bit"]
    if any(tops) and any(layer.weight_bits == 32 for layer in network.layers):
        raise UsageError(
            f"compression.{name}: changes of weights of 32 bits are not shortened; set "
            f"compression.{name} = 'whole', or recipe_settings.weight_bits = 16"
        )
    return tops


def _changes(
    network: Network,
    name: str,
    tops: list[int],
    given: int | tuple[int, ...] | None,
    usual: list[int],
    rows: int,
) -> Changes:
    """Shifts as ``given``, else the ``usual`` ones."""
    shifts = usual
    if isinstance(given, tuple):
        _check_length(name, len(given), network.depth)
        shifts = list(given)
    elif given is not None:
        shifts = [given] * max(1, network.depth - 1) + usual[1:][-1:]
    return Changes(
        tuple(
            Change(top, min(shift, LARGEST_SHIFT) if top else 0, rows)
            for top, shift in zip(tops, shifts, strict=True)
        ),
        by_energy=given is None,
    )


def _check_length(name: str, length: int, depth: int) -> None:
    """One value for each layer."""
    if length != depth:
        raise UsageError(
            f"compression.{name}: {length} values for {depth} layers; give one for each layer"
        )
