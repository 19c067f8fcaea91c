"""The explained survivors: mutants that no scenario needs to notice, each with the reason.

`features/survivors.yaml` is a list of `{file, before, after, reason}`; before and after are the changed line without
its indentation. An entry can say `equal: true`, or name a unit `test` that notices the mutant, as pytest names it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator

from traceability.model import yaml_text
from traceability.model.problems import UserProblem

FILE = "survivors.yaml"
Survivor = tuple[str, str, str]
"""File, line before, line after."""
_TEXT = {"type": "string", "minLength": 1}
_SCHEMA = {
    "type": ["array", "null"],
    "items": {
        "type": "object",
        "required": ["file", "before", "after", "reason"],
        "additionalProperties": False,
        "properties": {
            **dict.fromkeys(("file", "before", "after"), _TEXT),
            "reason": {"type": "string", "minLength": 20},
            "equal": {"const": True},
            "test": {"type": "string", "pattern": r"^tests/[\w/]+\.py(::\w+)?$"},
        },
        "not": {"required": ["equal", "test"]},
    },
}


@dataclass(frozen=True)
class Explanation:
    """`equal`: no run of the engine can differ. `test`, "" without one: the unit test that notices the mutant."""

    reason: str
    equal: bool = False
    test: str = ""


class BadSurvivors(UserProblem):
    """The file cannot be used; the message has a line for each entry that is malformed or fits no code any more."""


def load(root: Path, folder: str) -> dict[Survivor, Explanation]:
    """Return the explanation of each explained survivor. Raises BadSurvivors."""
    path = root / folder / FILE
    if not path.exists():
        return {}
    try:
        content = yaml_text.load(path.read_text(encoding="utf-8")) or []
    except yaml.YAMLError as problem:
        raise BadSurvivors(f"{folder}/{FILE}: not valid YAML: {' '.join(str(problem).split())}") from problem
    problems = [
        f"{folder}/{FILE}: entry {'.'.join(map(str, error.absolute_path)) or 'list'}: {error.message}"
        for error in Draft202012Validator(_SCHEMA).iter_errors(content)
    ]
    if not problems:
        problems = [
            f"{folder}/{FILE}: entry {number}: {one['file']} has no line {one['before']!r}; remove the entry"
            for number, one in enumerate(content)
            if not _has_line(root / one["file"], one["before"])
        ]
    if problems:
        raise BadSurvivors("\n".join(problems))
    return {
        (one["file"], one["before"], one["after"]): Explanation(
            " ".join(one["reason"].split()), one.get("equal", False), one.get("test", "")
        )
        for one in content
    }


def _has_line(path: Path, line: str) -> bool:
    return path.is_file() and line in (one.strip() for one in path.read_text(encoding="utf-8").splitlines())
