"""The commands `plans`, `show` and `remove`: the recovery plans that are loaded."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import click
from rich.table import Table

from engine.cli.options import InputError, checked_text, client, json_option, stack_option
from engine.cli.terminal import console, print_json
from engine.client import EngineClient

# A longer id takes the room of the other columns, so it may be broken.
_NAMED_WHOLE = 32


@click.command()
@json_option
@stack_option
def plans(as_json: bool, stack: str) -> None:
    """List the loaded recovery plans by id, with waves and last execution."""
    engine = client(stack)
    rows = [_row(engine, plan) for plan in engine.plans()]
    if as_json:
        print_json(rows)
    elif rows:
        longest = max(len(row["PlanId"]) for row in rows)
        table = Table(box=None, pad_edge=False, header_style="dim")
        for column in ("Plan", "Waves", "Last execution", "Name"):
            table.add_column(column, overflow="fold", no_wrap=column == "Plan" and longest <= _NAMED_WHOLE)
        for row in rows:
            last = f"{row['LastStatus']} {row['LastStartTime'][:16].replace('T', ' ')}" if "LastStatus" in row else ""
            last += f" {row['LastType']}" if "LastType" in row else ""
            table.add_row(row["PlanId"], str(row["WaveCount"]), last, row["PlanName"])
        console().print(table)
    else:
        click.echo("No plans; load them with `apply`.")


def _row(engine: EngineClient, plan: dict[str, Any]) -> dict[str, Any]:
    """A plan that was loaded by force can lack each field but its id."""
    waves = plan.get("Waves")
    row = {
        "PlanId": plan["PlanId"],
        "PlanName": str(plan.get("PlanName", "")),
        "WaveCount": len(waves) if isinstance(waves, list) else 0,
    }
    last = engine.list_by_plan(plan["PlanId"], limit=1).items
    if not last:
        return row
    names = {"LastStatus": "Status", "LastStartTime": "StartTime", "LastType": "ExecutionType"}
    return row | {name: last[0][field] for name, field in names.items()}


@click.command()
@click.argument("plan_id", callback=checked_text)
@stack_option
def show(plan_id: str, stack: str) -> None:
    """Print the loaded plan PLAN_ID and its protection groups as JSON that `apply` loads."""
    engine = client(stack)
    plan = _loaded(engine, plan_id)
    documents = [*engine.groups_of(plan), plan]
    click.echo(json.dumps(documents, indent=2, ensure_ascii=False, default=_number))


def _number(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


@click.command()
@click.argument("plan_id", callback=checked_text)
@click.option("--yes", is_flag=True, help="Remove the plan without confirmation.")
@stack_option
def remove(plan_id: str, yes: bool, stack: str) -> None:
    """Remove the loaded plan PLAN_ID; its protection groups and past executions stay.

    The command refuses while an execution of the plan is running or being cleaned up.
    """
    engine = client(stack)
    _loaded(engine, plan_id)
    if holder := engine.holder(plan_id):
        raise click.ClickException(f"{plan_id}: execution {holder} is running or being cleaned up; nothing was removed")
    if not yes and not click.confirm(f"Remove the plan {plan_id}?", err=True):
        raise InputError("nothing was removed")
    engine.delete_plan(plan_id)
    click.echo(f"{plan_id}: removed")


def _loaded(engine: EngineClient, plan_id: str) -> dict[str, Any]:
    plan = engine.get_plan(plan_id)
    if plan is None:
        raise click.ClickException(f"plan {plan_id} does not exist; `plans` lists the loaded plans")
    return plan
