"""The tables of packages have the order of the import contracts: a package may import those below it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
LAYERS = {
    contract["containers"][0]: [name.strip() for layer in contract["layers"] for name in layer.split(":")]
    for contract in CONTRACTS
    if contract["type"] == "layers"
}


@pytest.mark.parametrize("package", ["engine", "simulator", "traceability"])
def test_the_table_of_packages_has_the_order_of_the_contract(package: str) -> None:
    rows = re.findall(r"^\| (`[^|]+) \|", (ROOT / "docs/architecture.md").read_text(), re.MULTILINE)
    cells = [row for row in rows if re.fullmatch(rf"(`{package}/\w+(/|\.py)`(, )?)+", row)]
    assert [name for row in cells for name in re.findall(rf"`{package}/(\w+)", row)] == [
        layer for layer in LAYERS[package] if layer != "__main__"
    ]


def test_each_guard_of_a_green_is_in_the_file_that_the_page_names() -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    guards = page.partition("## Guards of a green")[2].partition("\n## ")[0]
    places = re.findall(r"`((?:features|traceability|simulator)/[\w./]+)`", guards)
    assert len(places) > 15
    assert [one for one in places if not (ROOT / one).exists()] == []
    named = re.findall(r"`(\w+)` in `(traceability/[\w./]+)`", guards)
    assert len(named) > 5
    assert [pair for pair in named if f"def {pair[0]}(" not in (ROOT / pair[1]).read_text()] == []
