"""The short ways of items end where the libraries' own ways end, for good values and for bad ones."""

from __future__ import annotations

import json
from typing import Any

import botocore.parsers
import botocore.validate
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto.core.utils import get_service_model
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models.dynamo_type import DynamoType, Item

from simulator import Simulator
from simulator.gateway import model_validation
from simulator.patches import items
from simulator.patches.patching import applied

PUT = get_service_model("dynamodb").operation_model("PutItem")
GET = get_service_model("dynamodb").operation_model("GetItem")
text = st.text(max_size=5)
scalars = st.one_of(
    st.builds(lambda value: {"S": value}, text),
    st.builds(lambda value: {"N": str(value)}, st.integers()),
    st.builds(lambda value: {"BOOL": value}, st.booleans()),
    st.just({"NULL": True}),
    st.builds(lambda value: {"SS": value}, st.lists(text, min_size=1, max_size=2)),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.builds(lambda value: {"L": value}, st.lists(inner, max_size=3)),
        st.builds(lambda value: {"M": value}, st.dictionaries(text, inner, max_size=3)),
    ),
    max_leaves=8,
)
# Mistakes of a client: an unknown kind, two kinds at once, a kind with a content of another type.
wrong = st.sampled_from([{"X": "1"}, {"S": "a", "N": "1"}, {}, {"S": 1}, {"N": 1}, {"BOOL": "yes"}, {"L": {}}, "text"])


def validated(item: Any) -> str:
    parameters = {"TableName": "table", "Item": {"key": item}}
    report: str = botocore.validate.ParamValidator().validate(parameters, PUT.input_shape).generate_report()
    return report


def parsed_answer(item: Any) -> Any:
    body = json.dumps({"Item": {"key": item}, "Unknown": 1, "ConsumedCapacity": None})
    parser = botocore.parsers.create_parser("json")
    parsed = parser.parse({"status_code": 200, "headers": {}, "body": body.encode()}, GET.output_shape)
    return {name: value for name, value in parsed.items() if name != "ResponseMetadata"}


@given(values)
@settings(max_examples=60, deadline=None)
def test_good_values_are_read_and_written_as_the_libraries_do(item: Any) -> None:
    ways = (validated, parsed_answer)
    slow = [way(item) for way in ways]
    with applied(items.patches()):
        assert [way(item) for way in ways] == slow
    assert model_validation.problems({"TableName": "table", "Item": {"key": item}}, PUT.input_shape) == []


@given(wrong, st.booleans())
@settings(max_examples=30, deadline=None)
def test_bad_values_meet_the_same_errors(item: Any, deep: bool) -> None:
    nested = {"L": [{"M": {"name": item}}]} if deep else item
    slow = validated(nested)
    assert slow or len(item) != 1  # botocore leaves it to the service to want exactly one kind
    with applied(items.patches()):
        assert validated(nested) == slow


def test_a_name_beyond_the_models_bound_is_not_plain() -> None:
    name = "n" * (items.LONGEST_NAME + 1)
    assert not items.is_plain({"M": {name: {"S": ""}}})
    found = model_validation.problems(
        {"TableName": "table", "Item": {"key": {"M": {name: {"S": ""}}}}}, PUT.input_shape
    )
    assert len(found) == 1
    assert "65535" in found[0]


def test_blobs_come_back_as_they_went(aws: Simulator) -> None:
    client = aws.session().client("dynamodb")
    client.create_table(
        TableName="blobs",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "P", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "P", "KeyType": "HASH"}],
    )
    item = {"P": {"S": "p"}, "blob": {"B": b"\x00\xff"}, "deep": {"L": [{"BS": [b"1", b"2"]}]}}
    client.put_item(TableName="blobs", Item=item)
    assert client.get_item(TableName="blobs", Key={"P": {"S": "p"}})["Item"] == item


@pytest.mark.parametrize("value", [None, [], {"S": "a", "N": "1"}, {"S": None}, {"L": ({"S": "a"},)}, {"BOOL": 1}])
def test_what_is_not_surely_plain_takes_the_long_way(value: Any) -> None:
    assert not items.is_plain(value)


VALUES: dict[str, Any] = {
    "Id": {"S": "ä"},
    "N": {"N": "-1.50"},
    "Deep": {
        "M": {"List": {"L": [{"N": "15"}, {"M": {"Yes": {"BOOL": True}, "None": {"NULL": True}}}]}, "é": {"S": "x"}}
    },
    "Sets": {"SS": ["a", "bc"]},
    "Blob": {"B": "AAE="},
    "Empty": {"M": {}},
}


def test_an_item_weighs_what_it_weighs_for_moto() -> None:
    slow = {name: DynamoType(value).size() for name, value in VALUES.items()}
    made = Item(DynamoType(VALUES["Id"]), None, VALUES)
    with applied(items.patches()):
        assert {name: DynamoType(value).size() for name, value in VALUES.items()} == slow
        again = Item(DynamoType(VALUES["Id"]), None, VALUES)
    assert again == made
    assert again.size() == made.size()
    assert type(again.attrs) is type(made.attrs)


@pytest.mark.parametrize("length", [404_000, 404_900, 405_100])
def test_an_item_is_too_large_where_it_is_for_moto(length: int) -> None:
    def fits() -> bool:
        try:
            Item(DynamoType({"S": "a"}), None, {"Id": {"S": "a"}, "Text": {"S": "x" * length}, "More": {"S": "y" * 50}})
        except ItemSizeTooLarge:
            return False
        return True

    slow = fits()
    with applied(items.patches()):
        assert fits() is slow
