"""The named settings of this package, in pyproject.toml below [tool.traceability]."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path


class BadSettings(ValueError):
    """pyproject.toml holds a value that means nothing; the message names it and what may stand there."""


@dataclass(frozen=True)
class Settings:
    """`no_scenario`: "report" shows a criterion without a scenario and goes on, "fail" fails the run."""

    no_scenario: str = "fail"


def load(root: Path) -> Settings:
    """Read the settings; a project without any gets the strict ones."""
    path = root / "pyproject.toml"
    if not path.exists():
        return Settings()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get("traceability", {})
    except tomllib.TOMLDecodeError as problem:
        raise BadSettings(f"pyproject.toml: not valid TOML: {problem}") from problem
    value = table.get("no_scenario", "fail")
    if value not in ("report", "fail"):
        raise BadSettings(f'pyproject.toml: [tool.traceability] no_scenario is {value!r}; write "report" or "fail"')
    return Settings(value)
