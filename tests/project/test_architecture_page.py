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
