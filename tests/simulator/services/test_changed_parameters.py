"""An update of a parameter alone changes the resources that use it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simulator import Simulator

USES: dict[str, Any] = {
    "Ref": {"Ref": "Stage"},
    "Sub": {"Fn::Sub": "${Stage}"},
    "Sub with variables": {"Fn::Sub": ["${Short}", {"Short": {"Ref": "Stage"}}]},
    "If": {"Fn::If": ["Real", "prod", "test"]},
    "If of another condition": {"Fn::If": ["NotReal", "test", "prod"]},
    "Join": {"Fn::Join": ["", [{"Fn::Sub": "${Stage}"}]]},
}


def template(use: Any) -> str:
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "news", "DisplayName": use}}
    other = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "other", "DisplayName": {"Fn::Sub": "${Label}"}}}
    return json.dumps(
        {
            "Parameters": {
                "Stage": {"Type": "String", "Default": "test"},
                "Label": {"Type": "String", "Default": "same"},
            },
            "Conditions": {
                "Real": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
                "NotReal": {"Fn::Not": [{"Condition": "Real"}]},
            },
            "Resources": {"News": topic, "Other": other},
        }
    )


def parameters(**values: str) -> list[Any]:
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()]


@pytest.mark.parametrize("use", USES)
def test_a_changed_parameter_changes_the_resources_that_use_it(aws: Simulator, use: str) -> None:
    formation, sns = aws.session().client("cloudformation"), aws.session().client("sns")
    body = template(USES[use])
    formation.create_stack(StackName="one", TemplateBody=body, Parameters=parameters(Stage="test", Label="same"))
    formation.update_stack(StackName="one", TemplateBody=body, Parameters=parameters(Stage="prod", Label="same"))
    arns = {arn["TopicArn"].rpartition(":")[2]: arn["TopicArn"] for arn in sns.list_topics()["Topics"]}
    shown = {name: sns.get_topic_attributes(TopicArn=arn)["Attributes"]["DisplayName"] for name, arn in arns.items()}
    assert shown == {"news": "prod", "other": "same"}
