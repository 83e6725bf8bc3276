"""What a device that joins gets and sends once: `python -m benchmarks.joining`.

A run is simulated, and emulated boards with samples of their own join it, each before another
round: what is on the line until a board begins to train is counted, frames and answers included.
With whole parameters first, and then with short updates.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from tifed.experiment import Setup, build, load_experiment
from tifed.federation import ServerState, begin, federate
from tifed.fleets.emulated import EmulatedFleet, Emulation
from tifed.link import FrameReader, Kind, Transport
from tifed.link.transport import Opener

PRESETS = {
    "digits": ("devices=8", "rounds=60"),
    "fashion-mnist-octants-second-order": (
        "devices=8", "rounds=151", "partition.limit_per_device=100",
    ),
}  # fmt: skip
SHORT = ("compression.upload=ternary", "compression.download=ternary", "compression.coder=true")
ROUNDS = (1, 2, 11, 51, 151)
"""Before which a board joins."""


def states(setup: Setup) -> Iterator[ServerState]:
    """That of a simulated run before each of its rounds."""
    state, _ = begin(setup.federation, setup.fleet, setup.start)
    yield state
    for after, _ in federate(setup.federation, setup.fleet, state):
        yield after


class Counted:
    """A line whose bytes are counted until the board is told to take samples."""

    def __init__(self, line: Transport) -> None:
        self.line, self.close = line, line.close
        self._reader = FrameReader()
        self.down = self.up = 0
        self.joined = False

    def read(self, seconds: float) -> bytes:
        """What the board says."""
        data = self.line.read(seconds)
        self.up += 0 if self.joined else len(data)
        return data

    def write(self, data: bytes) -> None:
        """What it is told."""
        self.joined |= any(frame.kind == Kind.TAKE for frame in self._reader.feed(data))
        self.down += 0 if self.joined else len(data)
        self.line.write(data)


def counted_boards(setup: Setup) -> tuple[EmulatedFleet, dict[int, Counted]]:
    """Boards, and their lines once they are open."""
    fleet, lines = EmulatedFleet(setup.inputs, Emulation("cortex-m4", "unicorn")), {}

    def wire(device: int, board: object, opener: Opener) -> Opener:
        def opened() -> Transport:
            lines[device] = Counted(opener())
            return lines[device]

        return opened

    fleet.wire = wire
    return fleet, lines


def show(what: str, line: Counted) -> None:
    """A line of the table."""
    print(f"{what}: {line.down:,} down, {line.up:,} up", flush=True)


def main() -> None:
    """A table for each preset."""
    parser = argparse.ArgumentParser(description="Bytes of a device that joins.")
    parser.add_argument("--data-dir", type=Path, help="your folder of data sets")
    parser.add_argument("--preset", action="append", choices=PRESETS, help="these alone")
    options = parser.parse_args()
    for preset in options.preset or PRESETS:
        for name, sent in (("whole", ()), ("short", SHORT)):
            overrides = ["own_data=true", *PRESETS[preset], *sent]
            setup = build(load_experiment(preset=preset, overrides=overrides), options.data_dir)
            fleet, lines = counted_boards(setup)
            try:
                found = list(fleet.calibrate([0], setup.federation.calibration_samples))
                assert len(found) == 1
                show(f"{preset}, {name}, calibration", lines[0])
                for number, state in enumerate(states(setup), 1):
                    if number in ROUNDS:
                        device = ROUNDS.index(number) + 1
                        (plan,) = setup.federation.plans(state)
                        jobs = plan.jobs.for_devices(np.array([device]))
                        assert len(list(fleet.fit(replace(plan, jobs=jobs), state.parameters))) == 1
                        show(f"{preset}, {name}, before round {number}", lines[device])
            finally:
                fleet.close()


if __name__ == "__main__":
    main()
