"""The scores of a mutation run, and the expectations that no mutant and no seeded defect turned red."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from traceability.model.catalogue import Catalogue
from traceability.model.feature_files import Scenario
from traceability.model.mutation_score import KeptScore
from traceability.mutation.mutants import Mutant
from traceability.mutation.mutate import BY_ERROR, NOTICED, SURVIVED, TIMED_OUT, MutantResult
from traceability.mutation.survivors import Explanation, Survivor

AIM = 0.8


def document(
    results: Sequence[MutantResult],
    scenarios: Sequence[Scenario],
    catalogue: Catalogue,
    explained: Mapping[Survivor, Explanation],
    facts: Mapping[str, Any],
    proof: Mapping[str, Any],
) -> dict[str, Any]:
    """Return `mutation.json`. `proof` is prove.json.

    `facts` are tree, commit, date, seed, the number of all mutants, those that no scenario executes, and the seconds of
    the run.
    """
    survived = [_survivor(one, explained) for one in results if one.outcome == SURVIVED]
    counts = {one: sum(result.outcome == one for result in results) for one in (NOTICED, BY_ERROR, TIMED_OUT, SURVIVED)}
    return {
        **facts,
        "tried": len(results),
        **counts,
        "score": score(results),
        "criteria": by_criterion(results, scenarios, catalogue),
        "never_red": never_red(results, scenarios, proof),
        "equal": sum(one["equal"] for one in survived),
        "survivors": survived,
    }


def _survivor(result: MutantResult, explained: Mapping[Survivor, Explanation]) -> dict[str, Any]:
    mutant = result.mutant
    explanation = explained.get((mutant.file, result.before, result.after), Explanation(""))
    return {
        "place": mutant.place,
        "file": mutant.file,
        "before": result.before,
        "after": result.after,
        "scenarios": len(result.met),
        **asdict(explanation),
    }


def kept(content: Mapping[str, Any]) -> KeptScore:
    """Return what a document of `mutation.json` keeps in the repository."""
    criteria = {one: (row["noticed"], row["tried"]) for one, row in content["criteria"].items() if row["tried"]}
    same = ("commit", "date", "seed", "mutants", "tried", "by_error", "timed_out", "equal", "not_executed", "never_red")
    noticed = content["tried"] - content[SURVIVED]
    return KeptScore(**{one: content[one] for one in same}, noticed=noticed, criteria=criteria)


def score(results: Sequence[MutantResult]) -> float | None:
    """Return the part of the mutants that a scenario noticed, None without a mutant."""
    return round(sum(one.outcome != SURVIVED for one in results) / len(results), 3) if results else None


def by_criterion(
    results: Sequence[MutantResult], scenarios: Sequence[Scenario], catalogue: Catalogue
) -> dict[str, dict[str, int]]:
    """Return, by criterion, how many mutants beyond a plain drill its own scenarios met and noticed."""
    criteria = {one.place: one.criteria for one in scenarios}
    found = {one: {"noticed": 0, "tried": 0} for one in catalogue.criteria}
    for result in results:
        if not result.own:
            continue
        noticed: dict[str, bool] = {}
        for place, red in result.met.items():
            for one in criteria[place]:
                noticed[one] = noticed.get(one, False) or red
        for one, red in noticed.items():
            found[one]["tried"] += 1
            found[one]["noticed"] += red
    return found


def not_executed(found: Iterable[Mutant], sample: Iterable[Mutant]) -> dict[str, str]:
    """Return, by file, the lines of the mutants that no scenario executes, such as "3, 7-9"; "all" for a whole file."""
    executed = {(one.file, one.line) for one in sample}
    lines: dict[str, set[int]] = defaultdict(set)
    for one in found:
        if (one.file, one.line) not in executed:
            lines[one.file].add(one.line)
    begun = {file for file, _ in executed}
    return {file: _ranges(sorted(some)) if file in begun else "all" for file, some in sorted(lines.items())}


def _ranges(lines: Sequence[int]) -> str:
    groups = [[line for _, line in some] for _, some in groupby(enumerate(lines), lambda pair: pair[1] - pair[0])]
    return ", ".join(f"{one[0]}-{one[-1]}" if len(one) > 1 else str(one[0]) for one in groups)


def never_red(
    results: Sequence[MutantResult], scenarios: Sequence[Scenario], proof: Mapping[str, Any]
) -> dict[str, dict[str, list[str]]]:
    """Return, by file and scenario, each Then that no mutant and no seeded defect turned red.

    The rows of an outline share their steps: one red row is enough, and the first row names the others.
    """
    red = {pair for result in results for pair in result.red}
    red |= {(place, step) for defect in proof.get("defects", ()) for place, step in defect.get("red", ())}
    thens: dict[tuple[str, int], tuple[str, str]] = {}
    seen: set[tuple[str, int]] = set()
    for one in scenarios:
        for step in one.steps:
            text, place = f"{step.keyword} {step.name}", (one.file, step.line)
            if step.is_expectation:
                thens.setdefault(place, (one.name, text))
                seen |= {place} if (one.place, text) in red else set()
    found: dict[str, dict[str, list[str]]] = {}
    for (file, line), (name, text) in thens.items():
        if (file, line) not in seen:
            found.setdefault(file, {}).setdefault(name, []).append(text)
    return found
