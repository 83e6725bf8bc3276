"""Bytes that boards send in a round, over lines that lose frames, for docs/link.md.

    python benchmarks/one_frame.py [--lost 0.1] [--rounds 60] [--devices 8] [--seed 1] [--rows 4]

runs `digits` (64-32-10, each board with its own data) on emulated boards that answer an exchange as
a whole, and prints what a board sends in a round: every byte that leaves it from its first exchange
on, headers, checksums and delimiters included, repeats and what it says of lost orders too, whether
it arrives or not. It also says whether the digest is that of the simulation.
"""

from dataclasses import dataclass, field
from typing import Annotated

import typer

from tifed import Experiment, load_experiment
from tifed.experiment.setup import Setup, build
from tifed.federation import Fleet, begin, federate, published
from tifed.fleets.emulated import EmulatedFleet, Emulation
from tifed.fleets.linked import LinkSettings
from tifed.link import FrameReader, Kind, Patience, Transport
from tifed.link.faults import LossyLine
from tifed.link.transport import Opener

FRAME = 222
"""Bytes that a LoRaWAN frame carries: DR3 in the USA, DR4 and DR5 in Europe."""
PAYLOAD = "TIFED_LINK_PAYLOAD=207u"
"""With all that is around it on the line a frame then has 222 bytes."""


@dataclass
class Heard:
    """What a board has sent.

    Attributes:
        frames: bytes of each, delimiters included.
        first: how many of them it had sent when it was first asked for an exchange.
    """

    frames: list[int] = field(default_factory=list)
    first: int | None = None

    @property
    def up(self) -> int:
        """Bytes from the first exchange on."""
        return sum(self.frames[self.first :])


class Ear:
    """The board's own end of a line."""

    def __init__(self, line: Transport, heard: Heard) -> None:
        self._line, self._heard, self._rest = line, heard, b""
        self._asked, self.close = FrameReader(), line.close

    def write(self, data: bytes) -> None:
        """What reaches the board."""
        for frame in self._asked.feed(data):
            if frame.kind == Kind.EXCHANGE and self._heard.first is None:
                self._heard.first = len(self._heard.frames)
        self._line.write(data)

    def read(self, seconds: float) -> bytes:
        """What leaves it."""
        data = self._line.read(seconds)
        *whole, self._rest = (self._rest + data).split(b"\0")
        self._heard.frames += [len(block) + 2 for block in whole if block]
        return data


def digest(setup: Setup, fleet: Fleet) -> str:
    """Of the model at the end of a run."""
    try:
        state, _ = begin(setup.federation, fleet, setup.start)
        for after, _ in federate(setup.federation, fleet, state):
            state = after
        return published(setup.federation.server, state).digest
    finally:
        fleet.close()


def on_boards(
    setup: Setup, lost: float, patience: Patience, coder: bool = True
) -> tuple[str, list[Heard]]:
    """The digest of a run on boards whose lines lose so many frames, and what each has sent."""
    heard = [Heard() for _ in setup.inputs.streams]

    def wire(device: int, board: object, opener: Opener) -> Opener:
        return lambda: LossyLine(Ear(opener(), heard[device]), lost, device)

    fleet = EmulatedFleet(
        setup.inputs, Emulation(), patience, LinkSettings(quiet=True), (PAYLOAD,), wire,
        coder=coder,
    )  # fmt: skip
    return digest(setup, fleet), heard


def digits(rows: int, **settings: object) -> Setup:
    """The experiment, each device with its own data."""
    compression = {"upload": "ternary", "download": "ternary", "rows": rows, "coder": True}
    chosen = load_experiment(preset="digits").model_dump()
    return build(
        Experiment.model_validate(
            chosen | {"own_data": True, "compression": compression} | settings
        )
    )


def main(
    lost: Annotated[float, typer.Option(help="share of frames, each way")] = 0.1,
    rounds: Annotated[int, typer.Option()] = 60,
    devices: Annotated[int, typer.Option()] = 8,
    seed: Annotated[int, typer.Option()] = 1,
    rows: Annotated[int, typer.Option()] = 4,
) -> None:
    """Run, and print the bytes of a round."""
    setup = digits(rows, rounds=rounds, devices=devices, seed=seed)
    found, heard = on_boards(setup, lost, Patience(training=4.0))
    ups = [one.up / rounds for one in heard]
    longest = max(max(one.frames) for one in heard)
    print(
        f"{sum(ups) / len(ups):.1f} bytes up a round (each board: {min(ups):.1f} to {max(ups):.1f})"
    )
    print(f"the longest frame has {longest} bytes, delimiters included")
    same = found == digest(setup, setup.fleet)
    print("the digest is that of the simulation" if same else "ANOTHER DIGEST than the simulation")


if __name__ == "__main__":
    typer.run(main)
