"""What outlives a stack with KeepData=yes, and is then in the way of the next one of its name: tables and log."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

RETAINED_DATA_ADVICE = (
    "Bring them into the new stack or, if the data may go, delete them (docs/retained-data.md has the commands), or "
    "deploy under another name (--stack)."
)


def find_retained_data(session: Any, stack_name: str, template: str) -> list[str]:
    """The tables and log groups that exist under the names that `template` (YAML) gives those of this stack."""
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


# When a resource of this type and name came into being; None: there is none.
CREATED_AT: Mapping[str, Callable[[Any, str], datetime | None]] = {
    "AWS::DynamoDB::Table": _table_created_at,
    "AWS::Logs::LogGroup": _log_group_created_at,
}
