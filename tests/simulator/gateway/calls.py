"""Calls that the tests of the gateway make, and the parts of the answers that they see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
)

ONCE = Config(retries={"total_max_attempts": 1})


SERVER = "s-0123456789abcdef0"


def put(table: Any, name: str = "a") -> Any:
    return table.put_item(TableName="items", Item={"Id": {"S": name}})


def names(table: Any) -> set[str]:
    return {item["Id"]["S"] for item in table.scan(TableName="items")["Items"]}


def start_recovery(drs: Any, server: str = SERVER) -> Any:
    return drs.start_recovery(isDrill=True, sourceServers=[{"sourceServerID": server}])


def operation_of(session: Any, service: str, operation: str) -> Callable[[], Any]:
    call: Callable[[], Any] = getattr(session.client(service, config=ONCE), operation)
    return call


def error(call: Callable[[], Any]) -> tuple[str, int, dict[str, str]]:
    with pytest.raises(ClientError) as caught:
        call()
    metadata = caught.value.response["ResponseMetadata"]
    return caught.value.response["Error"]["Code"], metadata["HTTPStatusCode"], metadata["HTTPHeaders"]
