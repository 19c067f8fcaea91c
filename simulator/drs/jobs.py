"""Jobs on the clock: the script of each server is written when the job is created, its outcome at the due time.

`LaunchRun` takes one server from StartRecovery to LAUNCHED or FAILED, `TerminateRun` one recovery instance to its end.
Log lines are written ahead and become visible at their time; only changes of EC2 and outcomes need a timer. A job ends
with the last of its servers. Order of the events of a launch in DRS:

    JOB_START  CLEANUP_START/END  SNAPSHOT_START/END  CONVERSION_START/END  LAUNCH_START  [LAUNCH_FAILED]  JOB_END
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Protocol

from moto.ec2.models.instances import Instance

from simulator.drs import recovery_instances
from simulator.drs.resources import Job, JobLogItem, ParticipatingServer, RecoveryInstance, Snapshot
from simulator.drs.rights import TERMINATE_RIGHTS, missing_launch_right, missing_right
from simulator.drs.time_source import current_clock, now
from simulator.drs.timing import LaunchTimes, Timing, launch_times

NOTHING_TO_LAUNCH_FROM = "No snapshot of the source server is available."


class JobBackend(Protocol):
    """The part of the DRS backend of an account and Region that a job uses."""

    account_id: str
    region_name: str
    timing: Timing

    def arn(self, kind: str, resource_id: str) -> str: ...
    def rng(self, purpose: str) -> Random: ...
    def add_snapshot(self, source_server_id: str, taken_at: datetime, snapshot_id: str | None = None) -> Snapshot: ...
    def add_recovery_instance(self, instance: RecoveryInstance) -> None: ...
    def forget_recovery_instance(self, recovery_instance_id: str) -> None: ...


def after(job: Job, seconds: float) -> datetime:
    return job.starts_at + timedelta(seconds=seconds)


def server_ended(job: Job) -> None:
    """Close the job when the last of its servers has an outcome."""
    if all(one.outcome for one in job.servers):
        job.ended_at = now()
        job.log.append(JobLogItem(job.ended_at, "JOB_END", {}))


class LaunchRun:
    """One server's way through a LAUNCH job. `pinned` is the snapshot the caller chose, None means the latest data."""

    def __init__(
        self, backend: JobBackend, job: Job, participant: ParticipatingServer, pinned: Snapshot | None
    ) -> None:
        self.backend, self.job, self.participant = backend, job, participant
        self.server, self.settings, self.pinned = participant.source_server, participant.settings, pinned
        self.rng: Random = backend.rng(f"launch:{self.server.source_server_id}:{self.server.launches}")
        self.failure: str | None = None

    def begin(self) -> None:
        """Write the script of this launch and set its timers."""
        total = self.settings.launch_seconds
        if total is not None:
            total -= (self.job.starts_at - self.job.created_at).total_seconds()
        times = launch_times(self.backend.timing, self.rng, total)
        self.participant.in_progress_from = after(self.job, times.conversion)
        ends = self._write_script(times)
        if self.server.recovery_instance_id and self.failure != "CLEANUP_FAIL":
            self._at(times.cleanup, self._clean_up, "previous recovery instance is terminated")
        self.data_time = after(self.job, times.snapshot)
        self._at(ends, self._end, "launch ends")

    def _write_script(self, times: LaunchTimes) -> float:
        """Log the phases up to the first that fails; seconds after the job's start at which the server is done."""
        snapshot_start, snapshot_end = ("SNAPSHOT_START", "SNAPSHOT_END")
        if self.pinned or not self.server.takes_snapshots:
            snapshot_start, snapshot_end = ("USING_PREVIOUS_SNAPSHOT", "")
        phases = (
            ("CLEANUP_START", "CLEANUP_END", "CLEANUP_FAIL", 0.0, times.cleanup),
            (snapshot_start, snapshot_end, "SNAPSHOT_FAIL", times.cleanup, times.snapshot),
            ("CONVERSION_START", "CONVERSION_END", "CONVERSION_FAIL", times.snapshot, times.conversion),
            ("LAUNCH_START", "", "LAUNCH_FAILED", times.conversion, times.launch),
        )
        for start, end, failed, begins, ends in phases:
            self._log(begins, start)
            reason = self._reason_to_fail(failed)
            if reason:
                self.failure = failed
                self._log(ends, failed, rawError=reason)
                return ends
            if end:
                self._log(ends, end)
        return times.launch

    def _reason_to_fail(self, failed: str) -> str | None:
        if failed == "LAUNCH_FAILED" and self.settings.fails_with is not None:
            return self.settings.fails_with
        if failed == "LAUNCH_FAILED" and (
            reason := recovery_instances.cannot_launch_into(
                self.backend.account_id, self.backend.region_name, self.server
            )
        ):
            return reason
        if failed == "SNAPSHOT_FAIL" and not (self.server.takes_snapshots or self.pinned or self.server.snapshots):
            return NOTHING_TO_LAUNCH_FROM
        if failed == "CLEANUP_FAIL" and self.server.recovery_instance_id is None:
            return None  # no instance to clean up, so no right is used
        if failed == "SNAPSHOT_FAIL" and (self.pinned or not self.server.takes_snapshots):
            return None  # no snapshot is taken
        return self._missing_right(failed)

    def _missing_right(self, failed: str) -> str | None:
        return missing_launch_right(failed, self.job.caller, self.server)

    def _clean_up(self) -> None:
        # That the clean-up of a launch spares the existing instance that it launches into is a guess [U].
        earlier = self.server.recovery_instance_id
        if earlier and earlier != self.server.into_instance_id:
            self.backend.forget_recovery_instance(earlier)

    def _end(self) -> None:
        if self.failure:
            self.participant.outcome = "FAILED"
        else:
            self._launch()
            self.participant.outcome = self.settings.launch_ends_as
        server_ended(self.job)

    def _launch(self) -> None:
        account, region = self.backend.account_id, self.backend.region_name
        if self.server.into_instance_id:
            machine = recovery_instances.launch_into(account, region, self.server)
        else:
            machine = recovery_instances.launch(account, region, self.server, self.job.job_id)
        self.participant.recovery_instance_id = machine.id
        self.backend.add_recovery_instance(
            RecoveryInstance(
                machine=machine,
                arn=self.backend.arn("recovery-instance", machine.id),
                job_id=self.job.job_id,
                source_server=self.server,
                is_drill=self.job.is_drill,
                point_in_time=self._data_from().taken_at,
                tags=dict(self.server.tags),
            )
        )
        self._boot(machine)

    def _data_from(self) -> Snapshot:
        if self.pinned:
            return self.pinned
        if self.server.takes_snapshots:
            return self.backend.add_snapshot(self.server.source_server_id, taken_at=self.data_time)
        return max(self.server.snapshots, key=lambda one: one.taken_at)

    def _boot(self, machine: Instance) -> None:
        ends_as = "stopped" if self.server.launch_disposition == "STOPPED" else self.settings.boot_ends_as
        if ends_as == "pending":
            return
        seconds = self.settings.boot_seconds
        if seconds is None:
            seconds = self.backend.timing.draw("boot", self.rng)
        current_clock().call_at(
            now() + timedelta(seconds=seconds),
            lambda: recovery_instances.become(machine, ends_as),
            f"drs: {machine.id} is {ends_as}",
        )

    def _log(self, seconds: float, event: str, **data: str) -> None:
        data = {"sourceServerID": self.server.source_server_id} | data
        self.job.log.append(JobLogItem(after(self.job, seconds), event, data))

    def _at(self, seconds: float, fn: Callable[[], None], what: str) -> None:
        name = f"drs: {self.job.job_id} {self.server.source_server_id} {what}"
        current_clock().call_at(after(self.job, seconds), fn, name)


class TerminateRun:
    """One recovery instance's way through a TERMINATE job."""

    def __init__(self, backend: JobBackend, job: Job, participant: ParticipatingServer) -> None:
        self.backend, self.job, self.participant = backend, job, participant
        self.failure = participant.settings.terminate_fails_with or missing_right(
            TERMINATE_RIGHTS, job.caller, participant.source_server
        )

    def begin(self) -> None:
        seconds = self.participant.settings.terminate_seconds
        if seconds is None:
            rng = self.backend.rng(f"terminate:{self.participant.recovery_instance_id}")
            seconds = self.backend.timing.draw("terminate", rng)
        else:
            seconds -= (self.job.starts_at - self.job.created_at).total_seconds()
        self.participant.in_progress_from = self.job.starts_at
        self._log(0, "CLEANUP_START")
        if self.failure:
            self._log(seconds, "CLEANUP_FAIL", rawError=self.failure)
        else:
            self._log(seconds, "CLEANUP_END")
        name = f"drs: {self.job.job_id} {self.participant.recovery_instance_id} terminate ends"
        current_clock().call_at(after(self.job, seconds), self._end, name)

    def _end(self) -> None:
        instance_id = self.participant.recovery_instance_id
        if self.failure:
            self.participant.outcome = "FAILED"
        else:
            self.participant.outcome = "TERMINATED"
            if instance_id:
                self.backend.forget_recovery_instance(instance_id)
        server_ended(self.job)

    def _log(self, seconds: float, event: str, **data: str) -> None:
        data = {"sourceServerID": self.participant.source_server.source_server_id} | data
        self.job.log.append(JobLogItem(after(self.job, seconds), event, data))
