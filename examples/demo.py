"""The main job in one go: eight devices learn digits together, with integers only.

Trains the same network in full-network and in single-layer mode, and for comparison with floating
point (FedAvg, backpropagation); prints one table and draws one picture.

    python examples/demo.py --out runs/demo
"""

import argparse
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
from rich.console import Console

import tifed
from tifed.baselines import FloatFedAvg, predict
from tifed.cli.progress import RunProgress
from tifed.cli.result import result_table
from tifed.device import Stream
from tifed.experiment import Experiment, RunFolder, build
from tifed.report import comparison_picture, write_report

MODES = ("full-network", "single-layer")


def float_fedavg(experiment: Experiment) -> tuple[list[float], dict[str, object]]:
    """The same data, order and budget in float32: accuracy per round, and a row of the table."""
    setup = build(experiment)
    train, test = setup.dataset.train, setup.dataset.test
    streams = [Stream(train.features, train.labels, own) for own in setup.partition.indices]
    curve, up, down, macs = [], 0, 0, 0
    for result in FloatFedAvg().run(setup.federation, streams):
        predicted = predict(result.parameters, test.features)
        curve.append(float(np.mean(predicted == test.labels)))
        up += result.costs.bytes_up
        down += result.costs.bytes_down
        macs += result.costs.macs
    row: dict[str, object] = {
        "recipe": "float FedAvg",
        "mode": experiment.mode,
        "accuracy": curve[-1],
        "bytes_up_per_device": up // experiment.devices,
        "bytes_down_per_device": down // experiment.devices,
        "macs_per_device": macs // experiment.devices,
        "digest": "(float)",
    }
    return curve, row


def main() -> None:
    """Run everything and say where the results are."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/demo"), help="folder of the results")
    out: Path = parser.parse_args().out
    shutil.rmtree(out, ignore_errors=True)

    messages, console = Console(stderr=True, highlight=False), Console(highlight=False)
    rows: list[dict[str, object]] = []
    pictured: list[tuple[str, list[float], float]] = []
    for mode in MODES:
        experiment = tifed.load_experiment(preset="digits", overrides=[f"mode={mode}"])
        messages.print(f"training {mode}, integers only")
        with RunProgress(messages) as progress:
            result = tifed.run(experiment, out=out / mode, watch=progress.update)
        write_report(out / mode)
        rows.append(asdict(result))
        metrics = RunFolder(out / mode).read_metrics(experiment.rounds)
        curve = [float(row["accuracy"]) for row in metrics]
        pictured.append((f"integers, {mode}", curve, result.bytes_up_per_device))

    messages.print("training float FedAvg, for comparison")
    curve, row = float_fedavg(tifed.load_experiment(preset="digits"))
    rows.append(row)
    pictured.append(("float32 FedAvg", curve, float(str(row["bytes_up_per_device"]))))
    comparison_picture(pictured, out / "comparison.png")

    console.print(result_table(rows))
    console.print(f"picture {out / 'comparison.png'}")
    for mode in MODES:
        console.print(f"report  {out / mode / 'report.html'}")


if __name__ == "__main__":
    main()
