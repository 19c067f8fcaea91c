"""The tables and the log groups that stay after the deletion of a stack with KeepData=yes.

They prevent the creation of another stack with the same name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

RETAINED_DATA_ADVICE = (
    "Import them into the new stack, delete them if their data is not needed (docs/retained-data.md has the commands), "
    "or deploy under another name (--stack)."
)


def find_retained_data(session: Any, stack_name: str, template: str) -> list[str]:
    """The existing tables and log groups with the names that `template` (YAML) gives them in this stack."""
    named = re.findall(r"^      (TableName|LogGroupName): !Sub (\S+)$", template, re.MULTILINE)
    names = [(kind, name.replace("${AWS::StackName}", stack_name)) for kind, name in named]
    tables = sorted(name for kind, name in names if kind == "TableName" and _table_created_at(session, name))
    return tables + [name for kind, name in names if kind == "LogGroupName" and _log_group_created_at(session, name)]


def _table_created_at(session: Any, name: str) -> datetime | None:
    tables = session.client("dynamodb")
    try:
        found: datetime = tables.describe_table(TableName=name)["Table"]["CreationDateTime"]
    except tables.exceptions.ResourceNotFoundException:
        return None
    return found


def _log_group_created_at(session: Any, name: str) -> datetime | None:
    found = session.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    born = (one["creationTime"] for one in found if one["logGroupName"] == name)
    return next((datetime.fromtimestamp(milliseconds / 1000, UTC) for milliseconds in born), None)


# For each type, a function from session and name to the creation time; None if the resource does not exist.
CREATED_AT: Mapping[str, Callable[[Any, str], datetime | None]] = {
    "AWS::DynamoDB::Table": _table_created_at,
    "AWS::Logs::LogGroup": _log_group_created_at,
}
