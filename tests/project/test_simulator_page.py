"""docs/simulator.md lists every fault there is, each with its method, and every field."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from simulator.gateway.faults import KINDS, Fault, Faults

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "simulator.md").read_text(encoding="utf-8")


def test_every_fault_has_a_row_that_names_its_method() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)[`(]", PAGE, re.MULTILINE)
    assert {kind for kind, _ in rows} == KINDS
    assert [method for _, method in rows if not hasattr(Faults, method)] == []


def test_every_field_is_named() -> None:
    assert [one.name for one in fields(Fault) if f"`{one.name}`" not in PAGE and one.name != "kind"] == []
