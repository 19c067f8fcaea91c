"""Tables that are filled and cleared below the API: to callers of the API they look as if it had filled them."""

from __future__ import annotations

from typing import Any

import pytest

from simulator import Simulator

KEYS = [("P", "HASH"), ("S", "RANGE")]


def create(aws: Simulator, *names: str) -> Any:
    client = aws.session().client("dynamodb")
    client.create_table(
        TableName="tab",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in KEYS if name in names],
    )
    return client


def scanned(client: Any) -> list[dict[str, Any]]:
    return list(client.scan(TableName="tab")["Items"])


@pytest.mark.parametrize("names", [["P"], ["P", "S"]], ids=["partition key", "and sort key"])
def test_items_are_put_replaced_and_removed_without_a_call(aws: Simulator, names: list[str]) -> None:
    client = create(aws, *names)
    calls = len(aws.journal)
    table = aws.table("tab")
    items = [{name: {"S": f"{name}{number}"} for name in names} | {"N": {"N": str(number)}} for number in range(3)]
    table.fill(items)
    table.fill([items[0] | {"N": {"N": "7"}}])
    table.remove([items[1]])
    assert len(aws.journal) == calls
    assert sorted(one["N"]["N"] for one in scanned(client)) == ["2", "7"]
    table.remove(items)
    assert scanned(client) == []


def test_a_table_that_is_not_there_is_named_with_those_that_are(aws: Simulator) -> None:
    create(aws, "P")
    with pytest.raises(LookupError, match=r"no table history in 111122223333, us-east-1; there are tab"):
        aws.table("history")
