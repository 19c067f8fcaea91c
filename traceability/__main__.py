"""The command line: `python -m traceability COMMAND`; `--help` lists the commands."""

from __future__ import annotations

import sys

from rich.console import Console

from traceability.bundle import archive, integrity, manifest, run_loader
from traceability.cli import audit, owner, runs, suite  # noqa: F401 - each module adds its commands
from traceability.cli.group import BAD_INPUT, RED, main
from traceability.evaluation.record_readers import UnreadableResult
from traceability.model import revisions, settings, sign_offs
from traceability.model.catalogue import BadCatalogue
from traceability.mutation import defects, prove
from traceability.reporting import console
from traceability.reporting.allure_report import ReportFailed
from traceability.running.run import BadInput

_BAD_FILES = (
    archive.BadBundle,
    BadCatalogue,
    ReportFailed,
    UnreadableResult,
    defects.BadDefect,
    manifest.BadManifest,
    run_loader.BadRun,
    revisions.BadRevisions,
    settings.BadSettings,
    sign_offs.BadSignOffs,
)


def entry() -> None:
    """Run the command; print one line, not a traceback, for each problem that the user can fix."""
    try:
        main()
    except BadInput as problem:
        console.problems(Console(stderr=True), problem.problems)
        sys.exit(BAD_INPUT)
    except integrity.StaleRun as problem:
        console.problems(Console(stderr=True), [*problem.changes[:20], f"{problem}; {problem.remedy}"])
        sys.exit(BAD_INPUT)
    except prove.BaselineFailed as problem:
        console.problems(Console(stderr=True), [f"fails without a defect: {line}" for line in problem.problems])
        sys.exit(RED)
    except _BAD_FILES as problem:
        console.problems(Console(stderr=True), [str(problem)])
        sys.exit(BAD_INPUT)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    entry()
