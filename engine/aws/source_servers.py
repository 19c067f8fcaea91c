"""Source servers of DRS with their snapshots and launch settings, in the terms of the core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.aws.target_calls import TargetCalls
from engine.core.chunks import chunks
from engine.core.document import timestamp
from engine.core.readiness import LaunchSettings, Snapshot, SourceServer
from engine.core.state import read_time

# A limit of the DRS service model: ids of source servers or recovery instances.
IDS_A_REQUEST = 200
# DRS launches into instances with this tag only (DRS user guide, "Launch into source instance").
LAUNCH_INTO_TAG, LAUNCH_INTO_VALUE = "AWSDRS", "AllowLaunchingIntoThisInstance"


@dataclass(frozen=True)
class SourceServers(TargetCalls):
    """The source servers of one target account and Region."""

    def host_names(self, ids: Sequence[str]) -> dict[str, str | None]:
        """The host name of each source server among `ids` that exists in DRS; None if DRS does not know the name."""
        return {server: found.host_name for server, found in self.source_servers(ids).items()}

    def source_servers(self, ids: Sequence[str]) -> dict[str, SourceServer]:
        """Each source server among `ids` that exists in DRS, by its id."""
        found = [
            _source_server(item)
            for chunk in chunks(ids, IDS_A_REQUEST)
            for page in self._pages("describe_source_servers", self._call, filters={"sourceServerIDs": chunk})
            for item in page["items"]
        ]
        return {server.source_server_id: server for server in found}

    def all_source_servers(self) -> list[SourceServer]:
        """All source servers of the account and Region; DRS has no filter for their tags."""
        return [
            _source_server(item)
            for page in self._pages("describe_source_servers", self._call)
            for item in page["items"]
        ]

    def newest_snapshot(self, source_server_id: str, not_after: datetime | None = None) -> Snapshot | None:
        """The newest point-in-time snapshot of the server that is not after a time; None without one."""
        filters = {"filters": {"toDateTime": timestamp(not_after)}} if not_after else {}
        pages = self._pages(
            "describe_recovery_snapshots", self._call, sourceServerID=source_server_id, order="DESC", **filters
        )
        for page in pages:
            for item in page["items"]:
                # `timestamp` is absent while DRS still takes the snapshot.
                taken = read_time(item.get("timestamp"))
                if taken is not None and (not_after is None or taken <= not_after):
                    return Snapshot(item["snapshotID"], taken)
        return None

    def has_snapshot(self, source_server_id: str, snapshot_id: str) -> bool:
        pages = self._pages("describe_recovery_snapshots", self._call, sourceServerID=source_server_id, order="DESC")
        return any(item["snapshotID"] == snapshot_id for page in pages for item in page["items"])

    def launch_settings(self, source_server_id: str) -> LaunchSettings:
        """What the launch configuration of the server says about a launch."""
        found = self._call("drs", "get_launch_configuration", sourceServerID=source_server_id)
        into = found.get("launchIntoInstanceProperties", {}).get("launchIntoEC2InstanceID")
        return LaunchSettings(stopped=found.get("launchDisposition") == "STOPPED", into_instance=into or None)

    def launch_targets(self, ids: Sequence[str] = ()) -> set[str]:
        """The EC2 instances that DRS may launch into, by the tag of their owner; among `ids`, if any are given."""
        tagged = {"Name": f"tag:{LAUNCH_INTO_TAG}", "Values": [LAUNCH_INTO_VALUE]}
        # A filter of ids, unlike a list of them, ignores instances that EC2 does not know any more.
        filters = [
            [tagged] + ([{"Name": "instance-id", "Values": chunk}] if chunk else [])
            for chunk in (chunks(ids, IDS_A_REQUEST) if ids else [[]])
        ]
        found: set[str] = set()
        for wanted in filters:
            token: dict[str, str] = {}
            while True:
                page = self._call("ec2", "describe_instances", Filters=wanted, **token)
                found |= {one["InstanceId"] for part in page["Reservations"] for one in part["Instances"]}
                if not page.get("NextToken"):
                    break
                token = {"NextToken": page["NextToken"]}
        return found


def _source_server(item: Mapping[str, Any]) -> SourceServer:
    replication = item.get("dataReplicationInfo", {})
    return SourceServer(
        source_server_id=item["sourceServerID"],
        host_name=item.get("sourceProperties", {}).get("identificationHints", {}).get("hostname"),
        replication_state=replication.get("dataReplicationState"),
        lag=replication.get("lagDuration"),
        recommended_type=item.get("sourceProperties", {}).get("recommendedInstanceType"),
        tags=item.get("tags", {}),
    )
