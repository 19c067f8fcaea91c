"""The target of a run: simulated AWS (`moto`), a real account (`aws`), or its rehearsal. Steps do not depend on it.

Start with `base.py`: what every target offers to the steps.
"""

from __future__ import annotations

from typing import Any

from features.targets.base import EngineCall, RunTarget, TargetRefused, WaitTimeout

__all__ = ["EngineCall", "RunTarget", "TargetRefused", "WaitTimeout", "choose"]


def choose(name: str, settings: dict[str, Any]) -> RunTarget:
    """The target that `-D target=…` names; raises TargetRefused for an unknown name or without permission."""
    if name == "moto":
        from features.targets.moto import MotoTarget

        return MotoTarget()
    if name == "aws":
        from features.targets.aws import AwsTarget

        return AwsTarget(settings)
    if name == "rehearsal":
        from features.targets.rehearsal import RehearsalTarget

        return RehearsalTarget(settings)
    raise TargetRefused(f"-D target={name}: unknown target; use moto, aws or rehearsal")
