"""The execution record for readers: one document, made of the items that `engine.core.document` has written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.core.document import Item, present
from engine.core.statuses import CLEAN_UP_TO_REPEAT, JOB_OVER, ServerStatus

_INTERNAL = ("ItemKey", "Version", "SaveId", "Run", "Deaths", "ExternalId", "Deferral", "ServersPerJob")
_SERVER_INTERNAL = ("LaunchUnconfirmed", "TerminationRequestTime")
# The status of a server by the status of its wave, if the wave never started; FAILED: its approval was refused.
_NEVER_LAUNCHED = {"SKIPPED": "SKIPPED", "CANCELLED": "CANCELLED", "FAILED": "SKIPPED"}


def assemble(header: Mapping[str, Any], parts: Mapping[int, list[Item]]) -> Item:
    """The document made of a header item and, by wave number, the part items in key order.

    Servers of a wave that never started are SKIPPED or CANCELLED with the reason of the wave.
    """
    waves = [_reader_wave(wave, parts.get(int(wave["WaveNumber"]), [])) for wave in header["Waves"]]
    errors = [*header["Errors"], *(error for wave in waves for error in _server_errors(wave))]
    warnings = [*header.get("Warnings", ()), *(warning for wave in waves for warning in _server_warnings(wave))]
    document = {name: value for name, value in header.items() if name not in _INTERNAL}
    document |= {"Warnings": warnings} if warnings else {}
    return {**document, "Waves": waves, "Errors": sorted(errors, key=lambda error: error["Time"])}


def keeps_instances(record: Mapping[str, Any]) -> bool:
    """Whether instances of this drill may run on, by its record: its plan keeps them, or its clean-up failed."""
    if record["ExecutionType"] != "DRILL" or record.get("CleanUp", {}).get("Status") not in CLEAN_UP_TO_REPEAT:
        return False
    return any(_may_have_instance(server) for wave in record["Waves"] for server in wave["ServerResults"])


def kept_instances(record: Mapping[str, Any]) -> list[str] | None:
    """The recovery instances that this drill keeps, by its record; None if a job may have launched others."""
    servers = [one for wave in record["Waves"] for one in wave["ServerResults"] if _may_have_instance(one)]
    known = [one.get("RecoveryInstanceId") or one.get("ExistingInstanceId") for one in servers]
    return None if None in known else [one for one in known if one is not None]


def _may_have_instance(server: Mapping[str, Any]) -> bool:
    # A resumed drill owns the instances of its predecessor, even those that it has not come to.
    known = "RecoveryInstanceId" in server or "ExistingInstanceId" in server
    launching = "DrsJobId" in server and server.get("JobStatus") not in JOB_OVER
    return (known or launching) and "TerminatedTime" not in server


def _reader_wave(wave: Mapping[str, Any], parts: list[Item]) -> Item:
    results = [
        {name: value for name, value in server.items() if name not in _SERVER_INTERNAL}
        for part in parts
        for server in part["ServerResults"]
    ]
    if wave["Status"] in _NEVER_LAUNCHED and "StartTime" not in wave:
        status = _NEVER_LAUNCHED[wave["Status"]]
        of_wave = present(Status=status, StatusReason=wave.get("StatusReason"))
        results = [{**server, **of_wave} for server in results]
    return {**wave, "ServerResults": results}


def _server_errors(wave: Mapping[str, Any]) -> Iterator[Item]:
    for server in wave["ServerResults"]:
        if server["Status"] == ServerStatus.FAILED and not server.get("Optional"):
            yield _server_note(wave, server, Message=server["ErrorMessage"], Time=server["EndTime"])
        elif "Lost" in server:
            yield _server_note(wave, server, Message=server["Lost"], Time=server["MissingSince"])


def _server_warnings(wave: Mapping[str, Any]) -> Iterator[Item]:
    for server in wave["ServerResults"]:
        if "Warning" in server:
            yield _server_note(wave, server, Message=server["Warning"])


def _server_note(wave: Mapping[str, Any], server: Mapping[str, Any], **note: Any) -> Item:
    return present(
        WaveNumber=wave["WaveNumber"],
        SourceServerId=server["SourceServerId"],
        HostName=server.get("HostName"),
        DrsJobId=server.get("DrsJobId"),
        **note,
    )
