"""AWS Elastic Disaster Recovery for moto, as an out-of-tree service.

    import simulator.drs
    simulator.drs.register()                 # once, before mock_aws() starts
    simulator.drs.use_clock(clock)           # now() and call_at(when, fn, name)
    simulator.drs.judge_callers(True)        # launches use the caller's EC2 rights (see rights.py)
    world = simulator.drs.world("111122223333", "us-east-1")
    server = world.add_source_server(hostname="db-1")
    world.set_launch(server, launch_seconds=300, fails_with="no capacity")

boto3's own `drs` client then calls it. `world` sets initial facts; all else happens through the API and the clock.
Start with `responses.py`, which translates requests; `models.py` decides.
"""

from __future__ import annotations

import re
import sys

import moto
from moto import backend_index

from simulator.drs.environment import DrsWorld
from simulator.drs.models import Quotas, drs_backends
from simulator.drs.rights import judge_callers
from simulator.drs.time_source import Clock, ClockMissing, use_clock
from simulator.drs.timing import LaunchSettings, Timing

__all__ = [
    "Clock",
    "ClockMissing",
    "DrsWorld",
    "LaunchSettings",
    "Quotas",
    "Timing",
    "drs_backends",
    "judge_callers",
    "register",
    "use_clock",
    "world",
]

_PATTERN = ("drs", re.compile(r"https?://drs\.(.+)\.amazonaws\.com"))


def register() -> None:
    """Make `drs` one of moto's services: importable as `moto.drs`, reachable at DRS's address. Safe to repeat."""
    sys.modules["moto.drs"] = sys.modules[__name__]
    moto.drs = sys.modules[__name__]
    if not any(name == "drs" for name, _ in backend_index.backend_url_patterns):
        backend_index.backend_url_patterns.append(_PATTERN)


def world(account: str, region: str, clock: Clock | None = None) -> DrsWorld:
    """The environment of DRS in one account and Region. DRS is initialised there until a call of `uninitialize`."""
    if clock is not None:
        use_clock(clock)
    found = DrsWorld(account, region)
    if found.backend.initialized is None:
        found.initialize()
    return found
