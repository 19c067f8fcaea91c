"""behave's hooks: one target a run (-D target=moto|aws), one world a scenario, evidence, invariants, clean-up."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import ExitStack

from behave.model import Feature, Scenario, Step
from behave.runner import Context

import features.parameter_types  # noqa: F401 - registers the words that the steps share, before the steps are read
from features import evidence_hooks, invariants, targets
from features.cleanup import clean_up, finish, require_nothing_left
from features.selection import selected, why_not_here, why_nothing_ran
from features.world import World
from traceability.model import run_notes
from traceability.recording import wall_clock

REFUSED = 2


def before_all(context: Context) -> None:
    wall_clock.for_behave()
    userdata = context.config.userdata
    try:
        context.target = targets.choose(userdata.get("target", "moto"), dict(userdata))
        context.chosen = selected(context._runner.features, context.config)
        context.target.open(context.chosen)
        if context.target.name == "aws":
            run_notes.record_account(context.target.account)
    except targets.TargetRefused as refusal:
        if "target" in context:
            context.target.close()
        # One line for the caller. behave would turn SystemExit into a hook error, and go on to after_all.
        print(f"behave: {refusal}", file=sys.__stderr__, flush=True)
        os._exit(REFUSED)
    # The models of AWS's services are half a million permanent objects; to search them for garbage takes a seventh of
    # a run.
    gc.freeze()
    gc.set_threshold(20_000, 10, 50)


def after_all(context: Context) -> None:
    if "target" in context:
        context.target.close()
    # behave shows the output of a hook only if a scenario is red.
    reasons = why_nothing_ran(context.chosen) if "chosen" in context else []
    if reasons:
        print("", *reasons, sep="\n", file=sys.__stdout__, flush=True)


def before_feature(context: Context, feature: Feature) -> None:
    """Skip the scenarios that cannot run on this target, with the reason and without any set-up."""
    name = context.target.name
    for scenario in feature.walk_scenarios():
        if reason := why_not_here(scenario, name):
            scenario.skip(reason)


def before_scenario(context: Context, scenario: Scenario) -> None:
    context.stack_of_hooks = ExitStack()
    context.stack_of_hooks.enter_context(context.target.scenario())
    context.world = World(context.target)


def after_step(context: Context, step: Step) -> None:
    """Remember each new fault with its step. Only simulated AWS has faults."""
    if context.target.name == "moto":
        context.world.effects.note_armed(f"{step.keyword} {step.name}", context.target.simulator.faults)


def after_scenario(context: Context, scenario: Scenario) -> None:
    """Attach the evidence, end the executions, judge the invariants, clean up, check that the clean-up is complete.

    A step without effect makes the scenario a suite defect, unless the scenario was red before all its steps applied:
    a fault that no call met, a state that never came, an answer that no Then judged.
    """
    if "world" not in context:
        return
    with context.stack_of_hooks:
        world: World = context.world
        try:
            evidence_hooks.attach(world)
            finish(world)
            evidence_hooks.attach_end(world, scenario)
            found = invariants.broken(world)
            begun = all(step.status.name == "passed" for step in scenario.all_steps if step.step_type != "then")
            idle = world.effects.missing(seen[-1] for seen in world.records_seen.values()) if begun else []
            evidence_hooks.describe(world, scenario, found, idle)
        finally:
            clean_up(world)
        if found:
            raise invariants.InvariantBroken("; ".join(found))
        if idle and scenario.status.name == "passed":
            raise invariants.WithoutEffect("; ".join(idle))
        require_nothing_left(world)
        context.target.note_privileges(scenario.name, scenario.filename, scenario.line)
