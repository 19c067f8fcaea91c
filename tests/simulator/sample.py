"""A small stack on the simulator: a table, a function, and a state machine that ticks until it is done."""

from __future__ import annotations

import io
import json
import textwrap
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FUNCTION = "sample"
CODE = '''
import json
import os
import time
import uuid

import boto3

invocations = 0
dynamodb = boto3.client("dynamodb")


def handler(event, context):
    global invocations
    invocations += 1
    action = event.get("Action", "tick")
    return globals()[action](event, context)


def tick(event, context):
    run, count = event["Run"], event.get("Count", 0) + 1
    key = {"Id": {"S": run}}
    dynamodb.update_item(
        TableName=os.environ["TABLE"], Key=key,
        UpdateExpression="SET Ticks = if_not_exists(Ticks, :zero) + :one",
        ExpressionAttributeValues={":zero": {"N": "0"}, ":one": {"N": "1"}},
    )
    print(json.dumps({"run": run, "tick": count, "invocation": invocations}))
    return {**event, "Count": count, "Done": count >= event["Ticks"]}


def who(event, context):
    return boto3.client("sts").get_caller_identity()["Arn"]


def look(event, context):
    return {
        "invocations": invocations, "uuid": str(uuid.uuid4()), "remaining": context.get_remaining_time_in_millis(),
        "name": context.function_name, "table": os.environ["TABLE"], "region": os.environ["AWS_REGION"],
    }


def sleep(event, context):
    time.sleep(event["Seconds"])
    return context.get_remaining_time_in_millis()


def fail(event, context):
    raise ValueError("no such luck")


def put_twice(event, context):
    """Swallows each error between two writes."""
    for name in ("first", "second"):
        try:
            dynamodb.put_item(TableName=os.environ["TABLE"], Item={"Id": {"S": name}})
        except Exception:
            print("swallowed")
    try:
        dynamodb.put_item(TableName=os.environ["TABLE"], Item={"Id": {"S": "third"}})
    finally:
        dynamodb.put_item(TableName=os.environ["TABLE"], Item={"Id": {"S": "last"}})


def echo(event, context):
    print(json.dumps(event))
'''


def package(code: str = CODE, files: Mapping[str, str] | None = None) -> bytes:
    """The zip of a package `app` whose module `main` is the code, and of other files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("app/__init__.py", "")
        archive.writestr("app/main.py", textwrap.dedent(code))
        for name, content in (files or {}).items():
            archive.writestr(name, content)
    return stream.getvalue()


def _role(service: str, *statements: dict[str, Any]) -> dict[str, Any]:
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
    }
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **one} for one in statements]}
    policies = [{"PolicyName": "work", "PolicyDocument": document}]
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust, "Policies": policies}}


def definition(wait: int = 30, *, task: dict[str, Any] | None = None, timeout: int | None = None) -> dict[str, Any]:
    tick = task or {"Type": "Task", "Resource": "${Function.Arn}"}
    machine: dict[str, Any] = {
        "StartAt": "Tick",
        "States": {
            "Tick": {**tick, "Next": "Over"},
            "Over": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.Done", "BooleanEquals": True, "Next": "End"}],
                "Default": "Pause",
            },
            "Pause": {"Type": "Wait", "Seconds": wait, "Next": "Tick"},
            "End": {"Type": "Succeed"},
        },
    }
    return machine | ({"TimeoutSeconds": timeout} if timeout else {})


def template(machine: dict[str, Any], *, timeout: int = 30) -> dict[str, Any]:
    return {
        "Resources": {
            "Table": {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {
                    "TableName": "sample",
                    "BillingMode": "PAY_PER_REQUEST",
                    "AttributeDefinitions": [{"AttributeName": "Id", "AttributeType": "S"}],
                    "KeySchema": [{"AttributeName": "Id", "KeyType": "HASH"}],
                },
            },
            "FunctionRole": _role(
                "lambda.amazonaws.com",
                {"Action": "dynamodb:*", "Resource": {"Fn::GetAtt": ["Table", "Arn"]}},
                {"Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"},
                {"Action": ["sqs:SendMessage"], "Resource": "*"},
            ),
            "Function": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "FunctionName": FUNCTION,
                    "Handler": "app.main.handler",
                    "Runtime": "python3.11",
                    "Timeout": timeout,
                    "Role": {"Fn::GetAtt": ["FunctionRole", "Arn"]},
                    "Environment": {"Variables": {"TABLE": {"Ref": "Table"}}},
                    "Code": {"S3Bucket": "code", "S3Key": "code.zip"},
                },
            },
            "MachineRole": _role(
                "states.amazonaws.com",
                {"Action": "lambda:InvokeFunction", "Resource": {"Fn::GetAtt": ["Function", "Arn"]}},
            ),
            "Machine": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {
                    "StateMachineName": "sample",
                    "RoleArn": {"Fn::GetAtt": ["MachineRole", "Arn"]},
                    "DefinitionString": {"Fn::Sub": json.dumps(machine)},
                },
            },
            "Rule": {
                "Type": "AWS::Events::Rule",
                "Properties": {
                    "EventPattern": {
                        "source": ["aws.states"],
                        "detail-type": ["Step Functions Execution Status Change"],
                        "detail": {
                            "status": ["TIMED_OUT", "ABORTED", "FAILED"],
                            "stateMachineArn": [{"Ref": "Machine"}],
                        },
                    },
                    "Targets": [
                        {
                            "Id": "closer",
                            "Arn": {"Fn::GetAtt": ["Function", "Arn"]},
                            "InputTransformer": {
                                "InputPathsMap": {"status": "$.detail.status", "name": "$.detail.name"},
                                "InputTemplate": '{"Action": "echo", "Status": <status>, "Name": <name>}',
                            },
                        }
                    ],
                },
            },
            "MayClose": {
                "Type": "AWS::Lambda::Permission",
                "Properties": {
                    "FunctionName": {"Ref": "Function"},
                    "Action": "lambda:InvokeFunction",
                    "Principal": "events.amazonaws.com",
                    "SourceArn": {"Fn::GetAtt": ["Rule", "Arn"]},
                },
            },
        },
        "Outputs": {"Machine": {"Value": {"Ref": "Machine"}}},
    }


@dataclass
class Sample:
    session: Any  # a boto3.Session; its stubs want the service as a literal
    machine: str

    def client(self, service: str) -> Any:
        return self.session.client(service)

    def start(self, name: str, ticks: int, **more: Any) -> str:
        document = json.dumps({"Run": name, "Ticks": ticks, **more})
        arn: str = self.client("stepfunctions").start_execution(
            stateMachineArn=self.machine, name=name, input=document
        )["executionArn"]
        return arn

    def describe(self, arn: str) -> Any:
        return self.client("stepfunctions").describe_execution(executionArn=arn)

    def status(self, arn: str) -> str:
        return str(self.describe(arn)["status"])

    def history(self, arn: str) -> list[str]:
        pages = self.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=arn)
        return [event["type"] for page in pages for event in page["events"]]

    def invoke(self, **event: Any) -> Any:
        """The function's answer; a function error comes as {"errorType": …}."""
        answer = self.client("lambda").invoke(FunctionName=FUNCTION, Payload=json.dumps(event))
        return json.loads(answer["Payload"].read())

    def items(self) -> set[str]:
        return {item["Id"]["S"] for item in self.client("dynamodb").scan(TableName="sample")["Items"]}


def deploy(aws: Any, machine: dict[str, Any] | None = None, *, timeout: int = 30) -> Sample:
    session = aws.session()
    s3 = session.client("s3")
    s3.create_bucket(Bucket="code")
    s3.put_object(Bucket="code", Key="code.zip", Body=package())
    cloudformation = session.client("cloudformation")
    body = json.dumps(template(machine or definition(), timeout=timeout))
    cloudformation.create_stack(StackName="sample", TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
    outputs = cloudformation.describe_stacks(StackName="sample")["Stacks"][0]["Outputs"]
    return Sample(session, outputs[0]["OutputValue"])


def outcome(sample: Sample, **event: Any) -> tuple[str | None, Any]:
    answer = sample.client("lambda").invoke(FunctionName=FUNCTION, Payload=json.dumps(event))
    return answer.get("FunctionError"), json.loads(answer["Payload"].read())


def redeploy(sample: Sample, code: str) -> None:
    sample.client("lambda").update_function_code(FunctionName=FUNCTION, ZipFile=package(code))
