"""The unit tests that explanations of survivors name: does each notice its mutant?"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from traceability.mutation import defects, mutants
from traceability.mutation.mutate import SURVIVED, MutantResult
from traceability.mutation.survivors import Explanation, Survivor

_FOLDER = "tests"
_LIMIT = 300
"""Seconds for one test file: a mutant may loop forever."""


def unnoticed(
    results: Sequence[MutantResult],
    explained: Mapping[Survivor, Explanation],
    root: Path,
    scratch: Path,
    report: Callable[[str], None],
) -> list[str]:
    """Run the named test of each survivor against its mutant; return a line for each test that proves nothing.

    A test proves something if it passes on the unchanged code and fails on the mutant. The tests run in a copy of the
    tree at `scratch`. `report` is called with a line before each test.
    """
    named = [(one, explanation) for one in results if (explanation := _explanation(one, explained)).test]
    if not named:
        return []
    shutil.rmtree(scratch, ignore_errors=True)
    defects.overlay(None, root, scratch)
    shutil.copytree(root / _FOLDER, scratch / _FOLDER)
    problems = []
    passing: dict[str, bool] = {}
    for result, explanation in named:
        test, mutant = explanation.test, result.mutant
        if test not in passing:
            report(f"{test} on the unchanged code ...")
            passing[test] = _passes(test, scratch)
            if not passing[test]:
                problems.append(f"{test} fails on the unchanged code; mend it, or explain its survivors without it")
        if not passing[test]:
            continue
        report(f"{test} against {mutant.place} ...")
        source = (root / mutant.file).read_text(encoding="utf-8")
        defects.rewrite(scratch / mutant.file, mutants.mutated(source, mutant))
        if _passes(test, scratch):
            problems.append(f"{mutant.place}  {result.before}  ->  {result.after}: {test} does not notice it")
        defects.rewrite(scratch / mutant.file, source)
    shutil.rmtree(scratch, ignore_errors=True)
    return problems


def _explanation(result: MutantResult, explained: Mapping[Survivor, Explanation]) -> Explanation:
    found = explained.get((result.mutant.file, result.before, result.after))
    return found if found is not None and result.outcome == SURVIVED else Explanation("")


def _passes(test: str, place: Path) -> bool:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", test]
    environment = {**os.environ, "PYTHONPATH": str(place)}
    try:
        ended = subprocess.run(  # noqa: S603  # our own command, no shell
            command, cwd=place, env=environment, capture_output=True, timeout=_LIMIT, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return ended.returncode == 0
