"""The named settings of this package, in pyproject.toml below [tool.traceability]."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from traceability.model.problems import UserProblem


class BadSettings(UserProblem):
    """pyproject.toml holds an invalid value; the message names it and the valid values."""


@dataclass(frozen=True)
class Settings:
    """The effect of a gap: "report" shows it and continues, "fail" fails the command.

    `no_scenario` is a criterion without a scenario, for `run`; `no_defect` one without a seeded defect, for `prove`.
    `tags` are the tags that scenarios may have besides their criteria and targets. `values` has, by a part of a phrase
    with one gap, the values that the gap takes. Phrases of the step files `simulator_only` need the simulator.
    """

    no_scenario: str = "fail"
    no_defect: str = "fail"
    tags: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    simulator_only: tuple[str, ...] = ()


def load(root: Path) -> Settings:
    """Read the settings; a project without any gets the strict ones."""
    path = root / "pyproject.toml"
    if not path.exists():
        return Settings()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get("traceability", {})
    except tomllib.TOMLDecodeError as problem:
        raise BadSettings(f"pyproject.toml: not valid TOML: {problem}") from problem
    values = {name: table.get(name, "fail") for name in ("no_scenario", "no_defect")}
    for name, value in values.items():
        if value not in ("report", "fail"):
            raise BadSettings(f'pyproject.toml: [tool.traceability] {name} is {value!r}; write "report" or "fail"')
    tags = table.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(one, str) and one and not one.startswith("@") for one in tags):
        raise BadSettings(f"pyproject.toml: [tool.traceability] tags is {tags!r}; write a list of tags without the @")
    known = {part: _values(root, part, said) for part, said in table.get("values", {}).items()}
    return Settings(**values, tags=tuple(tags), values=known, simulator_only=tuple(table.get("simulator_only", ())))


def _values(root: Path, part: str, said: Any) -> tuple[str, ...]:
    """Return the values of a gap: a list, or the names of the files that fit a pattern. Raises BadSettings."""
    if isinstance(said, str):
        return tuple(sorted(path.stem for path in root.glob(said)))
    if isinstance(said, list) and all(isinstance(one, str) for one in said):
        return tuple(said)
    raise BadSettings(
        f"pyproject.toml: [tool.traceability.values] {part!r}: write a list of texts or a pattern of files"
    )
