"""The durations of DRS's phases in seconds, and the settings with which a test fixes them.

A job is pending first; a launch then passes snapshot, conversion and launch; afterwards the machine boots. AWS
publishes no durations; field reports name 2 to 10 minutes for the conversion and 1 to 3 for the launch. With the
defaults a job takes about 7 to 10 minutes. Server and launch seed each draw, so that the order of calls has no effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

LAUNCH_ENDS = ("LAUNCHED", "TERMINATED")
"""TERMINATED is in DRS's model; that it means an instance ended before its job did is a guess."""
BOOT_ENDS = ("running", "pending", "stopped", "terminated")


@dataclass
class Timing:
    """Ranges in seconds, from which each launch draws whole seconds."""

    pending: tuple[int, int] = (5, 15)
    snapshot: tuple[int, int] = (30, 60)
    conversion: tuple[int, int] = (300, 390)
    launch: tuple[int, int] = (60, 120)
    boot: tuple[int, int] = (20, 60)
    terminate: tuple[int, int] = (30, 60)

    def draw(self, phase: str, rng: Random) -> int:
        low, high = getattr(self, phase)
        return rng.randint(low, high)


@dataclass(frozen=True)
class LaunchSettings:
    """The course of the next launches of one server. None: drawn from `Timing`.

    `launch_seconds` counts from StartRecovery to LAUNCHED (or FAILED), `boot_seconds` from there to `boot_ends_as`.
    `fails_with` is the reason in the job log, `launch_ends_as` the launch status of a server that did not fail.
    DescribeJobs returns `job_status_word` in place of STARTED.
    """

    fails_with: str | None = None
    launch_ends_as: str = "LAUNCHED"
    launch_seconds: float | None = None
    boot_seconds: float | None = None
    boot_ends_as: str = "running"
    job_status_word: str | None = None
    terminate_seconds: float | None = None
    terminate_fails_with: str | None = None

    def __post_init__(self) -> None:
        if self.launch_ends_as not in LAUNCH_ENDS:
            raise ValueError(f"launch_ends_as is one of {', '.join(LAUNCH_ENDS)}, not {self.launch_ends_as!r}")
        if self.boot_ends_as not in BOOT_ENDS:
            raise ValueError(f"boot_ends_as is one of {', '.join(BOOT_ENDS)}, not {self.boot_ends_as!r}")


@dataclass(frozen=True)
class LaunchTimes:
    """Seconds after the job's start at which each phase of one server's launch ends."""

    cleanup: float
    snapshot: float
    conversion: float
    launch: float


def launch_times(timing: Timing, rng: Random, total: float | None) -> LaunchTimes:
    """Draw the phases; a fixed `total` (seconds from the job's start to the outcome) scales all by the same factor."""
    snapshot, conversion, launch = (timing.draw(phase, rng) for phase in ("snapshot", "conversion", "launch"))
    drawn = snapshot + conversion + launch
    factor = 1.0 if total is None else total / drawn
    # Cleaning up is quick: it shares the snapshot's span.
    return LaunchTimes(
        cleanup=snapshot * factor / 4,
        snapshot=snapshot * factor,
        conversion=(snapshot + conversion) * factor,
        launch=drawn if total is None else total,
    )
