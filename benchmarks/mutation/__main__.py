"""``python -m benchmarks.mutation``: do tests notice errors? See docs/testing.md."""

import argparse
from pathlib import Path

from benchmarks.mutation import breakages
from benchmarks.mutation.carry_out import all_mutants, carry_out, equivalents, sampled
from benchmarks.mutation.report import survivors, table
from benchmarks.mutation.tree import ROOT, Subject

MODULES = ("rule/integer", "rule/learning", "rule/network", "federation", "link")
TESTS = (*MODULES, "rule/recipes", "native")
"""Folders of tests that may find a mutant; doctests of the modules may as well."""
EXTENSIONS = ("tifed.native._native",)
LIBRARIES = ("numpy", "pydantic", "safetensors.numpy", "scipy.signal", "sklearn.datasets")
WEIGHTS = {
    "src/tifed/rule/integer/": 3.0,
    "src/tifed/rule/learning/oracle.py": 3.0,
    "src/tifed/federation/aggregation.py": 3.0,
}
"""Files of which a sample has more: they say what every other implementation has to equal."""
HERE = Path(__file__).parent


def main() -> None:
    """Try a sample and print the score and the survivors."""
    parser = argparse.ArgumentParser(description="Do the tests notice when the code is wrong?")
    parser.add_argument("--module", action="append", choices=MODULES, help="only of these")
    parser.add_argument("--sample", type=int, help="how many mutants; all of them if left out")
    parser.add_argument("--seed", type=int, default=1, help="of the sample")
    parser.add_argument("--jobs", type=int, default=2, help="mutants at a time")
    parser.add_argument("--results", type=Path, default=ROOT / "build" / "mutation.jsonl")
    parser.add_argument("--again", action="store_true", help="try survivors once more")
    parser.add_argument(
        "--tests", nargs="+", help="only these may find a mutant: new ones, with --again"
    )
    parser.add_argument("--list", action="store_true", help="name the mutants, try none")
    parser.add_argument(
        "--breakages", action="store_true", help="try breakages.toml instead of mutants"
    )
    parser.add_argument("--checks", action="store_true", help="try checks.toml instead of mutants")
    parser.add_argument("--only", default="", help="of these two lists, names with this in them")
    options = parser.parse_args()
    sources = tuple(f"src/tifed/{module}" for module in MODULES)
    tests = options.tests or (*(f"tests/{name}" for name in TESTS), *sources)
    subject = Subject(ROOT, sources, tuple(tests), EXTENSIONS, LIBRARIES)
    if options.breakages or options.checks:
        listed = HERE / ("checks.toml" if options.checks else "breakages.toml")
        named = [it for it in breakages.breakages(listed) if options.only in it.name]
        if not named:
            raise SystemExit(f"--only: {listed.name} has no name with {options.only!r} in it")
        noticed = breakages.carry_out(subject, named)
        raise SystemExit(not all(noticed.values()))
    found = all_mutants(subject)
    equivalent = equivalents(HERE / "equivalent.toml", found)
    modules = [f"src/tifed/{module}/" for module in options.module or MODULES]
    wanted = [mutant for mutant in found if mutant.file.startswith(tuple(modules))]
    chosen = sampled(wanted, options.sample, options.seed, WEIGHTS)
    if options.list:
        print("\n".join(mutant.key for mutant in chosen))
        return
    results = carry_out(subject, chosen, options.results, options.jobs, options.again)
    print(table(chosen, results, equivalent))
    print(survivors(chosen, results, equivalent))


if __name__ == "__main__":
    main()
