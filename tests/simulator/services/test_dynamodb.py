"""DynamoDB's sizes, units and limits, worked out by hand from AWS's rules; and its answers, which are moto's own."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator import Simulator
from simulator.patches.patching import applied
from simulator.services.dynamodb.metering import item_size, value_size


@pytest.mark.parametrize(("value", "size"), [
    ({"S": ""}, 0),
    ({"S": "héllo"}, 6),
    ({"N": "0"}, 1),
    ({"N": "100"}, 2),
    ({"N": "12345"}, 4),
    ({"N": "-0.25"}, 2),
    ({"B": b"1234"}, 4),
    ({"BOOL": True}, 1),
    ({"NULL": True}, 1),
    ({"SS": ["ab", "c"]}, 3),
    ({"NS": ["12", "3"]}, 4),
    ({"L": []}, 3),
    ({"L": [{"S": "ab"}, {"N": "1"}]}, 3 + (1 + 2) + (1 + 2)),
    ({"M": {"key": {"S": "value"}}}, 3 + 1 + 3 + 5),
])  # fmt: skip
def test_sizes_of_values(value: dict[str, Any], size: int) -> None:
    assert value_size(value) == size


def test_names_count_too() -> None:
    assert item_size({"Id": {"S": "abc"}, "Größe": {"N": "7"}}) == 2 + 3 + 7 + 2


@pytest.fixture
def table(aws: Simulator) -> Any:
    client = aws.session().client("dynamodb")
    client.create_table(
        TableName="tab",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("P", "S", "G")],
        KeySchema=[{"AttributeName": "P", "KeyType": "HASH"}, {"AttributeName": "S", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "byG",
                "KeySchema": [{"AttributeName": "G", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
    return client


def item(sort: str, size: int = 0, **more: Any) -> dict[str, Any]:
    """An item of exactly `size` bytes (0: as small as it gets)."""
    bare: dict[str, Any] = {"P": {"S": "p"}, "S": {"S": sort}, **more}
    padding = size - item_size(bare) - len("Filler")
    return bare | ({"Filler": {"S": "x" * padding}} if size else {})


def consumed(aws: Simulator) -> tuple[float, float, int]:
    used = aws.journal[-1].consumed
    assert used is not None
    return used["read_units"], used["write_units"], int(used["bytes"])


@pytest.mark.parametrize(("size", "units"), [(1024, 1), (1025, 2), (10_000, 10)])
def test_a_write_costs_a_unit_a_kilobyte(aws: Simulator, table: Any, size: int, units: int) -> None:
    table.put_item(TableName="tab", Item=item("a", size))
    assert consumed(aws) == (0, units, size)


def test_replacing_and_deleting_cost_what_the_larger_item_does(aws: Simulator, table: Any) -> None:
    table.put_item(TableName="tab", Item=item("a", 5000))
    table.put_item(TableName="tab", Item=item("a", 100))
    assert consumed(aws) == (0, 5, 5000)
    table.update_item(
        TableName="tab",
        Key=item("a"),
        UpdateExpression="SET Filler = :p",
        ExpressionAttributeValues={":p": {"S": "x" * 3000}},
    )
    assert consumed(aws)[1] == 3
    table.delete_item(TableName="tab", Key=item("a"))
    assert consumed(aws)[1] == 3


def test_an_index_is_written_when_its_entry_changes(aws: Simulator, table: Any) -> None:
    table.put_item(TableName="tab", Item=item("a", G={"S": "one"}))
    assert consumed(aws)[1] == 2, "the item and its entry"
    table.put_item(TableName="tab", Item=item("a", 500, G={"S": "one"}))
    assert consumed(aws)[1] == 1, "the entry holds keys only and stays as it is"
    table.put_item(TableName="tab", Item=item("a", G={"S": "two"}))
    assert consumed(aws)[1] == 3, "the old entry goes, the new one comes"


def test_a_transaction_costs_double_and_its_checks_too(aws: Simulator, table: Any) -> None:
    check = {"TableName": "tab", "Key": item("z"), "ConditionExpression": "attribute_not_exists(P)"}
    puts = [{"Put": {"TableName": "tab", "Item": item(sort, 1500)}} for sort in "ab"]
    table.transact_write_items(TransactItems=[*puts, {"ConditionCheck": check}])
    assert consumed(aws) == (0, 2 * (2 + 2 + 1), 3000)


@pytest.mark.parametrize(("consistent", "units"), [(False, 1.0), (True, 2.0)])
def test_getting_an_item(aws: Simulator, table: Any, consistent: bool, units: float) -> None:
    table.put_item(TableName="tab", Item=item("a", 5000))
    table.get_item(TableName="tab", Key=item("a"), ConsistentRead=consistent, ProjectionExpression="S")
    assert consumed(aws) == (units, 0, 5000)
    table.get_item(TableName="tab", Key=item("missing"))
    assert consumed(aws) == (0.5, 0, 0)


def test_a_query_costs_what_it_reads_not_what_it_answers(aws: Simulator, table: Any) -> None:
    for sort in "abcde":
        table.put_item(TableName="tab", Item=item(sort, 3000))
    query = {
        "TableName": "tab", "KeyConditionExpression": "P = :p", "ExpressionAttributeValues": {":p": {"S": "p"}},
    }  # fmt: skip
    assert table.query(**query)["Count"] == 5
    assert consumed(aws) == (2.0, 0, 15_000), "15,000 bytes are 4 units of 4 KB, eventually consistent half of it"
    values = {":p": {"S": "p"}, ":no": {"S": "no"}}
    narrow = {
        **query,
        "ExpressionAttributeValues": values,
        "FilterExpression": "Filler = :no",
        "ProjectionExpression": "S",
    }
    assert table.query(**narrow)["Count"] == 0
    assert consumed(aws) == (2.0, 0, 15_000)
    table.query(**query, Limit=2)
    assert consumed(aws) == (1.0, 0, 6000)
    assert len(aws.journal.select("dynamodb", "Query")) == 3, "reading again to measure is no call"


def test_a_query_of_an_index_reads_its_entries(aws: Simulator, table: Any) -> None:
    for sort in "abc":
        table.put_item(TableName="tab", Item=item(sort, 3000, G={"S": "g"}))
    table.query(
        TableName="tab", IndexName="byG", KeyConditionExpression="G = :g", ExpressionAttributeValues={":g": {"S": "g"}}
    )
    assert consumed(aws) == (0.5, 0, 3 * len("PpSaGg"))


def test_items_over_400_kb_and_transactions_over_4_mb_are_refused(aws: Simulator, table: Any) -> None:
    with pytest.raises(ClientError, match="Item size has exceeded"):
        table.put_item(TableName="tab", Item=item("a", 400 * 1024 + 1))
    table.put_item(TableName="tab", Item=item("a", 395 * 1024))
    many = [{"Put": {"TableName": "tab", "Item": item(str(n), 390 * 1024)}} for n in range(11)]
    with pytest.raises(ClientError, match="4 MB"):
        table.transact_write_items(TransactItems=many)
    assert table.query(
        TableName="tab", KeyConditionExpression="P = :p", ExpressionAttributeValues={":p": {"S": "p"}}
    )["Count"] == 1  # fmt: skip


def test_a_transaction_has_at_most_100_actions(aws: Simulator, table: Any) -> None:
    actions = [{"Put": {"TableName": "tab", "Item": item(str(n))}} for n in range(101)]
    with pytest.raises(ClientError, match="less than or equal to 100"):
        table.transact_write_items(TransactItems=actions)
    table.transact_write_items(TransactItems=actions[:100])


def test_a_failed_transaction_changes_nothing_and_costs_nothing_in_the_journal(aws: Simulator, table: Any) -> None:
    check = {"TableName": "tab", "Key": item("z"), "ConditionExpression": "attribute_exists(P)"}
    with pytest.raises(table.exceptions.TransactionCanceledException):
        table.transact_write_items(
            TransactItems=[{"Put": {"TableName": "tab", "Item": item("a")}}, {"ConditionCheck": check}]
        )
    assert table.scan(TableName="tab")["Items"] == []
    assert aws.journal.select("dynamodb", "TransactWriteItems")[0].consumed is None


@pytest.mark.parametrize("has_range", [True, False])
def test_a_failed_transaction_puts_back_what_it_had_changed(aws: Simulator, has_range: bool) -> None:
    client = aws.session().client("dynamodb")
    names = ["P", "S"] if has_range else ["P"]
    client.create_table(
        TableName="pairs",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        KeySchema=[{"AttributeName": n, "KeyType": kind} for n, kind in zip(names, ("HASH", "RANGE"), strict=False)],
    )

    def key(value: str) -> dict[str, Any]:
        return {name: {"S": value} for name in names}

    for value in ("changed", "deleted", "replaced"):
        client.put_item(TableName="pairs", Item={**key(value), "Deep": {"M": {"Leaf7": {"S": value}}}})
    before = client.scan(TableName="pairs")["Items"]
    with pytest.raises(client.exceptions.TransactionCanceledException):
        client.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": "pairs", "Item": key("new")}},
                {"Put": {"TableName": "pairs", "Item": key("replaced")}},
                {"Delete": {"TableName": "pairs", "Key": key("deleted")}},
                {
                    "Update": {
                        "TableName": "pairs", "Key": key("changed"),
                        "UpdateExpression": "SET Deep.Leaf7 = :x, Extra = :x",
                        "ExpressionAttributeValues": {":x": {"S": "x"}},
                    }
                },
                {
                    "ConditionCheck": {
                        "TableName": "pairs", "Key": key("nobody"), "ConditionExpression": "attribute_exists(P)"
                    }
                },
            ]
        )  # fmt: skip
    after = client.scan(TableName="pairs")["Items"]
    assert sorted(after, key=str) == sorted(before, key=str)


def test_answers_are_the_same_with_and_without_the_fast_path(aws: Simulator, table: Any) -> None:
    from moto.core.responses import ActionResult
    from moto.dynamodb.responses import DynamoResult

    from simulator.patches import items
    from simulator.patches.patching import Patch

    rich = {
        **item("rich"),
        "Blob": {"B": b"\x00\xff"}, "Set": {"SS": ["a", "b"]}, "Blobs": {"BS": [b"\x01"]}, "Nothing": {"NULL": True},
        "Deep": {"M": {"List": {"L": [{"N": "1.5"}, {"M": {"Yes": {"BOOL": True}, "Raw": {"B": b"\x02"}}}]}}},
    }  # fmt: skip

    def answers() -> list[Any]:
        key, values = item("rich"), {":p": {"S": "p"}}
        got = [
            table.put_item(TableName="tab", Item=rich, ReturnValues="ALL_OLD"),
            table.get_item(TableName="tab", Key=key, ReturnConsumedCapacity="TOTAL"),
            table.get_item(TableName="tab", Key=item("missing")),
            table.query(TableName="tab", KeyConditionExpression="P = :p", ExpressionAttributeValues=values),
            table.scan(TableName="tab"),
            table.batch_get_item(RequestItems={"tab": {"Keys": [key]}}),
            table.transact_get_items(TransactItems=[{"Get": {"TableName": "tab", "Key": key}}]),
            table.update_item(
                TableName="tab", Key=key, ReturnValues="ALL_NEW",
                UpdateExpression="SET G = :p", ExpressionAttributeValues=values,
            ),
            table.delete_item(TableName="tab", Key=key, ReturnValues="ALL_OLD"),
        ]  # fmt: skip
        return [{name: value for name, value in one.items() if name != "ResponseMetadata"} for one in got]

    fast = answers()
    own = [
        Patch(ActionResult, "execute_result", items._execute_result, "moto's own path"),
        Patch(DynamoResult, "__init__", items._convert_result, "moto's own path"),
    ]
    with applied(own):
        assert answers() == fast
