"""Removes one assertion after the other from the steps, and sees that something turns red because of it.

`python -m tests.features.remove_assertions [--sample 30] [--seed TEXT]` takes a random sample of the `assert_that` of
all Then steps. Two things must be so for each:

- *Removed*, it makes `make checks` fail: the phrase book lists what each Then judges.
- *Inverted*, it turns a scenario red by an expectation in a step that executes it. So a scenario reaches it, its value
  fits its matcher alone, and it does not compare a value with itself.
"""

from __future__ import annotations

import ast
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from traceability.model import feature_files
from traceability.model.feature_files import Scenario, for_target
from traceability.model.paths import Places
from traceability.model.verdict import VIOLATED
from traceability.mutation.warm import Ended, Job, Task
from traceability.mutation.workers import Worker
from traceability.steps import judgements, step_definitions
from traceability.steps.step_definitions import Phrase

ROOT = Path(__file__).resolve().parents[2]
STEPS = "features/steps"
SEED = "1"
SECONDS = 120.0
SCENARIOS = 12
"""So many scenarios that say the step meet an inverted assertion; the rows of outlines differ in which they execute."""


@dataclass(frozen=True)
class Assertion:
    """An assertion in `function`; lines and columns as in the syntax tree."""

    file: str
    function: str
    first: int
    call: ast.Call

    @property
    def place(self) -> str:
        return f"{self.file}:{self.first}"


def assertions(root: Path) -> Iterator[Assertion]:
    """Yield each assertion in a function that serves a Then."""
    for path in sorted((root / STEPS).glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and any(map(_is_then, node.decorator_list)):
                for call in judgements.calls(node):
                    yield Assertion(path.relative_to(root).as_posix(), node.name, call.lineno, call)


def removed(source: str, one: Assertion) -> str:
    """Return the source with the assertion replaced by `None`; every other line keeps its number."""
    return _replaced(source, one.call, "None")


def inverted(source: str, one: Assertion) -> str:
    """Return the source with the assertion turned into its opposite."""
    value, matcher, *_ = one.call.args
    if isinstance(matcher, ast.Constant | ast.JoinedStr):
        return _replaced(source, value, f"not ({ast.get_source_segment(source, value)})")
    opposite = f"__import__('hamcrest').is_not({ast.get_source_segment(source, matcher)})"
    return _replaced(source, matcher, opposite)


def users(one: Assertion, phrases: Sequence[Phrase], scenarios: Sequence[Scenario]) -> list[Scenario]:
    """Return the scenarios of the simulator that say a phrase of the assertion's function."""
    mine = [one_phrase for one_phrase in phrases if _serves(one_phrase, one)]
    return [
        scenario
        for scenario in scenarios
        if for_target(scenario, "moto")
        and any(phrase.matches(step.name) for phrase in mine for step in scenario.steps if step.kind == "then")
    ]


def seen_red(one: Assertion, source: str, said: Sequence[Scenario], worker: Worker) -> str:
    """Return the Then that the inverted assertion turns red, "" if none is."""
    tasks = tuple(Task(scenario.place, scenario.criteria, SECONDS) for scenario in said[:SCENARIOS])
    worker.give(Job(tasks, STEPS, one.file, inverted(source, one)))
    red = ""
    while not isinstance(message := worker.receive(), Ended):
        if message.verdict == VIOLATED:
            red = f"{message.place} {message.step}"
    return red


def _replaced(source: str, node: ast.expr, text: str) -> str:
    """Return the source with the text of a node replaced, and with as many lines as before."""
    lines = source.encode().split(b"\n")
    first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
    head, tail = lines[first][: node.col_offset], lines[last][node.end_col_offset :]
    # What stands behind an unfinished line has to stay within brackets.
    middle = head + b"(" + text.encode() + b"\n" * (last - first - text.count("\n")) + b")" + tail
    return b"\n".join([*lines[:first], middle, *lines[last + 1 :]]).decode()


def _serves(phrase: Phrase, one: Assertion) -> bool:
    return phrase.file == one.file and phrase.matcher.func.__name__ == one.function


def _is_then(decorator: ast.expr) -> bool:
    is_call = isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name)
    return is_call and decorator.func.id in ("then", "step")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--sample", default=30, show_default=True, type=click.IntRange(1), help="How many assertions to try.")
@click.option("--seed", default=SEED, show_default=True, help="Decides the sample.")
def main(sample: int, seed: str) -> None:
    """Remove and invert assertions of the steps one at a time, and see that something turns red."""
    scenarios, _ = feature_files.read(ROOT / "features", ROOT)
    phrases, _ = step_definitions.load(Places(ROOT))
    found = list(assertions(ROOT))
    random.Random(seed).shuffle(found)  # noqa: S311 - a repeatable sample, no secret
    worker = Worker(ROOT, ROOT / "reports" / ".assertions")
    silent = untried = 0
    try:
        for one in found[:sample]:
            source = (ROOT / one.file).read_text(encoding="utf-8")
            listed = judgements.of_source(source) != judgements.of_source(removed(source, one))
            said = users(one, phrases, scenarios)
            red = seen_red(one, source, said, worker) if said else ""
            untried += not said
            why = red or ("nothing turned red" if said else "only scenarios for AWS say it; not run")
            silent += not listed or (bool(said) and not red)
            lost = "" if listed else "; its removal does not change the phrase book"
            click.echo(f"{'✓' if listed and (red or not said) else '✗'} {one.place}: {why}{lost}")
    finally:
        worker.close()
    tried = min(sample, len(found))
    click.echo(f"{tried - silent} of {tried} noticed ({untried} not run); {len(found)} assertions in all, seed {seed}")
    sys.exit(1 if silent else 0)


if __name__ == "__main__":
    main()
