"""The command `validate`: all problems of a plan, without a deployed engine."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from engine.cli.options import InputError, json_option, read_json
from engine.cli.terminal import print_json
from engine.core.plan import resolve_target
from engine.core.validation import group_problems, plan_problems, plan_warnings

_TYPES = {int: "a number", Decimal: "a number", str: "a text", bool: "true or false", type(None): "null"}


@click.command()
@click.argument("plan", type=click.Path(path_type=Path))
@click.option("--groups", type=click.Path(path_type=Path), help="Protection groups: a JSON list or one object.")
@json_option
def validate(plan: Path, groups: Path | None, as_json: bool) -> None:
    """Check the recovery plan in the file PLAN and print all its problems.

    Without --groups, the command only checks the plan itself, not its servers and groups.
    """
    document = _read_plan(plan)
    known = _read_groups(groups) if groups is not None else _assumed_groups(document)
    problems = [str(problem) for problem in plan_problems(document, known, _target(document, known))]
    if groups is None:
        # Assumed groups have no problems of their own.
        problems = [problem for problem in problems if not problem.startswith("protection group ")]
    else:
        problems += [str(problem) for group in known.values() for problem in group_problems(group)]
    problems = list(dict.fromkeys(problems))
    warnings = [] if problems or groups is None else [str(warning) for warning in plan_warnings(document, known)]
    if as_json:
        print_json(
            {
                "Plan": str(plan),
                "Valid": not problems,
                "GroupsChecked": groups is not None,
                "Problems": problems,
                "Warnings": warnings,
            }
        )
        raise click.exceptions.Exit(InputError.exit_code if problems else 0)
    for problem in problems:
        click.echo(f"{plan}: {problem}", err=True)
    for warning in warnings:
        click.echo(f"{plan}: Warning: {warning}", err=True)
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise InputError(f"{plan}: {count}")
    waves = document["Waves"]
    click.echo(f"{plan}: valid, {len(waves)} {'wave' if len(waves) == 1 else 'waves'}")
    if selecting := [group_id for group_id, group in known.items() if "ServerTags" in group]:
        names, verb = ", ".join(selecting), "selects its" if len(selecting) == 1 else "select their"
        click.echo(f"{names} {verb} servers by tag when an execution starts; `check` shows them.")
    if groups is None:
        click.echo("Servers and protection groups were not checked; pass the groups with --groups.")


def _read_plan(path: Path) -> dict[str, Any]:
    """The document of the file. Raises InputError if it is not one recovery plan."""
    document = read_json(path)
    if isinstance(document, list):
        if any(_has(one, "GroupId") for one in document):
            raise InputError(
                f"{path}: this is a list of protection groups; give it with --groups, and a recovery plan before it"
            )
        raise InputError(f"{path}: a recovery plan is a JSON object, this is a list; validate takes one plan")
    if not isinstance(document, dict):
        raise InputError(f"{path}: a recovery plan is a JSON object, this is {_TYPES[type(document)]}")
    if _has(document, "GroupId") and not _has(document, "PlanId"):
        raise InputError(f"{path}: this is a protection group; give it with --groups, and a recovery plan before it")
    if _has(document, "ExecutionId"):
        raise InputError(f"{path}: this is an execution record, not a recovery plan")
    return document


def _has(document: Any, key: str) -> bool:
    return isinstance(document, dict) and key in document


def _read_groups(path: Path) -> dict[str, dict[str, Any]]:
    content = read_json(path)
    groups = content if isinstance(content, list) else [content]
    wrong = [group for group in groups if not isinstance(group, dict) or not isinstance(group.get("GroupId"), str)]
    if any(_has(one, "PlanId") for one in wrong):
        raise InputError(f"{path}: this is a recovery plan; give it first, and its protection groups with --groups")
    if wrong:
        raise InputError(f"{path}: every protection group is a JSON object with a GroupId")
    return {group["GroupId"]: group for group in groups}


def _target(plan: dict[str, Any], groups: dict[str, dict[str, Any]]) -> Any:
    """The target of the plan; the first group gives the defaults, so that all groups must agree with it."""
    first = next(iter(groups.values()), {})
    if not isinstance(first.get("AccountId"), str) or not isinstance(first.get("Region"), str):
        return None
    return resolve_target(plan, account_id=first["AccountId"], region=first["Region"])


def _assumed_groups(plan: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Groups with exactly the servers that the plan names, so that only problems of the plan itself show.

    The servers of a group of which the plan names none are unknown.
    """
    waves = plan.get("Waves")
    servers: dict[str, list[str]] = {}
    for wave in waves if isinstance(waves, list) else ():
        if isinstance(wave, dict) and isinstance(wave.get("ProtectionGroupId"), str):
            listed = (wave.get("ExecutionOrder"), wave.get("RecoverySnapshots"))
            named = [server for some in listed if isinstance(some, list | dict) for server in some]
            servers.setdefault(wave["ProtectionGroupId"], []).extend(named)
    return {
        group_id: {"SourceServerIds": list(dict.fromkeys(map(str, named)))} if named else {}
        for group_id, named in servers.items()
    }
