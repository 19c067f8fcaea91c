"""The question before a real recovery: what it launches and where, answered by the plan's id."""

from __future__ import annotations

from difflib import get_close_matches

import click

from engine.cli.options import InputError
from engine.client import EngineClient
from engine.core.plan import wave_servers

_STAYS = "its servers are launched for production and stay."


def confirm_recovery(engine: EngineClient, plan_id: str, *, cancels_drills: bool = False) -> None:
    """Ask before a recovery of the plan. Raises InputError for another answer than the plan's id."""
    drills = "\nDrills that hold its servers are cancelled." if cancels_drills else ""
    _confirm(f"This is a real recovery of {plan_id}: {_STAYS}{_scope(engine, plan_id)}{drills}", plan_id)


def confirm_resumption(engine: EngineClient, execution_id: str) -> None:
    """Ask before a failed recovery goes on; a drill needs no answer. Raises InputError as `confirm_recovery`."""
    record = engine.get(execution_id)
    plan_id = str(record["PlanId"])
    if record["ExecutionType"] == "RECOVERY":
        _confirm(f"This continues the real recovery of {plan_id}: {_STAYS}{_scope(engine, plan_id)}", plan_id)


def near_plans(engine: EngineClient, plan_id: str) -> str:
    """A hint for the id of a plan that does not exist."""
    near = get_close_matches(plan_id, [str(plan["PlanId"]) for plan in engine.plans()])
    return f"did you mean {' or '.join(near)}?" if near else "`plans` lists all plans."


def _scope(engine: EngineClient, plan_id: str) -> str:
    """Waves, servers, account and Region; empty for a plan that the start refuses."""
    plan = engine.get_plan(plan_id)
    if plan is None or engine.problems(plan):
        return ""
    groups = {group["GroupId"]: dict(group) for group in engine.groups_of(plan)}
    servers = sum(len(wave_servers(wave, groups)) for wave in plan["Waves"])
    tagged = any("ServerTags" in group for group in groups.values())
    target = engine.target_of(plan)
    counts = f"{_count(servers, 'server')}{' and those that tags select' if tagged else ''}"
    place = f"account {target.account_id}, Region {target.region}"
    return f"\n{_count(len(plan['Waves']), 'wave')} with {counts}, in {place}."


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _confirm(text: str, plan_id: str) -> None:
    typed = click.prompt(f"{text}\nType the id of the plan to continue", err=True, default="", show_default=False)
    if typed != plan_id:
        raise InputError(f"{typed!r} is not {plan_id!r}; no execution was started (--yes needs no confirmation)")
