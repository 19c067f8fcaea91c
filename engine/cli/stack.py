"""Putting the engine into an account and taking it out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.status import Status

from engine.cli.errors import refusal
from engine.cli.options import InputError, account_option, client, json_option, require_account, session, stack_option
from engine.cli.terminal import console, print_json
from engine.deploy import deployment
from engine.deploy.deployment import DeploymentFailed, NotTheEngine, Progress
from engine.deploy.packaging import complete_package
from engine.deploy.parameters import operator_parameters, value_problem
from engine.deploy.retained_data import RETAINED_DATA_ADVICE

# The engine's topic is encrypted with AWS's managed key, which CloudWatch cannot use.
_NO_ALARM_TOPIC = (
    "Note: alarms send no notification, they only show in CloudWatch; deploy with -p AlarmTopicArn=ARN to notify an "
    "SNS topic of your own (CloudWatch cannot publish to the engine's notification topic)."
)

# What becomes of a stack's data, before it is asked whether the stack is to go; None: there is no such stack.
_DATA_THEN = {
    True: "Its tables and its log stay (KeepData=yes).\n",
    False: "All plans, groups and the whole history go with it, for good (KeepData=no).\n",
    None: "",
}


def pause(seconds: float) -> None:
    """Between two looks at CloudFormation: a person's terminal, never the function."""
    time.sleep(seconds)


@click.command()
@click.option("--parameter", "-p", "parameters", multiple=True, metavar="NAME=VALUE", help="A template parameter.")
@account_option
@json_option
@stack_option
def deploy(parameters: tuple[str, ...], account: str | None, as_json: bool, stack: str) -> None:
    """Create or update the engine's stack in the account and Region of the environment.

    Parameters: KeepData (yes: tables outlive the stack, the default; no: they go with it), ServersPerJob,
    CrossAccountRoleName, AlarmTopicArn; an update keeps those that are not given. Of a creation that fails nothing is
    left; an update that fails is undone.
    """
    values = dict(_pair(text) for text in parameters)
    aws = session()
    there = f"account {require_account(aws, account)}, Region {aws.region_name}"
    messages = console(stderr=True)
    if kept := deployment.retained_data(aws, stack):
        raise click.ClickException(
            f"an earlier deployment of {stack} left its data in {there} (KeepData=yes): {', '.join(kept)}. "
            f"Nothing was deployed, and the data was not touched.\n{RETAINED_DATA_ADVICE}"
        )
    _check_recovery_service(aws, there, messages)
    with messages.status("Packaging the function"):
        code = complete_package()
    messages.print(f"Deploying {stack} to {there}: {len(code) / 1e6:.1f} MB of code, a few minutes")
    with messages.status("Waiting for CloudFormation") as status:
        deployed = deployment.deploy(
            aws, stack, parameters=values, code=code, progress=_progress(messages, status), sleep=pause
        )
    if not deployment.alarm_topic(aws, stack):
        messages.print(_NO_ALARM_TOPIC, style="yellow")
    if as_json:
        print_json({"StackName": stack, "Outputs": dict(sorted(deployed.outputs.items()))})
        return
    for name, value in sorted(deployed.outputs.items()):
        click.echo(f"{name}: {value}")
    messages.print("Next: load groups and plans with `apply`, then `start` a drill.")


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    known = operator_parameters()
    if not separator:
        raise InputError(f"--parameter {text}: must be NAME=VALUE")
    if name not in known:
        raise InputError(f"--parameter {name}: the template has no such parameter; it has {', '.join(known)}")
    if problem := value_problem(name, value):
        raise InputError(f"--parameter {name}: {problem}")
    return name, value


def _check_recovery_service(aws: Any, there: str, messages: Console) -> None:
    """A word before the minutes of a deployment: whether DRS can be reached and is set up where the engine will be.

    Not initialised is no error: the engine may recover into other accounts only.
    """
    try:
        aws.client("drs").describe_source_servers(maxResults=1)
    except ClientError as error:
        messages.print(f"Note: {refusal(error)} ({there}).", style="yellow")
    except BotoCoreError as error:
        if aws.region_name in aws.get_available_regions("drs", aws.get_partition_for_region(aws.region_name)):
            raise
        raise InputError(
            f"AWS Elastic Disaster Recovery does not answer in Region {aws.region_name} and is not known to exist "
            "there; set AWS_REGION to the Region you recover to"
        ) from error


def _progress(messages: Console, status: Status) -> Progress:
    """One line for each resource that is done or has failed; what is at work shows in the status line."""

    def event(happened: Mapping[str, Any]) -> None:
        state, name = happened["ResourceStatus"], happened["LogicalResourceId"]
        if state.endswith("IN_PROGRESS"):
            status.update(f"{name}: {state.lower().replace('_', ' ')}")
            return
        reason = f"  {happened['ResourceStatusReason']}" if happened.get("ResourceStatusReason") else ""
        style = "red" if state.endswith("FAILED") else "dim"
        messages.print(f"{happened['Timestamp']:%H:%M:%S}  {state:<16}  {name}{reason}", style=style)

    def lost(seconds: int) -> None:
        status.update(f"No connection to AWS for {seconds} s; CloudFormation goes on meanwhile, trying again")

    return Progress(event, lost)


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@account_option
@stack_option
def destroy(yes: bool, account: str | None, stack: str) -> None:
    """Delete the engine's stack; its tables stay if it was deployed with KeepData=yes (the default).

    Refused while an execution runs or is being cleaned up.
    """
    aws = session()
    there = f"account {require_account(aws, account)}, Region {aws.region_name}"
    _require_rest(stack)
    if not yes:
        click.echo(_DATA_THEN[deployment.keeps_data(aws, stack)], nl=False, err=True)
        click.confirm(f"Delete the stack {stack} in {there}?", abort=True, err=True)
    messages = console(stderr=True)
    with messages.status(f"Deleting {stack}") as status:
        existed = deployment.destroy(aws, stack, progress=_progress(messages, status), sleep=pause)
    if not existed:
        raise click.ClickException(f"there is no stack {stack} in {there}; nothing was deleted")
    click.echo(f"{stack}: deleted")
    if kept := deployment.retained_data(aws, stack):
        click.echo(f"Kept, with their data: {', '.join(kept)}")
        click.echo(f"They are in the way of the next deploy of {stack}. {RETAINED_DATA_ADVICE}", err=True)


def _require_rest(stack: str) -> None:
    """Raises ClickException while the engine is at work; a stack that is not there or has never worked is not."""
    try:
        engine = client(stack)
    except NotTheEngine:
        raise
    except DeploymentFailed:
        return
    if running := engine.at_work():
        raise click.ClickException(
            f"the engine is at work on {', '.join(running)}; cancel it, or wait until it is over and cleaned up"
        )
