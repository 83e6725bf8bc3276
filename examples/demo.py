"""The main job in one go: eight devices learn digits together, with integers only.

Trains the same network in full-network and in single-layer mode, and for comparison with floating
point (FedAvg, backpropagation); prints one table and draws one picture.

    python examples/demo.py --out runs/demo
"""

import argparse
import shutil
from pathlib import Path

from rich.console import Console

import tifed
from tifed.cli.progress import RunProgress
from tifed.cli.result import result_table
from tifed.experiment import Result, RunFolder
from tifed.experiment.report import comparison_picture, write_report

RUNS = (
    ("integers, full-network", "tuned-full-network", ["mode=full-network"]),
    ("integers, single-layer", "tuned-single-layer", ["mode=single-layer"]),
    ("float32 FedAvg", "float-fedavg-full-network", ["baseline=float-fedavg"]),
)
"""What each run is called, its folder, and its settings on top of the preset's."""


def main() -> None:
    """Run everything and say where the results are."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/demo"), help="folder of the results")
    out: Path = parser.parse_args().out
    shutil.rmtree(out, ignore_errors=True)

    messages, console = Console(stderr=True, highlight=False), Console(highlight=False)
    results: list[Result] = []
    pictured: list[tuple[str, list[float | None], float]] = []
    for name, place, settings in RUNS:
        experiment = tifed.load_experiment(preset="digits", overrides=settings)
        folder = out / place
        messages.print(f"training {name}")
        with RunProgress(messages) as progress:
            result = tifed.run(experiment, out=folder, watch=progress.update)
        write_report(folder)
        results.append(result)
        curve = [row.accuracy for row in RunFolder(folder).read().rounds]
        pictured.append((name, curve, result.bytes_up_per_device))
    comparison_picture(pictured, out / "comparison.png")

    console.print(result_table(results))
    console.print(f"picture {out / 'comparison.png'}")
    for _, place, _ in RUNS:
        console.print(f"report  {out / place / 'report.html'}")


if __name__ == "__main__":
    main()
