"""The page about the plan format lists the fields of the schemas, and its example is valid."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from engine.core.validation import group_problems

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "plans.md").read_text(encoding="utf-8")


def fields(schema: str, *path: str) -> set[str]:
    found = json.loads((ROOT / "engine" / "core" / "schemas" / f"{schema}.json").read_text(encoding="utf-8"))
    for name in path:
        found = found[name]
    return set(found["properties"])


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("Protection group", fields("protection_group")),
        ("Recovery plan", fields("recovery_plan")),
        ("Wave", fields("recovery_plan", "$defs", "Wave")),
    ],
)
def test_each_table_lists_the_fields_of_its_schema(heading: str, expected: set[str]) -> None:
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == expected


def test_the_example_is_a_valid_group() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert group_problems(json.loads(example)) == []
