"""Where a run's scenarios play: simulated AWS (`moto`), a real account (`aws`), or its rehearsal. Steps never ask."""

from __future__ import annotations

from typing import Any

from features.targets.base import EngineCall, Target, TargetRefused, WaitTimeout

__all__ = ["EngineCall", "Target", "TargetRefused", "WaitTimeout", "choose"]


def choose(name: str, settings: dict[str, Any]) -> Target:
    """The target that `-D target=…` names; raises TargetRefused for a name that is none, or without leave."""
    if name == "moto":
        from features.targets.moto import MotoTarget

        return MotoTarget()
    if name == "aws":
        from features.targets.aws import AwsTarget

        return AwsTarget(settings)
    if name == "rehearsal":
        from features.targets.rehearsal import RehearsalTarget

        return RehearsalTarget(settings)
    raise TargetRefused(f"-D target={name}: there is no such target; use moto, aws or rehearsal")
