"""Launches, jobs and recovery instances of DRS in the terms of the core: one method for each action."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from engine.aws.accounts import RoleNotAssumed
from engine.aws.caller import Refused, Unavailable
from engine.aws.source_servers import IDS_A_REQUEST, SourceServers
from engine.core.actions import ListedRecoveryInstance, StartRecovery
from engine.core.chunks import chunks
from engine.core.document import timestamp
from engine.core.drs_status import DrsJob
from engine.core.protection import ExistingInstance
from engine.core.state import read_time

TAG_EXECUTION = "drs-engine:ExecutionId"
TAG_WAVE = "drs-engine:Wave"
TAG_ATTEMPT = "drs-engine:Attempt"
TAG_LABEL = "drs-engine:Label"

# A limit of the DRS service model.
_JOBS_A_REQUEST = 1000
# The limit of DescribeInstanceStatus.
_INSTANCES_A_REQUEST = 100
# States of an EC2 instance, as DRS names them, in which the instance is already lost.
_GONE = {"SHUTTING-DOWN", "TERMINATED"}
# DRS does not find the instance; EC2 is asked, because DRS's list can lag behind.
_NOT_FOUND = "NOT_FOUND"
_EC2_GONE = {None, "shutting-down", "terminated"}
# The clocks of DRS and Lambda may differ, so a search for a job begins some minutes before its intent.
_CLOCK_MARGIN = timedelta(minutes=5)


class ServersBusy(Exception):
    """DRS cannot accept the request now: a server is in another job, or a quota is in use. The message is from DRS."""


class QuotaInUse(ServersBusy):
    """A DRS quota is in use; DRS can accept the request when other jobs have ended."""


class LaunchInDoubt(Exception):
    """It is unknown whether DRS took the launch, and a search for its job failed; the message has the reason."""


def intent_tags(execution_id: str, wave: int, attempt: int) -> dict[str, str]:
    """The tags of a launch, by which the engine finds its job if the answer is lost."""
    return {TAG_EXECUTION: execution_id, TAG_WAVE: str(wave), TAG_ATTEMPT: str(attempt)}


@dataclass(frozen=True)
class RecoveryService(SourceServers):
    """DRS and EC2 in one target account and Region. Recovery jobs get `label` as a tag unless it is empty."""

    label: str = ""

    def live_jobs(self, since: datetime) -> dict[str, str]:
        """The job in progress of each source server that has one, among the jobs since a time."""
        return {
            server["sourceServerID"]: item["jobID"]
            for page in self._pages("describe_jobs", self._call, filters={"fromDate": timestamp(since)})
            for item in page["items"]
            if item.get("status") != "COMPLETED"
            for server in item.get("participatingServers", [])
        }

    def start_recovery(self, execution_id: str, action: StartRecovery, since: datetime) -> DrsJob:
        """Launch the action's servers exactly once, even if the answer is lost.

        Before it repeats a request whose effect is unknown, the method searches for its job by tags. It also does so
        after a conflict, which this same launch may have caused. Raises ServersBusy, AskedToWait, RoleNotAssumed,
        Refused (DRS did not launch), Unavailable, LaunchInDoubt (DRS may have launched).
        """
        tags = intent_tags(execution_id, action.wave, action.attempt)
        label = {TAG_LABEL: self.label} if self.label else {}
        snapshots = dict(action.snapshots)
        servers = [
            {"sourceServerID": server} | ({"recoverySnapshotID": snapshots[server]} if server in snapshots else {})
            for server in action.source_server_ids
        ]
        in_doubt = repeated = False

        def attempt() -> DrsJob:
            nonlocal in_doubt, repeated
            if in_doubt and (job := self._find_in_doubt(tags, since)):
                return job
            if repeated:
                # The core looked right before the first request. A repetition comes seconds later.
                self._require_expected(action)
            repeated = True
            try:
                request = {"sourceServers": servers, "isDrill": action.is_drill, "tags": tags | label}
                return _job(self._once("drs", "start_recovery", **request)["job"])
            except Unavailable as error:
                in_doubt = in_doubt or error.may_have_worked
                raise
            except Refused as error:
                return self._adopt_or_raise(error, tags, since)

        try:
            return self.caller.retry(attempt)
        except (Refused, RoleNotAssumed) as error:
            if in_doubt and not getattr(error, "retry_after", 0):
                # This refusal does not show whether the earlier request, whose answer was lost, took effect.
                raise LaunchInDoubt(f"it is not known whether DRS took the launch: {error}") from error
            raise

    def _require_expected(self, action: StartRecovery) -> None:
        """Look again before a request is repeated. Raises ServersBusy if a server has an instance that it must not."""
        expected = dict(action.expected)
        # No retry here: the retry of the launch repeats the look as well.
        for server, found in self._real(self._listed(action.source_server_ids, self._once)).items():
            if found.recovery_instance_id != expected[server]:
                raise ServersBusy(f"{server} got recovery instance {found.recovery_instance_id} since the last look")

    def _find_in_doubt(self, tags: Mapping[str, str], since: datetime) -> DrsJob | None:
        """`find_job` for a launch that may exist: a refused search does not show that it does not exist."""
        try:
            # No retry here: the retry of the launch repeats the search as well.
            return self._find_job(tags, since, self._once)
        except Refused as error:
            raise Unavailable(error.operation, error.code, error.message, may_have_worked=True) from error

    def _adopt_or_raise(self, error: Refused, tags: Mapping[str, str], since: datetime) -> DrsJob:
        if error.code == "ConflictException":
            if job := self._find_in_doubt(tags, since):
                return job
            raise ServersBusy(error.message) from error
        if error.code == "ServiceQuotaExceededException":
            quota = error.response.get("quotaCode")
            raise QuotaInUse(f"{error.message} (quota {quota})" if quota else error.message) from error
        raise error

    def find_job(self, tags: Mapping[str, str], since: datetime) -> DrsJob | None:
        """The job with these tags that started after `since`, if it exists."""
        return self._find_job(tags, since, self._call)

    def _find_job(self, tags: Mapping[str, str], since: datetime, ask: Callable[..., Any]) -> DrsJob | None:
        filters = {"fromDate": timestamp(since - _CLOCK_MARGIN)}
        for page in self._pages("describe_jobs", ask, filters=filters):
            for item in page["items"]:
                if tags.items() <= item.get("tags", {}).items():
                    return _job(item)
        return None

    def jobs(self, ids: Sequence[str]) -> dict[str, DrsJob]:
        """These jobs by id, with as few DescribeJobs calls as possible."""
        return {job_id: _job(item) for job_id, item in self._job_items(ids).items()}

    def executions_of(self, job_ids: Sequence[str]) -> dict[str, str]:
        """The execution of each of these jobs that has one, by job id."""
        tags = {job_id: item.get("tags", {}) for job_id, item in self._job_items(job_ids).items()}
        return {job_id: of_job[TAG_EXECUTION] for job_id, of_job in tags.items() if TAG_EXECUTION in of_job}

    def _job_items(self, ids: Sequence[str]) -> dict[str, Any]:
        return {
            item["jobID"]: item
            for chunk in chunks(ids, _JOBS_A_REQUEST)
            for page in self._pages("describe_jobs", self._call, filters={"jobIDs": chunk})
            for item in page["items"]
        }

    def recovered(self, source_server_ids: Sequence[str], kept: Collection[str] = ()) -> dict[str, ExistingInstance]:
        """The recovery instances of these servers that no drill launched, by source server id.

        `kept`: the ids of drill instances that count as well.
        """
        return self._real(self._listed(source_server_ids, self._call), kept)

    def recovered_and_drilled(
        self, source_server_ids: Sequence[str]
    ) -> tuple[dict[str, ExistingInstance], list[ExistingInstance]]:
        """As `recovered`, and the present instances of drills, from the same look."""
        listed = self._listed(source_server_ids, self._call)
        gone = {*_GONE, _NOT_FOUND}
        drilled = [one for one in listed if one.get("isDrill") is True and one.get("ec2InstanceState") not in gone]
        return self._real(listed), [_existing(one) for one in drilled]

    def _listed(self, source_server_ids: Sequence[str], ask: Callable[..., Any]) -> list[Mapping[str, Any]]:
        return [
            item
            for chunk in chunks(source_server_ids, IDS_A_REQUEST)
            for page in self._pages("describe_recovery_instances", ask, filters={"sourceServerIDs": chunk})
            for item in page["items"]
        ]

    def _real(self, listed: Sequence[Mapping[str, Any]], kept: Collection[str] = ()) -> dict[str, ExistingInstance]:
        found = [
            _existing(item)
            for item in listed
            # Whatever DRS does not call a drill may be production.
            if (item.get("isDrill") is not True or item["recoveryInstanceID"] in kept)
            and item.get("ec2InstanceState") not in _GONE
        ]
        unlisted = [one for one in found if one.state == _NOT_FOUND]
        running = self.instance_states([one.ec2_instance_id for one in unlisted if one.ec2_instance_id])
        lost = {one.recovery_instance_id for one in unlisted if running.get(one.ec2_instance_id or "") in _EC2_GONE}
        return {one.source_server_id: one for one in found if one.recovery_instance_id not in lost}

    def described(self, existing: Mapping[str, ExistingInstance]) -> dict[str, ExistingInstance]:
        """The same instances with host name, launch time and execution, for a message to an operator."""
        jobs = self._job_items(sorted({one.job_id for one in existing.values() if one.job_id}))
        names = self.host_names(sorted(existing))
        return {
            server: replace(
                one,
                host_name=names.get(server),
                launch_time=_time(jobs.get(one.job_id or "", {}), "creationDateTime"),
                execution_id=jobs.get(one.job_id or "", {}).get("tags", {}).get(TAG_EXECUTION),
            )
            for server, one in existing.items()
        }

    def launch_failures(self, job_id: str) -> dict[str, str]:
        """The reason from DRS for each failed launch of the job, by source server id."""
        reasons: dict[str, str] = {}
        for page in self._pages("describe_job_log_items", self._call, jobID=job_id):
            for item in page["items"]:
                data = item.get("eventData", {})
                if data.get("rawError") and data.get("sourceServerID"):
                    reasons[data["sourceServerID"]] = data["rawError"]
        return reasons

    def recovery_instances(self, ids: Sequence[str]) -> dict[str, ListedRecoveryInstance]:
        """These recovery instances by id; an instance that DRS does not list is absent."""
        items = [
            item
            for chunk in chunks(ids, IDS_A_REQUEST)
            for page in self._pages("describe_recovery_instances", self._call, filters={"recoveryInstanceIDs": chunk})
            for item in page["items"]
        ]
        lost = self._terminated(items)
        return {
            item["recoveryInstanceID"]: ListedRecoveryInstance(
                recovery_instance_id=item["recoveryInstanceID"],
                ec2_instance_id=item.get("ec2InstanceID"),
                snapshot_time=_time(item, "pointInTimeSnapshotDateTime"),
                terminated=item["recoveryInstanceID"] in lost,
            )
            for item in items
        }

    def _terminated(self, items: Sequence[Mapping[str, Any]]) -> set[str]:
        """The recovery instances that DRS still lists, although they were terminated outside of DRS."""
        states = {one["recoveryInstanceID"]: one.get("ec2InstanceState") for one in items}
        ec2_ids = {one["recoveryInstanceID"]: one.get("ec2InstanceID", "") for one in items}
        unlisted = [ec2_ids[one] for one, state in states.items() if state == _NOT_FOUND and ec2_ids[one]]
        running = self.instance_states(unlisted)
        return {
            one
            for one, state in states.items()
            if state == "TERMINATED" or (state == _NOT_FOUND and running.get(ec2_ids[one]) in _EC2_GONE)
        }

    def listed_states(self, ids: Sequence[str]) -> dict[str, str]:
        """The EC2 states that DRS lists for these recovery instances, in EC2's spelling; unlisted ones are absent."""
        return {
            item["recoveryInstanceID"]: item.get("ec2InstanceState", "").lower()
            for chunk in chunks(ids, IDS_A_REQUEST)
            for page in self._pages("describe_recovery_instances", self._call, filters={"recoveryInstanceIDs": chunk})
            for item in page["items"]
        }

    def newest_instances(self, source_server_ids: Sequence[str]) -> dict[str, ExistingInstance]:
        """The recovery instance that each server has now, drill or not; a server without one is absent."""
        return {
            item["sourceServerID"]: _existing(item)
            for chunk in chunks(source_server_ids, IDS_A_REQUEST)
            for page in self._pages("describe_recovery_instances", self._call, filters={"sourceServerIDs": chunk})
            for item in page["items"]
            if item.get("ec2InstanceState") not in _GONE
        }

    def terminate(self, ids: Sequence[str]) -> str:
        """Terminate recovery instances; returns the id of the job. Raises ServersBusy.

        AWS does not document the answer for an instance that is unknown to DRS or already terminated. One such instance
        makes DRS refuse the whole request. So each refusal but a denial is "not now": the core checks which instances
        are left, and requests them again one by one.
        """
        try:
            response = self._call("drs", "terminate_recovery_instances", recoveryInstanceIDs=list(ids))
        except Refused as error:
            if error.denied:
                raise
            raise ServersBusy(error.message or error.code) from error
        return str(response["job"]["jobID"])

    def find_terminations(self, source_server_ids: Sequence[str], since: datetime) -> dict[str, str]:
        """The newest TERMINATE job of each source server since `since`; a server without one is absent."""
        found: dict[str, str] = {}
        for page in self._pages("describe_jobs", self._call, filters={"fromDate": timestamp(since - _CLOCK_MARGIN)}):
            for item in page["items"]:
                if item.get("type") == "TERMINATE":
                    for server in item.get("participatingServers", []):
                        found.setdefault(server["sourceServerID"], item["jobID"])
        return {server_id: found[server_id] for server_id in source_server_ids if server_id in found}

    def instance_states(self, ids: Sequence[str]) -> dict[str, str]:
        """EC2 instance state names by instance id; instances unknown to EC2 are absent."""
        states: dict[str, str] = {}
        for chunk in chunks(ids, _INSTANCES_A_REQUEST):
            states.update(self._states(chunk))
        return states

    def _states(self, ids: list[str]) -> dict[str, str]:
        try:
            response = self._call("ec2", "describe_instance_status", InstanceIds=ids, IncludeAllInstances=True)
        except Refused as error:
            if error.code != "InvalidInstanceID.NotFound":
                raise
            if len(ids) == 1:
                return {}
            # EC2 refuses the whole request because of one unknown id, so each id gets a request.
            return {key: state for one in ids for key, state in self._states([one]).items()}
        return {status["InstanceId"]: status["InstanceState"]["Name"] for status in response["InstanceStatuses"]}


def _job(item: Mapping[str, Any]) -> DrsJob:
    servers = item.get("participatingServers", [])
    return DrsJob(
        job_id=item["jobID"],
        status=item.get("status", ""),
        launch_statuses={s["sourceServerID"]: s["launchStatus"] for s in servers if "launchStatus" in s},
        recovery_instances={s["sourceServerID"]: s["recoveryInstanceID"] for s in servers if "recoveryInstanceID" in s},
        created=read_time(item.get("creationDateTime")),
    )


def _existing(item: Mapping[str, Any]) -> ExistingInstance:
    return ExistingInstance(
        source_server_id=item["sourceServerID"],
        recovery_instance_id=item["recoveryInstanceID"],
        ec2_instance_id=item.get("ec2InstanceID"),
        state=item.get("ec2InstanceState"),
        job_id=item.get("jobID"),
        snapshot_time=_time(item, "pointInTimeSnapshotDateTime"),
    )


def _time(item: Mapping[str, Any], name: str) -> str | None:
    """A time of DRS in the form of the record; None if it is absent or unreadable.

    DRS answers with microseconds and an offset: 2024-09-16T01:35:52.887333+00:00 (field reports of 2024).
    """
    found = read_time(item.get(name))
    return timestamp(found) if found else None
