"""The parameters of `infra/template.yaml` that an operator may give, and what the template demands of their values.

CloudFormation says the same, but only after the package has been built and uploaded.
"""

from __future__ import annotations

import json
import re
from typing import Any

from engine.deploy.deployment import TEMPLATE


def operator_parameters() -> dict[str, dict[str, Any]]:
    """By name, in the template's order: Type, Default, Description and the limits of the value, as they stand there."""
    section = TEMPLATE.read_text(encoding="utf-8").partition("\nParameters:\n")[2].partition("\nConditions:\n")[0]
    found: dict[str, dict[str, Any]] = {}
    for line in section.splitlines():
        if name := re.fullmatch(r"  (\w+):", line):
            current = found.setdefault(name[1], {})
        elif field := re.fullmatch(r"    (\w+): (.*)", line):
            current[field[1]] = _plain(field[2])
    return {name: fields for name, fields in found.items() if not name.startswith("Code")}


def _plain(text: str) -> Any:
    """YAML's one-line values as this template writes them: JSON, or a text without quotes."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def value_problem(name: str, value: str) -> str | None:
    """What is wrong with the value of this parameter: the end of a sentence; None if nothing is."""
    limits = operator_parameters()[name]
    if "AllowedValues" in limits and value not in limits["AllowedValues"]:
        return f"must be {' or '.join(limits['AllowedValues'])}, is {value!r}"
    if "AllowedPattern" in limits and not re.fullmatch(limits["AllowedPattern"], value):
        return f"must match {limits['AllowedPattern']}, is {value!r}"
    if limits["Type"] == "Number":
        return _number_problem(value, limits.get("MinValue"), limits.get("MaxValue"))
    return None


def _number_problem(value: str, least: int | None, most: int | None) -> str | None:
    """All numbers of this template count something, so that they are whole."""
    if not re.fullmatch(r"-?[0-9]{1,18}", value):
        return f"must be a whole number, is {value!r}"
    if least is not None and int(value) < least:
        return f"must be at least {least}, is {value}"
    if most is not None and int(value) > most:
        return f"must be at most {most}, is {value}"
    return None
