"""What short updates cost the native engine: `python benchmarks/short_updates.py`.

Prints, per kernel, recipe and width, the time of an exchange of 8 devices over that with whole
parameters, one thread, in CPU time; and that where what they send is also coded, to count it.
"""

import statistics
import time

from tifed.native.engine import Native, kernels
from tifed.native.speed import SHAPE, Workload
from tifed.rule.compression import Change

FRAME = 200
WIDTHS = {
    "whole": ((), 0),
    "ternary": ((Change(1, 7), Change(127, 2)), 0),
    "ternary, a residual kept": ((Change(1, 9, unit=2), Change(127, 4, unit=0)), 0),
    "8-bit": ((Change(127, 2), Change(127, 2)), 0),
    "ternary, a quarter of the rows": ((Change(1, 7, rows=4), Change(127, 2, rows=4)), 0),
    "ternary, coded": ((Change(1, 7), Change(127, 2)), FRAME),
}


def seconds(engine: Native, load: Workload) -> float:
    """Of one exchange."""
    before = time.process_time()
    load.train(engine, 8)
    return time.process_time() - before


def main(repeats: int = 25) -> None:
    """Medians of ratios, each of neighbours in time."""
    for kernel in kernels():
        engine = Native(kernel, threads=1)
        for recipe in ("paper", "tuned"):
            loads = [
                Workload(recipe, SHAPE, upload=upload, frame=frame)
                for upload, frame in WIDTHS.values()
            ]
            taken = [[seconds(engine, load) for load in loads] for _ in range(repeats)]
            for place, name in enumerate(WIDTHS):
                ratio = statistics.median(row[place] / row[0] for row in taken)
                print(f"{kernel}, {recipe}, {name}: {ratio:.3f}")


if __name__ == "__main__":
    main()
