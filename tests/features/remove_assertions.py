"""Removes one assertion after the other from the steps, and sees that something turns red because of it.

`python -m tests.features.remove_assertions [--sample 30] [--seed TEXT]` takes a random sample of all `assert_that` of
Then steps. Each is removed in a copy of the tree. First two scenarios that say the step run: a Then that judges nothing
leaves no evidence, and its scenario is a suite defect. If the step has other assertions, the seeded defects of the
scenarios' criteria run next: one that is no longer noticed fails `make prove`.
"""

from __future__ import annotations

import ast
import random
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from traceability.evaluation.coverage import rows_of
from traceability.model import catalogue, feature_files, tree
from traceability.model.catalogue import Catalogue
from traceability.model.feature_files import Scenario, for_target
from traceability.model.paths import Places
from traceability.model.verdict import SUITE_DEFECT, VIOLATED
from traceability.mutation import defects, prove
from traceability.running import run as runs
from traceability.steps import step_definitions
from traceability.steps.step_definitions import Phrase

ROOT = Path(__file__).resolve().parents[2]
SCRATCH = ROOT / "reports" / ".assertions"
SCENARIOS, DEFECTS = 2, 6
"""How many scenarios, and how many seeded defects, may notice a removal."""


@dataclass(frozen=True)
class Assertion:
    """The statement in lines `first` to `last` of a step file, in the function that begins at line `function`."""

    file: str
    function: int
    end: int
    first: int
    last: int

    @property
    def place(self) -> str:
        return f"{self.file}:{self.first}"


def assertions(root: Path) -> Iterator[Assertion]:
    """Yield each `assert_that` in a function that serves a Then."""
    for path in sorted((root / "features" / "steps").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef) or not any(_is_then(one) for one in node.decorator_list):
                continue
            begin = min(one.lineno for one in node.decorator_list)
            for one in ast.walk(node):
                if isinstance(one, ast.Expr) and isinstance(one.value, ast.Call) and _name(one.value) == "assert_that":
                    file = path.relative_to(root).as_posix()
                    yield Assertion(file, begin, node.end_lineno or 0, one.lineno, one.end_lineno or one.lineno)


def removed(source: str, one: Assertion) -> str:
    """Return the source with the assertion replaced by `pass`; every other line keeps its number."""
    lines = source.splitlines()
    indent = lines[one.first - 1][: len(lines[one.first - 1]) - len(lines[one.first - 1].lstrip())]
    return (
        "\n".join([*lines[: one.first - 1], f"{indent}pass", *[""] * (one.last - one.first), *lines[one.last :]]) + "\n"
    )


def noticed(one: Assertion, scenarios: list[Scenario], known: Catalogue) -> str:
    """Return what turned red without the assertion, "" if nothing did."""
    place = SCRATCH / "copy"
    shutil.rmtree(place, ignore_errors=True)
    defects.overlay(None, ROOT, place)
    source = (ROOT / one.file).read_text(encoding="utf-8")
    defects.rewrite(place / one.file, removed(source, one))
    everything, _ = feature_files.read(place / "features", place)
    chosen = [scenario.place for scenario in scenarios[:SCENARIOS]]
    judged = runs.run(Places(place), known, everything, "moto", chosen, lambda *_: None)
    for row in rows_of(judged.coverage):
        for scenario in row["scenarios"]:
            if scenario["verdict"] in (VIOLATED, SUITE_DEFECT):
                return f"{scenario['file']}:{scenario['line']}: {scenario['reason'][:100]}"
    criteria = {criterion for scenario in scenarios for criterion in scenario.criteria}
    seeded = [defect for defect in defects.load(place, "features", known) if defect.criterion in criteria]
    results = prove.prove(place, "features", seeded[:DEFECTS], SCRATCH / "prove", lambda _: None)
    lost = next((result for result in results if not result.noticed), None)
    return f"{lost.defect.source}: not noticed any more" if lost else ""


def users(one: Assertion, phrases: list[Phrase], scenarios: list[Scenario]) -> list[Scenario]:
    """Return the scenarios of the simulator that say a phrase of the assertion's function."""
    mine = [phrase for phrase in phrases if phrase.file == one.file and one.function <= phrase.line <= one.end]
    return [
        scenario
        for scenario in scenarios
        if for_target(scenario, "moto")
        and any(phrase.kind == step.kind and phrase.matches(step.name) for phrase in mine for step in scenario.steps)
    ]


def _is_then(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and _name(decorator) in ("then", "step")


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--sample", default=30, show_default=True, type=click.IntRange(1), help="How many assertions to remove.")
@click.option("--seed", default="", help="Decides the sample; by default the tree does.")
def main(sample: int, seed: str) -> None:
    """Remove assertions from the steps one at a time, and see that something turns red."""
    known = catalogue.load()
    scenarios, _ = feature_files.read(ROOT / "features", ROOT)
    phrases, _ = step_definitions.load(Places(ROOT))
    found = list(assertions(ROOT))
    random.Random(seed or tree.digest(ROOT)).shuffle(found)  # noqa: S311 - a repeatable sample, no secret
    silent = 0
    for one in found[:sample]:
        said = users(one, phrases, scenarios)
        if not said:
            click.echo(f"- {one.place}: only scenarios for AWS say it; not tried")
            continue
        why = noticed(one, said, known)
        silent += not why
        click.echo(f"{'✓' if why else '✗'} {one.place}: {why or 'nothing turned red'}")
    shutil.rmtree(SCRATCH, ignore_errors=True)
    click.echo(f"{silent} of {min(sample, len(found))} removals were not noticed; {len(found)} assertions in all")
    sys.exit(1 if silent else 0)


if __name__ == "__main__":
    main()
