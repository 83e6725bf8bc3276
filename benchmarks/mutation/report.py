"""The score of each module, and what no test noticed."""

from collections import Counter
from collections.abc import Iterable, Mapping

from benchmarks.mutation.carry_out import Result
from benchmarks.mutation.mutants import Mutant


def table(
    chosen: Iterable[Mutant], results: Mapping[str, Result], equivalent: Mapping[str, str]
) -> str:
    """Per module how many mutants there were and what came of them, as Markdown.

    The score is the share of those killed or timed out among those that are not equivalent.
    """
    counts: dict[str, Counter[str]] = {}
    for mutant in chosen:
        module = mutant.file.split("/")[-2]
        outcome = results[mutant.key].outcome
        if results[mutant.key].alive and mutant.key in equivalent:
            outcome = "equivalent"
        counts.setdefault(module, Counter())[outcome] += 1
    counts["all"] = sum(counts.values(), Counter[str]())
    names = ("killed", "timed out", "survived", "not reached", "equivalent")
    rows = [f"| module | mutants | {' | '.join(names)} | score |", "|---" * (len(names) + 3) + "|"]
    for module, counted in counts.items():
        judged = counted.total() - counted["equivalent"]
        score = (counted["killed"] + counted["timed out"]) / judged if judged else 1.0
        numbers = " | ".join(str(counted[name]) for name in names)
        rows.append(f"| {module} | {counted.total()} | {numbers} | {score:.1%} |")
    return "\n".join(rows)


def survivors(
    chosen: Iterable[Mutant], results: Mapping[str, Result], equivalent: Mapping[str, str]
) -> str:
    """One line for each mutant that no test noticed."""
    return "\n".join(
        f"{mutant.file}:{mutant.line} ({results[mutant.key].outcome}) in `{mutant.text}`: "
        f"`{mutant.original}` -> `{mutant.mutant}`"
        for mutant in chosen
        if results[mutant.key].alive and mutant.key not in equivalent
    )
