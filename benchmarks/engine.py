"""The native engine's numbers in docs/performance.md: `python benchmarks/engine.py`."""

import typer

from tifed.cli.bench import bench

if __name__ == "__main__":
    typer.run(bench)
