"""The named settings of this package, in pyproject.toml below [tool.traceability]."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from traceability.model.problems import UserProblem


class BadSettings(UserProblem):
    """pyproject.toml holds an invalid value; the message names it and the valid values."""


@dataclass(frozen=True)
class RequiredTag:
    """A scenario with the tag `beside` and a phrase that has one of the parts `phrases` needs `tag` as well.

    One with the step `unless` does not.
    """

    tag: str
    beside: str
    phrases: tuple[str, ...]
    unless: str = ""


@dataclass(frozen=True)
class Settings:
    """The effect of a gap: "report" shows it and continues, "fail" fails the command.

    `no_scenario` is a criterion without a scenario, for `run`; `no_defect` one without a seeded defect, for `prove`.
    `tags` are the tags that scenarios may have besides their criteria and targets. `values` has, by a part of a phrase
    with a gap, the values that its last gap takes. `required_tags` are tags that follow from steps. A step that
    reads an attribute of `simulator_names` needs the simulator, as do the steps of a file whose docstring says
    "Simulated AWS only."; `also_on_aws` are the phrases that AWS can serve nevertheless.
    """

    no_scenario: str = "fail"
    no_defect: str = "fail"
    tags: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    required_tags: tuple[RequiredTag, ...] = ()
    also_on_aws: tuple[str, ...] = ()
    simulator_names: tuple[str, ...] = ()


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
    required = tuple(map(_required_tag, table.get("required_tags", ())))
    also_on_aws, names = _texts(table, "also_on_aws"), _texts(table, "simulator_names")
    return Settings(
        **values,
        tags=tuple(tags),
        values=known,
        required_tags=required,
        also_on_aws=also_on_aws,
        simulator_names=names,
    )


def _texts(table: Mapping[str, Any], name: str) -> tuple[str, ...]:
    said = table.get(name, [])
    if not isinstance(said, list) or not all(isinstance(one, str) for one in said):
        raise BadSettings(f"pyproject.toml: [tool.traceability] {name} is {said!r}; write a list of texts")
    return tuple(said)


def _required_tag(said: Any) -> RequiredTag:
    try:
        found = RequiredTag(**{**said, "phrases": tuple(said["phrases"])})
    except (TypeError, KeyError) as problem:
        raise BadSettings(
            "pyproject.toml: [[tool.traceability.required_tags]]: write tag, beside, phrases and, if needed, unless"
        ) from problem
    return found


def _values(root: Path, part: str, said: Any) -> tuple[str, ...]:
    """Return the values of a gap: a list, the names of the files that fit a pattern, or the values of an enumeration.

    `FILE.py:CLASS` names an enumeration; its source is read, not imported. Raises BadSettings.
    """
    if isinstance(said, str) and ".py:" in said:
        return _members(root, part, *said.split(":", 1))
    if isinstance(said, str):
        return tuple(sorted(path.stem for path in root.glob(said)))
    if isinstance(said, list) and all(isinstance(one, str) for one in said):
        return tuple(said)
    raise BadSettings(
        f"pyproject.toml: [tool.traceability.values] {part!r}: "
        "write a list of texts, a pattern of files or FILE.py:CLASS"
    )


def _members(root: Path, part: str, file: str, name: str) -> tuple[str, ...]:
    path = root / file
    tree = ast.parse(path.read_text(encoding="utf-8")) if path.is_file() else ast.Module([], [])
    body = next((one.body for one in tree.body if isinstance(one, ast.ClassDef) and one.name == name), [])
    found = [one.value.value for one in body if isinstance(one, ast.Assign) and isinstance(one.value, ast.Constant)]
    texts = tuple(one for one in found if isinstance(one, str))
    if not texts:
        raise BadSettings(
            f"pyproject.toml: [tool.traceability.values] {part!r}: {file} has no enumeration {name} of texts"
        )
    return texts
