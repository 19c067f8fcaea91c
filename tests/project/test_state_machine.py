"""The template's state machine, checked by a linter for the States Language, without CloudFormation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from statelint.linter import Linter

TEMPLATE = Path(__file__).resolve().parents[2] / "infra" / "template.yaml"
SAMPLE = "arn:aws:lambda:us-east-1:111122223333:function:sample"


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as the value they hold."""


def _value(loader: _Loader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.MappingNode)
    return loader.construct_mapping(node, deep=True)


_Loader.add_multi_constructor("!", _value)


def definitions() -> dict[str, str]:
    """Return each state machine's definition by resource name, its references replaced by an ARN."""
    content = yaml.load(TEMPLATE.read_text(encoding="utf-8"), _Loader)  # noqa: S506  # a SafeLoader, extended above
    return {
        name: re.sub(r"\$\{AWS::Partition\}", "aws", resource["Properties"]["DefinitionString"])
        for name, resource in content["Resources"].items()
        if resource["Type"] == "AWS::StepFunctions::StateMachine"
    }


def problems(definition: str) -> list[str]:
    text = re.sub(r"\$\{[^}]+\}", SAMPLE, definition)
    found: list[str] = Linter.validate(text)
    return found


def test_there_are_two_state_machines() -> None:
    assert set(definitions()) == {"StateMachine", "Closer"}


@pytest.mark.parametrize("name", definitions())
def test_the_definition_is_the_states_language(name: str) -> None:
    assert problems(definitions()[name]) == []


@pytest.mark.parametrize("name", definitions())
def test_the_linter_sees_a_state_that_is_not_there(name: str) -> None:
    broken = re.sub(r'"Next": "[^"]+"|"End": true', '"Next": "Nowhere"', definitions()[name], count=1)
    assert problems(broken) != []
