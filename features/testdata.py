"""Reads testdata/: servers, protection groups, plans, bad plans, and their JSON schemas."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from traceability.model.verdict import ScenarioMistake

FOLDER = Path(__file__).parent.parent / "testdata"

Document = dict[str, Any]


def read(path: str) -> Any:
    """The JSON document at `path` below testdata/; raises ScenarioMistake with the names that exist."""
    file = FOLDER / f"{path}.json"
    if not file.exists():
        there = ", ".join(sorted(other.stem for other in file.parent.glob("*.json")))
        raise ScenarioMistake(f"testdata has no {path}.json; in {file.parent.name}/ there are: {there}")
    return json.loads(file.read_text(encoding="utf-8"))


def servers() -> dict[str, str]:
    """Host name to source server id, of the six known servers."""
    return {server["HostName"]: server["SourceServerId"] for server in read("servers")}


def groups() -> dict[str, Document]:
    """GroupId to document, of the three known protection groups."""
    return {group["GroupId"]: group for group in read("groups")}


def groups_of(plan: Document) -> dict[str, Document]:
    """The known groups, and those of the recovery account that the plan names."""
    named = {wave["ProtectionGroupId"] for wave in plan["Waves"]}
    return groups() | {one["GroupId"]: one for one in read("recovery-account-groups") if one["GroupId"] in named}


def plan_names() -> list[str]:
    return sorted(path.stem for path in (FOLDER / "plans").glob("*.json"))


@cache
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator(read(f"schemas/{schema}.schema"))


def schema_problems(document: Document, schema: str) -> list[str]:
    """The violations of testdata/schemas/<schema>.schema.json in `document`, one line a field."""
    errors = sorted(_validator(schema).iter_errors(document), key=lambda error: error.json_path)
    return [f"{error.json_path.removeprefix('$.')}: {error.message}" for error in errors]
