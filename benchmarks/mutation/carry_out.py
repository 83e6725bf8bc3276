"""Which mutants are tried, and what came out, kept in a file from which a run goes on."""

import hashlib
import json
import math
import queue
import random
import tempfile
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.mutation.mutants import Mutant, mutants
from benchmarks.mutation.tree import Subject, Tree
from benchmarks.mutation.trials import Trials, measure


@dataclass(frozen=True)
class Result:
    """What came of a mutant.

    Attributes:
        key: of the mutant.
        source: digest of the file that it was made of.
        outcome: "killed", "survived", "timed out" or "not reached".
        by: the test that found it.
    """

    key: str
    source: str
    outcome: str
    by: str

    @property
    def alive(self) -> bool:
        """Whether no test noticed."""
        return self.outcome in ("survived", "not reached")


def all_mutants(subject: Subject) -> list[Mutant]:
    """Every mutant of the subject's sources."""
    return [
        m for file in subject.files() for m in mutants(file, (subject.root / file).read_bytes())
    ]


def sampled(
    found: Sequence[Mutant], size: int | None, seed: int, weights: Mapping[str, float]
) -> list[Mutant]:
    """A sample without repetition, in the order of ``found``.

    Args:
        found: to choose from.
        size: of the sample; None for all.
        seed: of the choice. A mutant's luck depends on its key alone: others do not change it.
        weights: how much likelier a mutant is whose file's path starts so; 1 for the others.
    """
    if size is None or size >= len(found):
        return list(found)

    def luck(mutant: Mutant) -> float:
        weight = max((w for at, w in weights.items() if mutant.file.startswith(at)), default=1.0)
        number = random.Random(f"{seed} {mutant.key}").random()  # noqa: S311
        return math.pow(number, 1 / weight)

    chosen = {mutant.key for mutant in sorted(found, key=luck, reverse=True)[:size]}
    return [mutant for mutant in found if mutant.key in chosen]


def kept(path: Path) -> dict[str, Result]:
    """Results in the file; of two with the same key the later one."""
    if not path.is_file():
        return {}
    results = (Result(**json.loads(line)) for line in path.read_text().splitlines())
    return {result.key: result for result in results}


def equivalents(path: Path, found: Iterable[Mutant]) -> dict[str, str]:
    """Mutants that do what the original does, each with the reason.

    Raises:
        SystemExit: naming those that are no mutants any more: the code has changed.
    """
    listed = tomllib.loads(path.read_text())["equivalent"] if path.is_file() else []
    reasons = {entry["mutant"]: entry["reason"] for entry in listed}
    gone = reasons.keys() - {mutant.key for mutant in found}
    if gone:
        raise SystemExit("\n".join([f"{path}: these are no mutants any more:", *sorted(gone)]))
    return reasons


def carry_out(
    subject: Subject, chosen: Iterable[Mutant], path: Path, jobs: int, again: bool
) -> dict[str, Result]:
    """Try those of ``chosen`` whose result is not kept.

    Args:
        subject: what is tested.
        chosen: mutants of it.
        path: of the file with results; each is added as it comes.
        jobs: copies of the project, each with a process.
        again: try those that no test noticed once more: there are new tests.

    Returns:
        Results of all of ``chosen``, by key.

    Raises:
        SystemExit: if a test fails without a mutant.
    """
    sources = {file: (subject.root / file).read_bytes() for file in subject.files()}
    digests = {file: hashlib.sha256(data).hexdigest()[:16] for file, data in sources.items()}
    chosen, results = list(chosen), kept(path)
    left = [it for it in chosen if _open(results.get(it.key), digests[it.file], again)]
    if left:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(prefix="mutants-") as folder,
            path.open("a") as file,
            ThreadPoolExecutor(jobs) as pool,
        ):
            copies = [Path(folder, str(number)) for number in range(jobs)]
            made = [Tree(subject, copy) for copy in copies]
            reach = measure(made[0], sources, subject.tests)
            idle: queue.Queue[Trials] = queue.Queue()
            for tree in made:
                idle.put(Trials(tree, reach, subject.libraries))
            everyone = list(idle.queue)

            def tried(mutant: Mutant) -> Result:
                trials = idle.get()
                try:
                    said = trials.tried(mutant, sources[mutant.file])
                finally:
                    idle.put(trials)
                old, outcome = results.get(mutant.key), said["outcome"]
                if outcome == "not reached" and old is not None and old.outcome == "survived":
                    outcome = "survived"  # by tests that were not among these
                result = Result(mutant.key, digests[mutant.file], outcome, said["by"])
                file.write(json.dumps(asdict(result)) + "\n")
                file.flush()
                return result

            try:
                list(pool.map(Trials.warm, everyone))
                for number, result in enumerate(pool.map(tried, left), 1):
                    results[result.key] = result
                    print(f"{number}/{len(left)} {result.outcome}: {result.key}", flush=True)
            finally:
                for trials in everyone:
                    trials.close()
    return {mutant.key: results[mutant.key] for mutant in chosen}


def _open(result: Result | None, digest: str, again: bool) -> bool:
    """Whether a mutant of the file with ``digest`` is to be tried."""
    return result is None or result.source != digest or (again and result.alive)
