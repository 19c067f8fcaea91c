"""The scenarios that behave selected, and the reasons if none of them ran: "0 passed" alone gives no reason."""

from __future__ import annotations

from collections.abc import Sequence

from behave.configuration import Configuration
from behave.model import Feature, Scenario

_WORDS = {"moto": "simulated AWS", "aws": "real AWS"}


def selected(features: Sequence[Feature], config: Configuration) -> list[Scenario]:
    """The scenarios that behave's own selection (files, lines, --tags, --name) leaves."""
    return [
        scenario
        for feature in features
        for scenario in feature.walk_scenarios()
        if not scenario.should_skip
        and scenario.should_run_with_tags(config.tag_expression)
        and scenario.should_run_with_name_select(config)
    ]


def why_not_here(scenario: Scenario, target: str) -> str | None:
    """Why a scenario cannot run on this target; None where it can."""
    tags = scenario.effective_tags
    if target in tags:
        return None
    places = " and ".join(word for tag, word in _WORDS.items() if tag in tags)
    if not places:
        written = " ".join(f"@{tag}" for tag in sorted(tags)) or "none"
        return f"its tags ({written}) do not say where it runs; tag it @moto, @aws or both"
    return f"runs on {places} only, this run was on {_WORDS.get(target, target)}"


def why_nothing_ran(chosen: Sequence[Scenario]) -> list[str]:
    """One line for each selected scenario if none of them ran; no line if at least one did."""
    if not chosen:
        return ["no scenario fits these files, lines, tags or names"]
    if any(scenario.status.name != "skipped" for scenario in chosen):
        return []
    return [f"{one.filename}:{one.line}: skipped: {one.skip_reason or 'no reason given'}" for one in chosen]
