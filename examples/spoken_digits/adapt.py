"""A device learns a new speaker: frozen ConvNet features in flash, a small head that adapts.

Five speakers are known when the firmware is made: an extractor was trained on their recordings
(it ships with TIFeD as `spoken-digits-five-speakers`), and their devices train the head together.
Then a sixth speaker, whom nobody has heard, gets a device. With two devices of known speakers it
adapts the head. The devices are simulated; a device sends parameters and sums, no recording.

    python examples/spoken_digits/adapt.py --data-dir FOLDER --out runs/spoken-digits

FOLDER (default $TIFED_DATA_DIR) holds the Free Spoken Digit Dataset, or a subfolder `fsdd` that
does; without either it is looked for in the cache and then downloaded (docs/datasets.md).
"""

import argparse
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from tifed.board import load_boards, load_measured
from tifed.board.measured_extraction import load_extractions
from tifed.errors import RunError, UsageError
from tifed.experiment import Experiment, build, free_folder
from tifed.experiment.report.theme import LIGHT, SERIES, new_figure, plain, png
from tifed.experiment.running import run
from tifed.experiment.setup import extractor_of, network_for
from tifed.experiment.training import training_for
from tifed.files.atomic import write_atomically
from tifed.plan import Preprocessing, plan
from tifed.rule.network import Parameters, load_model

EXTRACTOR = "spoken-digits-five-speakers"
KNOWN = ("george", "jackson", "lucas", "theo", "yweweler")
NEW = "nicolas"
BESIDE = ("jackson", "theo")
"""Known speakers whose devices adapt with the new one's."""
FRAMES = 32
"""Rows of 20 ms of a sample's spectrogram."""
BOARDS = ("nrf52840", "stm32l476", "rp2040", "esp32-c3")
SEEDS = (1, 2, 3)

HEAD: dict[str, Any] = {
    "dataset": "spoken-digits", "extractor": EXTRACTOR, "layers": (200, 32, 10),
    "partition": {"kind": "group"}, "buffer": 25, "batch": 5, "local_epochs": 5,
}  # fmt: skip


@dataclass(frozen=True)
class Adaptation:
    """One seed's run.

    Attributes:
        before: per speaker the accuracy of the head as it came with the firmware.
        after: per speaker a row of accuracies, one per round.
        digest: of the adapted head.
        bytes_up: sent by a device, mean over devices.
        bytes_down: sent to one.
    """

    before: dict[str, float]
    after: dict[str, list[float]]
    digest: str
    bytes_up: int
    bytes_down: int


def factory(out: Path, data_dir: Path | None) -> Parameters:
    """The head that devices are sold with: trained by the known speakers' devices."""
    experiment = Experiment(**HEAD, data=options(KNOWN), devices=len(KNOWN), rounds=54, seed=1)
    result = run(experiment, out=out, data_dir=data_dir)
    return load_model(Path(str(result.out)) / "model.safetensors")[1]


def options(speakers: tuple[str, ...]) -> dict[str, Any]:
    """Whose recordings, as pictures of log-mel energies, which a device computes as they arrive."""
    return {"only_speakers": list(speakers), "patch_frames": FRAMES}


def adaptation(mode: str, seed: int, fleet: str = "simulated") -> Experiment:
    """What the three devices do: one pass over 450 recordings each, nine rounds of 50."""
    speakers = tuple(sorted((NEW, *BESIDE)))
    settings = HEAD | {"buffer": 50, "batch": 10}
    return Experiment.model_validate(
        settings
        | {
            "data": options(speakers), "devices": 3, "rounds": 9, "mode": mode,
            "seed": seed, "fleet": fleet,
            # Chosen on validation samples, as docs/spoken-digits.md says.
            "recipe_settings": {"update_shifts": [7, 6], "running_mean": 2},
        }
    )  # fmt: skip


def adapt(experiment: Experiment, head: Parameters, data_dir: Path | None) -> Adaptation:
    """Go on from ``head`` on the devices of ``experiment``."""
    setup = build(experiment, data_dir)
    setup = replace(setup, inputs=replace(setup.inputs, start=head))
    if setup.dataset is None:
        raise RunError("the recordings are on the devices alone, so nothing can be judged here")
    test, names = setup.dataset.test, setup.dataset.group_names

    def by_speaker(answers: NDArray[np.integer]) -> dict[str, float]:
        right = answers == test.labels
        return {name: float(right[test.groups == n].mean()) for n, name in enumerate(names)}

    before = by_speaker(setup.engine.classify(setup.network, head, test.features))
    after: dict[str, list[float]] = {name: [] for name in names}
    training = training_for(experiment, setup)
    try:
        state, sent = training.begin()
        for following, record in training.rounds(state):
            state, sent = following, sent + record.costs
            for name, accuracy in by_speaker(training.classify(state, test.features)).items():
                after[name].append(accuracy)
        each = (count // experiment.devices for count in (sent.bytes_up, sent.bytes_down))
        return Adaptation(before, after, training.digest(state), *each)
    finally:
        training.close()


def costs(experiment: Experiment) -> list[dict[str, Any]]:
    """Per board: memory, time and energy, from the very figures of `tifed plan`."""
    before = Preprocessing(extractor=extractor_of(experiment), extractions=load_extractions())
    network = network_for(experiment)
    made = plan(experiment, network, load_boards(None), load_measured(), BOARDS, before)
    rows = []
    for one in made.boards:
        device = one.placements[0]
        if "extraction" not in device.per_sample:
            raise RunError("the plan has no extractor")
        extraction = device.per_sample["extraction"]
        seconds = extraction.value * one.cycles_per_instruction / one.board.clock
        watts = one.board.current / 1000 * one.board.volts
        rows.append(
            {
                "board": one.name,
                "ram": round(device.ram_total.value),
                "flash": round(device.flash_total.value),
                "fits": device.fits,
                "extraction_milliseconds": 1e3 * seconds,
                "extraction_millijoules": 1e3 * seconds * watts,
                "adapting_seconds": experiment.rounds * device.compute_seconds.value,
                "adapting_millijoules": 1e3 * experiment.rounds * device.compute_joules.value,
                "radio_millijoules": 1e3 * experiment.rounds * device.radio_joules.value,
                "extraction_figures_are": extraction.source.value,
            }
        )
    return rows


def accuracy_table(mode: str, runs: list[Adaptation]) -> Table:
    """Per speaker: before, and after each seed's adaptation, on recordings nobody trained on."""
    table = Table(title=f"accuracy, {mode}", header_style="bold", box=SIMPLE_HEAD)
    table.add_column("speaker")
    for column in ("before", "after (mean)", "least", "most"):
        table.add_column(column, justify="right")
    for name, before in runs[0].before.items():
        after = [run.after[name][-1] for run in runs]
        known = "new" if name == NEW else "known"
        cells = (before, float(np.mean(after)), min(after), max(after))
        table.add_row(f"{name} ({known})", *(f"{cell:.3f}" for cell in cells))
    table.caption = f"a device sends {runs[0].bytes_up:,} B and gets {runs[0].bytes_down:,} B"
    return table


def cost_table(rows: list[dict[str, Any]]) -> Table:
    """What extraction and adapting take on each board."""
    table = Table(title="one device, full-network", header_style="bold", box=SIMPLE_HEAD)
    table.add_column("board")
    for column in ("RAM B", "flash B", "a recording ms", "mJ", "adapting s", "mJ", "radio mJ"):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(
            row["board"] if row["fits"] else f"{row['board']} (does not fit)",
            f"{row['ram']:,}", f"{row['flash']:,}", f"{row['extraction_milliseconds']:.1f}",
            f"{row['extraction_millijoules']:.2f}", f"{row['adapting_seconds']:.1f}",
            f"{row['adapting_millijoules']:.0f}", f"{row['radio_millijoules']:.0f}",
        )  # fmt: skip
    return table


def picture(results: dict[str, list[Adaptation]], path: Path) -> None:
    """Accuracy over rounds, a line per seed: of the new speaker, and the mean of the known ones."""
    figure = new_figure(8.4, 4.2)
    axes = plain(figure.add_subplot())
    for number, (mode, runs) in enumerate(results.items()):
        for seed, one in enumerate(runs):
            rounds = range(1 + len(one.after[NEW]))
            new = [one.before[NEW], *one.after[NEW]]
            known = np.mean([[one.before[n], *one.after[n]] for n in BESIDE], axis=0)
            for curve, name, style in ((new, f"{NEW} (new)", "-"), (known, "known speakers", ":")):
                label = f"{name}, {mode}" if seed == 0 else None
                axes.plot(rounds, curve, style, color=SERIES[number], linewidth=1.4, label=label)
    axes.set_xlabel("rounds of 50 recordings per device (0: the head as sold)")
    axes.set_ylabel("accuracy on held-out recordings")
    axes.set_ylim(0.5, 1.01)
    axes.legend(loc="lower right", fontsize=8)
    write_atomically(path, png(figure, LIGHT, 130))


def main() -> None:
    """Sell, adapt, and say what it did and what it cost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    named = os.environ.get("TIFED_DATA_DIR")
    parser.add_argument(
        "--data-dir", type=Path, default=Path(named) if named else None,
        help="folder of the recordings; default $TIFED_DATA_DIR",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("runs/spoken-digits"), help="new folder")
    parser.add_argument(
        "--fleet", choices=("simulated", "emulated"), default="simulated",
        help="emulated: the devices are emulated Cortex-M4 boards; one seed, the same digests",
    )  # fmt: skip
    given = parser.parse_args()
    console = Console(highlight=False, width=120)
    out: Path = given.out
    try:
        out.mkdir(parents=True, exist_ok=True)
        head = factory(free_folder(out, "factory"), given.data_dir)
        results: dict[str, list[Adaptation]] = {}
        for mode in ("full-network", "single-layer"):
            seeds = SEEDS if given.fleet == "simulated" else SEEDS[:1]
            experiments = [adaptation(mode, seed, given.fleet) for seed in seeds]
            results[mode] = [adapt(one, head, given.data_dir) for one in experiments]
            console.print(accuracy_table(mode, results[mode]))
            for one, seed in zip(results[mode], seeds, strict=True):
                console.print(f"digest of the head, seed {seed}: {one.digest}")
        priced = costs(adaptation("full-network", SEEDS[0]))
        console.print(cost_table(priced))
    except UsageError as error:
        raise SystemExit(f"error: {error}") from error
    picture(results, out / "accuracy.png")
    runs = {mode: [asdict(run) for run in made] for mode, made in results.items()}
    write_atomically(out / "result.json", json.dumps({"runs": runs, "costs": priced}, indent=1))
    console.print(f"picture {out / 'accuracy.png'}")


if __name__ == "__main__":
    main()
