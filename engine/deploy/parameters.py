"""The parameters of `infra/template.yaml` for operators, and the limits of their values.

CloudFormation checks them too, but only after the package has been built and uploaded.
"""

from __future__ import annotations

import json
import re
from typing import Any

from engine.deploy.deployment import TEMPLATE


def operator_parameters() -> dict[str, dict[str, Any]]:
    """Type, Default, Description and limits of each parameter, by name in the order of the template."""
    section = TEMPLATE.read_text(encoding="utf-8").partition("\nParameters:\n")[2].partition("\nConditions:\n")[0]
    found: dict[str, dict[str, Any]] = {}
    for line in section.splitlines():
        if name := re.fullmatch(r"  (\w+):", line):
            current = found.setdefault(name[1], {})
        elif field := re.fullmatch(r"    (\w+): (.*)", line):
            current[field[1]] = _plain(field[2])
    return {name: fields for name, fields in found.items() if not name.startswith("Code")}


def _plain(text: str) -> Any:
    """A one-line YAML value of this template, which is JSON or a text without quotes."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def value_problem(name: str, value: str) -> str | None:
    """The problem of a parameter's value as the end of a sentence; None if the value is valid."""
    limits = operator_parameters()[name]
    if "AllowedValues" in limits and value not in limits["AllowedValues"]:
        return f"must be {' or '.join(limits['AllowedValues'])}, is {value!r}"
    # CloudFormation compares each part of a list with the pattern.
    parts = value.split(",") if limits["Type"] == "CommaDelimitedList" else [value]
    for part in parts:
        if "AllowedPattern" in limits and not re.fullmatch(limits["AllowedPattern"], part):
            rule = limits.get("ConstraintDescription", f"must match {limits['AllowedPattern']}")
            return f"{rule}, is {part!r}"
    if limits["Type"] == "Number":
        return _number_problem(value, limits.get("MinValue"), limits.get("MaxValue"))
    return None


def _number_problem(value: str, least: int | None, most: int | None) -> str | None:
    """All numbers of this template are counts, so they must be whole."""
    if not re.fullmatch(r"-?[0-9]{1,18}", value):
        return f"must be a whole number, is {value!r}"
    if least is not None and int(value) < least:
        return f"must be at least {least}, is {value}"
    if most is not None and int(value) > most:
        return f"must be at most {most}, is {value}"
    return None
