"""Values against botocore's model: every constraint that botocore itself does not check, in AWS's words."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.model import ServiceModel, Shape
from moto.core.utils import get_service_model

from simulator.gateway.model_validation import answer_problems, message, problems, request_problems

SHAPES = {
    "Root": {
        "type": "structure",
        "required": ["Name"],
        "members": {
            "Name": {"shape": "Name"}, "Size": {"shape": "Size"}, "Kind": {"shape": "Kind"},
            "Tags": {"shape": "Tags"}, "Names": {"shape": "Names"},
        },
    },
    "Name": {"type": "string", "min": 2, "max": 5, "pattern": "[a-z]+"},
    "Size": {"type": "integer", "min": 1, "max": 10},
    "Kind": {"type": "string", "enum": ["A", "B"]},
    "Tags": {"type": "map", "key": {"shape": "Name"}, "value": {"shape": "Kind"}, "max": 1},
    "Names": {"type": "list", "member": {"shape": "Name"}, "max": 2},
}  # fmt: skip


@pytest.fixture
def root() -> Shape:
    metadata = {"serviceId": "Test", "endpointPrefix": "test", "protocol": "json", "apiVersion": "1"}
    return ServiceModel({"metadata": metadata, "shapes": SHAPES, "operations": {}}, "test").shape_for("Root")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Name": "abc"}, []),
        ({"Name": "abc", "Size": 10, "Kind": "B", "Tags": {"ab": "A"}, "Names": ["ab", "cd"]}, []),
        ({}, ["null at 'Name'"]),
        ({"Name": "a"}, ["length greater than or equal to 2"]),
        ({"Name": "abcdef"}, ["length less than or equal to 5"]),
        ({"Name": "ab\n"}, ["regular expression pattern: [a-z]+"]),
        ({"Name": "aB"}, ["Value 'aB' at 'Name' failed to satisfy constraint: Member must satisfy regular expression"]),
        ({"Name": "abc", "Size": 0}, ["greater than or equal to 1"]),
        ({"Name": "abc", "Size": 11}, ["less than or equal to 10"]),
        ({"Name": "abc", "Kind": "C"}, ["enum value set: [A, B]"]),
        ({"Name": "abc", "Names": ["ab", "cd", "ef"]}, ["length less than or equal to 2"]),
        ({"Name": "abc", "Names": ["ab", "C!"]}, ["at 'Names.2.member'"]),
        ({"Name": "abc", "Tags": {"ab": "A", "cd": "X"}}, ["less than or equal to 1", "at 'Tags.cd.value'"]),
    ],
)
def test_each_constraint(root: Shape, value: dict[str, Any], expected: list[str]) -> None:
    found = problems(value, root)
    assert len(found) == len(expected)
    for text, part in zip(found, expected, strict=True):
        assert part in text


def test_all_violations_make_one_message(root: Shape) -> None:
    text = message(problems({"Name": "A", "Size": 99}, root))
    assert text.startswith("3 validation errors detected: Value 'A' at 'Name' failed")


def test_aws_own_exceptions_to_its_model_are_tolerated_in_answers_only() -> None:
    shape = get_service_model("drs").operation_model("DescribeJobs").output_shape
    answer = {"items": [{"jobID": "drsjob-0123456789abcdef0", "status": "WEIRD"}]}
    assert answer_problems("drs", answer, shape) == []
    assert len(request_problems("drs", answer, shape)) == 1
    assert len(answer_problems("ec2", answer, shape)) == 1


@pytest.mark.parametrize(
    ("operation", "request_", "expected"),
    [
        (
            "CreateTable",
            {"TableName": "t-1", "KeySchema": [{"AttributeName": "Id", "KeyType": "SORT"}]},
            "Value 'SORT' at 'keySchema.1.member.keyType' failed to satisfy constraint: "
            "Member must satisfy enum value set: [HASH, RANGE]",
        ),
        (
            "BatchGetItem",
            {"RequestItems": {"Users": {"Keys": [{"Id": {"S": str(number)}} for number in range(101)]}}},
            "Value at 'requestItems.Users.member.keys' failed to satisfy constraint: "
            "Member must have length less than or equal to 100",
        ),
    ],
)
def test_dynamodb_has_words_of_its_own(operation: str, request_: dict[str, Any], expected: str) -> None:
    """The expected texts are those of moto's tests that were verified against AWS."""
    shape = get_service_model("dynamodb").operation_model(operation).input_shape
    assert expected in request_problems("dynamodb", request_, shape)
