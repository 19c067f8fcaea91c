"""Runs behave on a copy of the tree in a forked child, and reads how its scenarios ended.

The parent process imports all expensive modules once (`import_needs`); its children inherit them.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

from traceability.evaluation import record_readers
from traceability.model.feature_files import Scenario
from traceability.mutation import service_models

_RED_STEP = re.compile(r"^ *((?:Given|When|Then|And|But|\*) .*?) \.\.\. (?:failed|error) in ", re.MULTILINE)
FORK = multiprocessing.get_context("fork")
_EXPECTATION = re.compile(r"^(?:Expected|Seen): .*$", re.MULTILINE)
"""Lines of `traceability.recording.failure_story`."""
TO_FIRST_VIOLATION, TO_END = "traceability.mutation.stopping:StopWhenViolated", "null"
"""Formatters: end the run at the first violated expectation, or run all scenarios."""
_PROJECT_PACKAGES = ("engine", "simulator", "features", "infra", "testdata")


def import_needs(place: Path) -> None:
    """Import the modules that the child in `place` imported: later children inherit them."""
    if (place / "imported.json").exists():
        needs = json.loads((place / "imported.json").read_text(encoding="utf-8"))
        for name in needs["modules"]:
            importlib.import_module(name)
        service_models.preload(needs["service_models"])


@dataclass(frozen=True)
class Ending:
    """How a scenario ended in a copy; `step` is the step that made it red, as keyword and text, "" if none did."""

    verdict: str
    reason: str
    step: str = ""


def endings(place: Path, folder: str, scenarios: Sequence[Scenario]) -> dict[record_readers.Key, Ending]:
    """Return the ending of each scenario; the verdict is "missing" for a scenario without a result."""
    cases = {case.key: case for case in record_readers.read_junit(place / "reports" / "junit")}
    found: dict[record_readers.Key, Ending] = {}
    for one in scenarios:
        case = cases.get(record_readers.junit_key(one, folder))
        if case is None:
            found[one.key] = Ending("missing", _last_line(place / "behave.log"))
        else:
            found[one.key] = Ending(record_readers.junit_verdict(case, one), _reason(case), _red_step(case))
    return found


def _red_step(case: record_readers.JUnitCase) -> str:
    found = _RED_STEP.search(case.listing)
    return found[1].strip() if found else ""


def _reason(case: record_readers.JUnitCase) -> str:
    """Return the reason in one line; if a hook failed after the expectation, take the expectation from the output."""
    expectation = _EXPECTATION.findall(case.listing) if case.status == "hook_error" else []
    lines = expectation or [line for line in case.message.splitlines() if line.strip()]
    return " ".join(" ".join(lines[:3]).split()) or case.status


def run_behave(
    place: Path, root: Path, files: Sequence[str], tags: str, formatter: str, target: str, runner: str = ""
) -> None:
    """Run behave on the copy at `place`. Of the checked-out project, only this package stays importable."""
    os.chdir(place)
    # No clean-up at the end of the process removes what it unpacks.
    tempfile.tempdir = str(place / "tmp")
    os.makedirs(tempfile.tempdir, exist_ok=True)
    sys.path[:] = [str(place), *(entry for entry in sys.path if entry and Path(entry).resolve() != root)]
    for name in [name for name in sys.modules if name.partition(".")[0] in _PROJECT_PACKAGES]:
        del sys.modules[name]
    importlib.invalidate_caches()
    log = os.open(place / "behave.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    from behave.__main__ import main

    service_models.serve_preloaded()
    arguments = ["--no-color", "--no-skipped", "--no-summary", "--define", f"target={target}"]
    arguments += ["--format", formatter]
    arguments += ["--tags", tags] if tags else []
    arguments += ["--runner", runner] if runner else []
    code = main([*arguments, "--junit", "--junit-directory", "reports/junit", *files])
    note_needs(place)
    sys.stdout.flush()
    # Skip the interpreter's clean-up: threads may still wait on a virtual clock.
    os._exit(code)


def note_needs(place: Path) -> None:
    """Note for `import_needs` what this process has imported."""
    imported = [
        name for name in sys.modules if name.partition(".")[0] not in (*_PROJECT_PACKAGES, "__main__", "__mp_main__")
    ]
    needs = {"modules": [name for name in imported if _importable(name)], "service_models": service_models.read}
    (place / "imported.json").write_text(json.dumps(needs), encoding="utf-8")


def _importable(name: str) -> bool:
    """Return True for a module from a file of the environment, False for one that a run put in place."""
    spec = getattr(sys.modules[name], "__spec__", None)
    origin = getattr(spec, "origin", None)
    return (
        spec is not None
        and spec.name == name
        and bool(origin)
        and Path(str(origin)).suffix == ".py"
        and ("site-packages" in str(origin))
    )


def end(child: BaseProcess) -> None:
    if child.is_alive():
        child.kill()
    child.join()


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    return next((line for line in reversed(lines) if line.strip()), "behave wrote no result")
