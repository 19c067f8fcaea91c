"""Where a run's scenarios play: simulated AWS (`moto`) or a real account (`aws`). Steps never ask which."""

from __future__ import annotations

from typing import Any

from features.targets.base import EngineCall, Target, WaitTimeout

__all__ = ["EngineCall", "Target", "WaitTimeout", "choose"]


def choose(name: str, settings: dict[str, Any]) -> Target:
    """The target that `-D target=…` names; raises ValueError for a name that is none."""
    if name == "moto":
        from features.targets.moto import MotoTarget

        return MotoTarget()
    if name == "aws":
        from features.targets.aws import AwsTarget

        return AwsTarget(settings)
    raise ValueError(f"-D target={name}: there is no such target; use moto or aws")
