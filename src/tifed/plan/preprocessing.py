"""What a device does with every sample before its network sees it, once, and what that costs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod

from tifed.board import Core
from tifed.board.measured_extraction import Extractions
from tifed.board.measured_front_end import FrontEndRuns
from tifed.board.measured_signal import SignalRuns
from tifed.errors import UsageError
from tifed.extractor import Extractor
from tifed.extractor.memory import extractor_memory
from tifed.extractor.packed import constant_bytes
from tifed.plan.extraction_costs import extraction_code, extraction_instructions, extraction_stack
from tifed.plan.figure import Figure, Source
from tifed.plan.front_end_costs import (
    front_end_code,
    front_end_instructions,
    front_end_room,
    front_end_stack,
)
from tifed.plan.shift_costs import CODE as SHIFT_CODE
from tifed.plan.shift_costs import shift_instructions
from tifed.plan.signal_costs import signal_code, signal_instructions, signal_room, signal_stack
from tifed.rule.front_end import FrontEnd
from tifed.rule.signal import SignalFrontEnd


@dataclass(frozen=True)
class Preprocessing:
    """A front end, an extractor, both in this order, or neither.

    Attributes:
        front_end: that raw samples go through.
        extractor: that its features, or raw samples, go through.
        front_end_runs: what front ends were measured to take.
        extractions: what extractors were measured to take.
        shifts: height, width and channels of raw samples, if each visit in training makes a shift
            copy and its features anew; not with an extractor.
        signal: that readings go through, before they are samples.
        signal_runs: what signal front ends were measured to take.
    """

    front_end: FrontEnd | None = None
    extractor: Extractor | None = None
    front_end_runs: FrontEndRuns = field(default_factory=FrontEndRuns)
    extractions: Extractions = field(default_factory=Extractions)
    shifts: tuple[int, int, int] | None = None
    signal: SignalFrontEnd | None = None
    signal_runs: SignalRuns = field(default_factory=SignalRuns)

    def check(self, features: int) -> None:
        """Make sure that each step takes what the one before gives, the network ``features``.

        Raises:
            UsageError: if not.
        """
        if self.shifts is not None and (
            self.extractor is not None or prod(self.shifts) != self.inputs(features)
        ):
            raise UsageError(
                f"pixel_shifts: pictures of {self.shifts} are not {self.inputs(features)} values, "
                "or go through an extractor, which boards do not do at each visit"
            )
        if self.signal is not None and self.signal.features != self.inputs(features):
            raise UsageError(
                f"layers: samples have {self.inputs(features)} values, the signal front end "
                f"{self.signal.name!r} gives {self.signal.features}"
            )
        if self.extractor is not None and self.extractor.features != features:
            raise UsageError(
                f"layers: the network takes {features} features, "
                f"the extractor gives {self.extractor.features}"
            )
        if self.front_end is not None and self.front_end.features != self.kept(features):
            taker = "network" if self.extractor is None else "extractor"
            raise UsageError(
                f"{'layers' if self.extractor is None else 'extractor'}: the {taker} takes "
                f"{self.kept(features)} features, the front end {self.front_end.name!r} gives "
                f"{self.front_end.features}"
            )
        if (
            self.front_end is not None
            and self.extractor is not None
            and self.front_end.output_shape != self.extractor.input_shape
        ):
            raise UsageError(
                f"extractor: the extractor takes {self.extractor.input_shape}, the front end "
                f"{self.front_end.name!r} gives {self.front_end.output_shape}"
            )

    def inputs(self, features: int) -> int:
        """Bytes of a raw sample, for a network that takes ``features``."""
        return self.kept(features) if self.front_end is None else self.front_end.input_features

    def kept(self, features: int) -> int:
        """Bytes of a sample as it is kept while it arrives: a front end takes it row by row."""
        return features if self.extractor is None else self.extractor.input_features

    def instructions(self, kind: str, core: Core) -> Mapping[str, Figure]:
        """Instructions for one sample, by step."""
        found = {}
        if self.signal is not None:
            found["readings"] = signal_instructions(kind, core, self.signal, self.signal_runs)
        if self.front_end is not None:
            found["front end"] = front_end_instructions(
                kind, core, self.front_end, self.front_end_runs
            )
        if self.extractor is not None:
            found["extraction"] = extraction_instructions(
                kind, core, self.extractor, self.extractions
            )
        return found

    def visit_instructions(self, kind: str, core: Core) -> Mapping[str, Figure]:
        """Instructions for each visit of a sample in training, beside the network's, by step."""
        if self.shifts is None:
            return {}
        return {"shift copy": shift_instructions(self.shifts), **self.instructions(kind, core)}

    def ram(self, features: int) -> Mapping[str, Figure]:
        """Bytes of RAM by part, beside the sample that arrives and the stack."""
        found = {}
        if self.signal is not None:
            found["readings"] = Figure(signal_room(self.signal), Source.COMPUTED)
        if self.front_end is not None:
            room = front_end_room(self.front_end)
            found["front end"] = Figure(room, Source.COMPUTED)
        if self.extractor is not None:
            # Its block, and the features of one sample on their way into the buffer.
            room = extractor_memory(self.extractor).total + features
            found["extraction"] = Figure(room, Source.COMPUTED)
        return found

    def stack(self, kind: str) -> int:
        """Most bytes of stack of a firmware that does this; 0 where none was measured."""
        deepest = [0]
        if self.signal is not None:
            deepest.append(signal_stack(kind, self.signal, self.signal_runs))
        if self.front_end is not None:
            deepest.append(front_end_stack(kind, self.front_end_runs))
        if self.extractor is not None:
            deepest.append(extraction_stack(kind, self.extractions))
        return max(deepest)

    def flash(self, kind: str) -> Mapping[str, Figure]:
        """Bytes of flash by part."""
        found = {}
        if self.signal is not None:
            found["code for readings"] = signal_code(kind, self.signal, self.signal_runs)
        if self.front_end is not None:
            found["front end's code"] = front_end_code(kind, self.front_end, self.front_end_runs)
        if self.extractor is not None:
            found["extractor's code"] = extraction_code(kind, self.extractions)
            found["extractor"] = Figure(constant_bytes(self.extractor), Source.COMPUTED)
        if self.shifts is not None:
            found["shift copies' code"] = Figure(SHIFT_CODE, Source.MODELLED)
        return found

    def commands(self, kind: str) -> tuple[str, ...]:
        """What measured these figures, for people who repeat it."""
        runs = () if self.front_end is None else self.front_end_runs.of(kind)
        rows = () if self.extractor is None else self.extractions.of(kind)
        signals = self.signal_runs.about(kind, self.signal)
        commands = [row.command for each in (runs, rows, signals) for row in each]
        return tuple(dict.fromkeys(commands))


AS_THEY_ARE = Preprocessing()
"""Samples are features."""
