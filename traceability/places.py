"""Where everything lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Places:
    """Where a run finds its features and leaves its files; `features` is a folder directly below `root`."""

    root: Path
    features: str = "features"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

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
    def log(self) -> Path:
        return self.notes / "behave.log"

    @property
    def matrix(self) -> Path:
        return self.reports / "matrix.html"

    @property
    def proof(self) -> Path:
        return self.reports / "prove.json"

    @property
    def coverage(self) -> Path:
        return self.reports / "coverage.json"

    @property
    def memory(self) -> Path:
        return self.notes / "last_run.json"
