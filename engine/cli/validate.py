"""The command `validate`: all problems of a plan, without a deployed engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from engine.cli.options import InputError, json_option, read_json
from engine.cli.terminal import print_json
from engine.core.plan import resolve_target
from engine.core.validation import group_problems, plan_problems


@click.command()
@click.argument("plan", type=click.Path(path_type=Path))
@click.option("--groups", type=click.Path(path_type=Path), help="Protection groups: a JSON list or one object.")
@json_option
def validate(plan: Path, groups: Path | None, as_json: bool) -> None:
    """Check the recovery plan in the file PLAN and print all its problems.

    Without --groups, the command only checks the plan itself, not its servers and groups.
    """
    document = read_json(plan)
    if not isinstance(document, dict):
        raise InputError(f"{plan}: a recovery plan is a JSON object, this is a {type(document).__name__}")
    known = _read_groups(groups) if groups is not None else _assumed_groups(document)
    problems = [str(problem) for problem in plan_problems(document, known, _target(document, known))]
    if groups is None:
        # Assumed groups have no problems of their own.
        problems = [problem for problem in problems if not problem.startswith("protection group ")]
    else:
        problems += [str(problem) for group in known.values() for problem in group_problems(group)]
    problems = list(dict.fromkeys(problems))
    if as_json:
        print_json(
            {"Plan": str(plan), "Valid": not problems, "GroupsChecked": groups is not None, "Problems": problems}
        )
        raise click.exceptions.Exit(InputError.exit_code if problems else 0)
    for problem in problems:
        click.echo(f"{plan}: {problem}", err=True)
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise InputError(f"{plan}: {count}")
    waves = document["Waves"]
    click.echo(f"{plan}: valid, {len(waves)} {'wave' if len(waves) == 1 else 'waves'}")
    if groups is None:
        click.echo("Servers and protection groups were not checked; pass the groups with --groups.")


def _read_groups(path: Path) -> dict[str, dict[str, Any]]:
    content = read_json(path)
    groups = content if isinstance(content, list) else [content]
    wrong = [group for group in groups if not isinstance(group, dict) or not isinstance(group.get("GroupId"), str)]
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
    """Groups with exactly the servers that the plan names, so that only problems of the plan itself show."""
    waves = plan.get("Waves")
    servers: dict[str, list[str]] = {}
    for wave in waves if isinstance(waves, list) else ():
        if isinstance(wave, dict) and isinstance(wave.get("ProtectionGroupId"), str):
            listed = (wave.get("ExecutionOrder"), wave.get("RecoverySnapshots"))
            named = [server for some in listed if isinstance(some, list | dict) for server in some]
            servers.setdefault(wave["ProtectionGroupId"], []).extend(named)
    return {group_id: {"SourceServerIds": list(dict.fromkeys(map(str, named)))} for group_id, named in servers.items()}
