"""The commands `deploy` and `destroy`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.status import Status

from engine.cli.errors import refusal
from engine.cli.interruption import note_work
from engine.cli.options import InputError, account_option, client, json_option, require_account, session, stack_option
from engine.cli.terminal import console, print_json
from engine.client import EngineError
from engine.deploy import deployment
from engine.deploy.deployment import DeploymentFailed, NotTheEngine, Progress
from engine.deploy.packaging import package
from engine.deploy.parameters import operator_parameters, value_problem
from engine.deploy.retained_data import RETAINED_DATA_ADVICE

# The notification topic is encrypted with the AWS managed key, which CloudWatch cannot use.
_NO_ALARM_TOPIC = (
    "Note: alarms send no notification, they only show in CloudWatch; deploy with -p AlarmTopicArn=ARN to notify an "
    "SNS topic of your own (CloudWatch cannot publish to the engine's notification topic)."
)

_DRILLS_SHOWN = 10

# By KeepData, the warning before the confirmation of a deletion; None: the stack does not exist.
_DATA_THEN = {
    True: "Its tables and its log groups stay (KeepData=yes).\n",
    False: "Warning: this also deletes all plans, groups and the whole history (KeepData=no).\n",
    None: "",
}


def pause(seconds: float) -> None:
    """Sleep between two polls of CloudFormation; only the command line does."""
    time.sleep(seconds)


@click.command()
@click.option("--parameter", "-p", "parameters", multiple=True, metavar="NAME=VALUE", help="Set a template parameter.")
@account_option
@json_option
@stack_option
def deploy(parameters: tuple[str, ...], account: str | None, as_json: bool, stack: str) -> None:
    """Create or update the engine's stack in the account and Region of the environment.

    Parameters: KeepData (yes, the default: tables stay after a deletion of the stack; no: they are deleted with it),
    ServersPerJob, CrossAccountRoleName, AlarmTopicArn, JobLabel, InstanceProfileRoleArns and EncryptionKeyArns (roles
    and KMS keys of launch settings, with commas between them). An update keeps the values of omitted parameters. After
    a failed creation all resources are removed; a failed update is rolled back.
    """
    values = dict(_pair(text) for text in parameters)
    aws = session()
    there = f"account {require_account(aws, account)}, Region {aws.region_name}"
    messages = console(stderr=True)
    if kept := deployment.retained_data(aws, stack):
        raise click.ClickException(
            f"an earlier deployment of {stack} left its data in {there} (KeepData=yes): {', '.join(kept)}. "
            f"The stack was not deployed, and the data was not touched.\n{RETAINED_DATA_ADVICE}"
        )
    _check_recovery_service(aws, there, messages)
    with messages.status("Packaging the function"):
        code = package()
    messages.print(f"Deploying {stack} to {there}: {len(code) / 1e6:.1f} MB of code, a few minutes")
    with messages.status("Waiting for CloudFormation") as status:
        note_work("CloudFormation goes on; the same command watches it.")
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
    """Check that DRS answers and is initialised in the account and Region of the engine, and note if it is not.

    An uninitialised DRS is no error, because the engine may recover into other accounts only.
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
    """Print a line for each completed or failed resource; the status line shows the current resource."""

    def event(happened: Mapping[str, Any]) -> None:
        state, name = happened["ResourceStatus"], happened["LogicalResourceId"]
        if state.endswith("IN_PROGRESS"):
            status.update(f"{name}: {state.lower().replace('_', ' ')}")
            return
        reason = f"  {happened['ResourceStatusReason']}" if happened.get("ResourceStatusReason") else ""
        style = "red" if state.endswith("FAILED") else "dim"
        messages.print(f"{happened['Timestamp']:%H:%M:%S}  {state:<16}  {name}{reason}", style=style)

    def lost(seconds: int) -> None:
        status.update(f"No connection to AWS for {seconds} s; CloudFormation continues; trying again")

    return Progress(event, lost)


@click.command()
@click.option("--yes", is_flag=True, help="Delete without confirmation.")
@click.option("--leave-instances", is_flag=True, help="Delete although instances of kept drills still run.")
@account_option
@stack_option
def destroy(yes: bool, leave_instances: bool, account: str | None, stack: str) -> None:
    """Delete the engine's stack; its tables stay if it was deployed with KeepData=yes (the default).

    The engine refuses while an execution runs or is being cleaned up, and while a drill keeps its instances.
    """
    aws = session()
    there = f"account {require_account(aws, account)}, Region {aws.region_name}"
    _require_rest(stack, leave_instances)
    if not yes:
        click.echo(_DATA_THEN[deployment.keeps_data(aws, stack)], nl=False, err=True)
        click.confirm(f"Delete the stack {stack} in {there}?", abort=True, err=True)
    messages = console(stderr=True)
    with messages.status(f"Deleting {stack}") as status:
        note_work("CloudFormation goes on; the same command watches it.")
        existed = deployment.destroy(aws, stack, progress=_progress(messages, status), sleep=pause)
    if not existed:
        raise click.ClickException(f"there is no stack {stack} in {there}; nothing was deleted")
    click.echo(f"{stack}: deleted")
    if kept := deployment.retained_data(aws, stack):
        click.echo(f"Kept, with their data: {', '.join(kept)}")
        click.echo(f"They prevent the next deployment of {stack}. {RETAINED_DATA_ADVICE}", err=True)


def _require_rest(stack: str, leave_instances: bool) -> None:
    """Raises ClickException while executions are not settled or drills are kept; a missing stack has none."""
    try:
        engine = client(stack)
    except NotTheEngine:
        raise
    except DeploymentFailed:
        return
    if running := engine.at_work():
        raise click.ClickException(
            f"the engine works on {', '.join(running)}; cancel it, or wait until it has ended and is cleaned up"
        )
    if not leave_instances and (kept := engine.kept_drills()):
        raise EngineError(_kept_drills(kept))


def _kept_drills(ids: Sequence[str]) -> str:
    """Why the stack is not deleted, with the commands that terminate the instances; one screen at most."""
    more = [f"  and {len(ids) - _DRILLS_SHOWN} more"] if len(ids) > _DRILLS_SHOWN else []
    return "\n".join(
        [
            "these drills keep their instances, which cost money. To terminate them:",
            *(f"  python -m engine cleanup {one}" for one in ids[:_DRILLS_SHOWN]),
            *more,
            "To delete the stack without them, add --leave-instances (`sweep` lists them).",
        ]
    )
