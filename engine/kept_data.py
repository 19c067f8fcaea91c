"""What outlives a stack with KeepData=yes, and is then in the way of the next one of its name: tables and log."""

from __future__ import annotations

import re
from typing import Any

WAYS_ON = (
    "Bring them into the new stack or, if the data may go, delete them (docs/kept-data.md has the commands), or deploy "
    "under another name (--stack)."
)


def left_behind(session: Any, stack_name: str, template: str) -> list[str]:
    """The tables and log groups that exist under the names that `template` (YAML) gives those of this stack."""
    named = re.findall(r"^      (TableName|LogGroupName): !Sub (\S+)$", template, re.MULTILINE)
    names = [(kind, name.replace("${AWS::StackName}", stack_name)) for kind, name in named]
    tables = sorted(name for kind, name in names if kind == "TableName" and _has_table(session, name))
    return tables + [name for kind, name in names if kind == "LogGroupName" and _has_log_group(session, name)]


def _has_table(session: Any, name: str) -> bool:
    tables = session.client("dynamodb")
    try:
        tables.describe_table(TableName=name)
    except tables.exceptions.ResourceNotFoundException:
        return False
    return True


def _has_log_group(session: Any, name: str) -> bool:
    found = session.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return any(one["logGroupName"] == name for one in found)
