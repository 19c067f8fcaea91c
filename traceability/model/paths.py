"""The paths of all files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from traceability.model.catalogue import DOCUMENTS


@dataclass(frozen=True)
class Places:
    """Where a run finds its features and leaves its files; `features` is a folder directly below `root`.

    A rehearsal leaves the same files as any run, in a folder of its own; so does one shard of a run, whose name is
    `shard`.
    """

    root: Path
    features: str = "features"
    rehearsal: bool = False
    shard: str = ""

    @property
    def reports(self) -> Path:
        return self.root / "reports" / ("rehearsal" if self.rehearsal else "") / self.shard

    @property
    def of_whole_run(self) -> Places:
        """Where the run leaves its files that this shard is a part of."""
        return replace(self, shard="")

    @property
    def of_rehearsal(self) -> Places:
        """Where the rehearsal of the same suite leaves its files."""
        return replace(self, rehearsal=True)

    @property
    def allure_results(self) -> Path:
        return self.reports / "allure-results"

    @property
    def allure_report(self) -> Path:
        return self.reports / "allure-report"

    @property
    def junit(self) -> Path:
        return self.reports / "junit"

    @property
    def notes(self) -> Path:
        return self.reports / ".run"

    @property
    def set_aside(self) -> Path:
        """The files of the last run, kept until the next suite has shown that it begins."""
        return self.reports / ".last"

    @property
    def log(self) -> Path:
        return self.notes / "behave.log"

    @property
    def matrix(self) -> Path:
        return self.reports / "matrix.html"

    @property
    def proof(self) -> Path:
        return self.root / "reports" / "prove.json"

    @property
    def mutation(self) -> Path:
        return self.root / "reports" / "mutation.json"

    @property
    def coverage(self) -> Path:
        return self.reports / "coverage.json"

    @property
    def coverage_tables(self) -> tuple[Path, ...]:
        """One file for each document of the catalogue."""
        return tuple(self.reports / one.coverage_table for one in DOCUMENTS)

    @property
    def manifest(self) -> Path:
        return self.reports / "manifest.json"

    @property
    def history(self) -> Path:
        """One for all targets; no run clears it."""
        return self.root / "reports" / "history"

    @property
    def memory(self) -> Path:
        return self.notes / "last_run.json"
