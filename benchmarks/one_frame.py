"""One LoRaWAN frame up in a round: what boards send, and what it costs, for docs/compression.md.

    python benchmarks/one_frame.py [--lost 0.1] [--rounds 60] [--devices 8] [--seed 1] [--first 101]
        [--runs 10] [--mode full-network] [--rows 5]

runs `digits` (64-32-10, each board with its own data) on emulated boards that answer an exchange as
a whole (SPEC, section 12.10), first over lines that lose nothing and then over lines that lose
frames each way. It prints what a board sends in a round: every byte that leaves it, headers,
checksums and delimiters included, repeats and what it says of lost orders too, whether it arrives
or not; and whether the digest is that of the simulation. Then it prints the accuracy on the test
images, beside that of whole parameters, with data that are dealt (`--runs` seeds from `--first`).
"""

import statistics
import struct
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
SHORT = {
    "upload": ("ternary", "ternary"), "download": "ternary", "rows": 5, "coder": True,
}  # fmt: skip
"""What fits it in every round."""
PAYLOAD = "TIFED_LINK_PAYLOAD=207u"
"""With all that is around it on the line a frame then has 222 bytes."""


_EXCHANGE = struct.Struct("<28xI")
"""Of an exchange's request: its number."""


@dataclass
class Heard:
    """What a board has sent.

    Attributes:
        rounds: bytes of each frame, delimiters included, from a round's exchange to the next one's.
        lines: its lines, one after the other.
    """

    rounds: dict[int, list[int]] = field(default_factory=dict)
    lines: list[LossyLine] = field(default_factory=list)


class Ear:
    """The board's own end of a line."""

    def __init__(self, line: Transport, heard: Heard) -> None:
        self._line, self._heard, self._rest = line, heard, b""
        self._asked, self.close = FrameReader(), line.close
        self._frames = list[int]()

    def write(self, data: bytes) -> None:
        """What reaches the board."""
        for frame in self._asked.feed(data):
            if frame.kind == Kind.EXCHANGE:
                number = _EXCHANGE.unpack_from(frame.payload)[0]
                self._frames = self._heard.rounds.setdefault(number, [])
        self._line.write(data)

    def read(self, seconds: float) -> bytes:
        """What leaves it."""
        data = self._line.read(seconds)
        *whole, self._rest = (self._rest + data).split(b"\0")
        self._frames += [len(block) + 2 for block in whole if block]
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
    setup: Setup,
    lost: float,
    patience: Patience,
    emulation: Emulation | None = None,
    coder: bool = True,
    sealed: bool = False,
) -> tuple[str, list[Heard]]:
    """The digest of a run on boards whose lines lose so many frames, and what each has sent."""
    heard = [Heard() for _ in setup.inputs.streams]

    def wire(device: int, board: object, opener: Opener) -> Opener:
        def opened() -> LossyLine:
            line = LossyLine(Ear(opener(), heard[device]), lost, device)
            heard[device].lines.append(line)
            return line

        return opened

    fleet = EmulatedFleet(
        setup.inputs, emulation or Emulation(), patience, LinkSettings(quiet=True), (PAYLOAD,),
        wire, coder=coder, sealed=sealed,
    )  # fmt: skip
    return digest(setup, fleet), heard


def digits(**settings: object) -> Setup:
    """The experiment, whose updates fit a frame."""
    chosen = load_experiment(preset="digits").model_dump()
    return build(Experiment.model_validate(chosen | {"compression": SHORT} | settings))


def accuracy(setup: Setup) -> float:
    """Of a simulation, on the test images."""
    state, _ = begin(setup.federation, setup.fleet, setup.start)
    for after, _ in federate(setup.federation, setup.fleet, state):
        state = after
    model, test = published(setup.federation.server, state), setup.dataset.test
    found = setup.engine.classify(setup.network, model, test.features)
    return float((found == test.labels).mean())


def main(
    lost: Annotated[float, typer.Option(help="share of frames, each way")] = 0.1,
    rounds: Annotated[int, typer.Option()] = 60,
    devices: Annotated[int, typer.Option()] = 8,
    seed: Annotated[int, typer.Option(help="of the boards' run")] = 1,
    first: Annotated[int, typer.Option(help="seed of the accuracies")] = 101,
    runs: Annotated[int, typer.Option(help="how many seeds")] = 10,
    mode: Annotated[str, typer.Option()] = "full-network",
    rows: Annotated[int, typer.Option()] = 5,
) -> None:
    """Run, and print the bytes of a round and the accuracy."""
    common = {"rounds": rounds, "devices": devices, "mode": mode}
    sent_short = common | {"compression": SHORT | {"rows": rows}}
    setup = digits(own_data=True, seed=seed, **sent_short)
    simulated = digest(setup, setup.fleet)
    for share in (0.0, lost):
        found, heard = on_boards(setup, share, Patience(training=2.0))
        sent = [frames for one in heard for frames in one.rounds.values()]
        print(
            f"{share:.0%} of the frames lost: {statistics.mean(map(sum, sent)):.1f} bytes up in a "
            f"round on average, {max(map(sum, sent))} at most, in {len(sent)} rounds of boards, "
            f"of which {sum(len(frames) == 1 for frames in sent)} took one frame; the longest "
            f"frame has {max(map(max, sent))} bytes; the digest is "
            f"{'that' if found == simulated else 'NOT that'} of the simulation"
        )
    seeds = range(first, first + runs)
    short = [accuracy(digits(seed=one, **sent_short)) for one in seeds]
    whole = [accuracy(digits(seed=one, compression={}, **common)) for one in seeds]
    lose = [100 * (a - b) for a, b in zip(short, whole, strict=True)]
    for name, values in (("short", short), ("whole", whole), ("points", lose)):
        print(f"{name}: {statistics.mean(values):.4f} ± {statistics.stdev(values):.4f}")


if __name__ == "__main__":
    typer.run(main)
