"""A device learns a new speaker: it goes on alone from a model that others have trained.

Five speakers' devices train together, as speakers.toml says. Then the sixth, whom nobody has heard,
gets a device with that model, and it makes its personal rounds. The devices are simulated; each
holds out one of five of its own recordings to be scored on, and no recording leaves one.

    python examples/spoken_digits/new_speaker.py --data-dir FOLDER --out runs/new-speaker

FOLDER (default $TIFED_DATA_DIR) holds the Free Spoken Digit Dataset, or a subfolder `fsdd` that
does; without either it is looked for in the cache and then downloaded (docs/datasets.md).
"""

import argparse
import json
import os
from dataclasses import replace
from pathlib import Path

from tifed.errors import RunError, UsageError
from tifed.experiment import Experiment, build, load_experiment, run
from tifed.experiment.own_result import PersonalOutcome
from tifed.experiment.training import judge_for, training_for
from tifed.rule.network import Parameters, load_model

SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")


def experiment_of(speakers: tuple[str, ...], devices: int) -> Experiment:
    """What speakers.toml says, for the recordings of ``speakers`` on that many devices."""
    settings = [f"data.only_speakers={json.dumps(speakers)}", f"devices={devices}"]
    return load_experiment(Path(__file__).with_name("speakers.toml"), overrides=settings)


def personalise(experiment: Experiment, head: Parameters, data_dir: Path | None) -> PersonalOutcome:
    """Give ``head`` to the devices of ``experiment``, and let them go on alone at once."""
    setup = build(experiment, data_dir)
    setup = replace(setup, inputs=replace(setup.inputs, start=head))
    training = training_for(experiment, setup)
    try:
        state, _ = training.begin()
        judge = judge_for(experiment, setup, training)
        for reason in judge.begin():
            raise RunError(reason)
        own = judge.finish(state).own
    finally:
        training.close()
    if own is None or own.personal is None:
        raise RunError("speakers.toml asks for no personal rounds")
    return own.personal


def main() -> None:
    """Train with five, then see for each speaker what a device of the sixth gains alone."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    named = os.environ.get("TIFED_DATA_DIR")
    parser.add_argument(
        "--data-dir", type=Path, default=Path(named) if named else None,
        help="folder of the recordings; default $TIFED_DATA_DIR",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("runs/new-speaker"), help="new folder")
    given = parser.parse_args()
    out: Path = given.out
    try:
        out.mkdir(parents=True, exist_ok=True)
        for new in SPEAKERS:
            known = experiment_of(tuple(one for one in SPEAKERS if one != new), 25)
            run(known, out=out / f"without-{new}", data_dir=given.data_dir)
            head = load_model(out / f"without-{new}" / "model.safetensors")[1]
            found = personalise(experiment_of((new,), 1), head, given.data_dir)
            before, after = float(found.mean_before), float(found.mean_after)
            print(f"{new:10} before {before:.4f}  after {after:.4f}")
    except UsageError as error:
        raise SystemExit(f"error: {error}") from error


if __name__ == "__main__":
    main()
