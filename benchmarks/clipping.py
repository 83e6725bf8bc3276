"""What a bound on devices' updates costs the native engine: `python benchmarks/clipping.py`.

Prints, per recipe, the time of an exchange of 8 devices with a bound over that without, one thread,
in CPU time: where norms are measured and nothing is scaled down, and where everything is.
"""

import statistics
import time

from tifed.native.engine import Native
from tifed.native.speed import SHAPE, Workload
from tifed.rule.learning import LARGEST_CLIP

BOUNDS = {"none": 0, "measured": LARGEST_CLIP, "scaled": 1000}


def seconds(engine: Native, load: Workload) -> float:
    """Of one exchange."""
    before = time.process_time()
    load.train(engine, 8)
    return time.process_time() - before


def main(repeats: int = 25) -> None:
    """Medians of ratios, each of neighbours in time."""
    engine = Native(threads=1)
    for recipe in ("paper", "tuned"):
        loads = [Workload(recipe, SHAPE, clip=clip) for clip in BOUNDS.values()]
        taken = [[seconds(engine, load) for load in loads] for _ in range(repeats)]
        for place, name in enumerate(BOUNDS):
            print(recipe, name, f"{statistics.median(row[place] / row[0] for row in taken):.3f}")


if __name__ == "__main__":
    main()
