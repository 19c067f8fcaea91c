"""A server's initial state as a document: accounts, Regions, and their DRS source servers.

{"Environments": [{"AccountId": "111122223333", "Region": "us-east-1", "Initialized": true,
                   "SourceServers": [{"SourceServerId": "s-…", "HostName": "database-1",
                                      "ReplicationState": "CONTINUOUS", "OperatingSystem": "…",
                                      "Tags": {"Tier": "database"}, "SnapshotAgeHours": [1, 25],
                                      "LaunchFailsWith": "no capacity"}]}]}
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from simulator.simulator import Simulator

_SERVER_KEYS = {"SourceServerId", "HostName", "ReplicationState", "OperatingSystem", "LaunchSeconds", "Tags"} | {
    "SnapshotAgeHours",
    "LaunchFailsWith",
}
_KEYS = {"AccountId", "Region", "Initialized", "SourceServers"}
_ACCOUNT, _REGION, _SERVER = r"\d{12}", r"[a-z]{2}(-[a-z]+)+-\d", r"s-[0-9a-zA-Z]{17}"


class InvalidEnvironment(ValueError):
    """The document is invalid; the message names the file, the place and the mistake."""


@dataclass(frozen=True)
class DrsServer:
    server_id: str
    host_name: str
    replication_state: str = "CONTINUOUS"
    operating_system: str | None = None
    launch_seconds: float | None = None
    tags: dict[str, str] = field(default_factory=dict)
    snapshot_age_hours: list[float] = field(default_factory=list)
    launch_fails_with: str | None = None


@dataclass(frozen=True)
class DrsEnvironment:
    """DRS in one account and Region."""

    account: str
    region: str
    initialized: bool = True
    servers: list[DrsServer] = field(default_factory=list)


def read(path: Path) -> list[DrsEnvironment]:
    """The environments of a file. Raises InvalidEnvironment."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise InvalidEnvironment(f"{path}: {problem.strerror}") from problem
    except ValueError as problem:
        raise InvalidEnvironment(f"{path}: not JSON: {problem}") from problem
    entries = document.get("Environments") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries:
        raise InvalidEnvironment(f'{path}: must be {{"Environments": [...]}} with at least one environment')
    return [parse(entry, f"{path}: environment {number}") for number, entry in enumerate(entries, 1)]


def in_account(environments: list[DrsEnvironment], account: str) -> list[DrsEnvironment]:
    """The same environments with the id of the first account replaced. Raises InvalidEnvironment."""
    if not re.fullmatch(_ACCOUNT, account):
        raise InvalidEnvironment(f"account {account!r}: an account id has 12 digits")
    first = environments[0].account
    return [replace(one, account=account) if one.account == first else one for one in environments]


def parse(document: Any, place: str) -> DrsEnvironment:
    """One environment. Raises InvalidEnvironment."""
    _require(isinstance(document, dict), f"{place}: must be an object")
    _known(document, _KEYS, place)
    account, region = document.get("AccountId"), document.get("Region")
    _require(re.fullmatch(_ACCOUNT, str(account)), f"{place}: AccountId {account!r} must have 12 digits")
    _require(
        re.fullmatch(_REGION, str(region)), f"{place}: Region {region!r} is not the name of a Region, such as us-east-1"
    )
    servers = document.get("SourceServers", [])
    _require(isinstance(servers, list), f"{place}: SourceServers must be a list")
    return DrsEnvironment(
        str(account),
        str(region),
        bool(document.get("Initialized", True)),
        [_server(one, f"{place}, server {number}") for number, one in enumerate(servers, 1)],
    )


def _server(document: Any, place: str) -> DrsServer:
    _require(isinstance(document, dict), f"{place}: must be an object")
    _known(document, _SERVER_KEYS, place)
    server_id = str(document.get("SourceServerId"))
    _require(re.fullmatch(_SERVER, server_id), f"{place}: SourceServerId {server_id!r} must be s- and 17 characters")
    tags = document.get("Tags", {})
    texts = isinstance(tags, dict) and all(isinstance(one, str) for one in tags.values())
    _require(texts, f"{place}: Tags must be an object of texts")
    ages, failure = document.get("SnapshotAgeHours", []), document.get("LaunchFailsWith")
    numbers = isinstance(ages, list) and all(type(one) in (int, float) and one >= 0 for one in ages)
    _require(numbers, f"{place}: SnapshotAgeHours must be a list of numbers of hours")
    _require(failure is None or isinstance(failure, str), f"{place}: LaunchFailsWith must be a text")
    return DrsServer(
        server_id,
        str(document.get("HostName", f"host-{server_id[-4:]}")),
        str(document.get("ReplicationState", "CONTINUOUS")),
        document.get("OperatingSystem"),
        document.get("LaunchSeconds"),
        tags,
        ages,
        failure,
    )


def _known(document: dict[str, Any], keys: set[str], place: str) -> None:
    unknown = sorted(set(document) - keys)
    _require(not unknown, f"{place}: unknown {', '.join(unknown)}; known are {', '.join(sorted(keys))}")


def _require(holds: object, message: str) -> None:
    if not holds:
        raise InvalidEnvironment(message)


def apply_environment(aws: Simulator, environment: DrsEnvironment) -> None:
    """Adds the environment to the simulator. Replaces servers that already exist."""
    drs = aws.drs_in(environment.account, environment.region)
    if environment.initialized:
        drs.initialize()
    else:
        drs.uninitialize()
    for one in environment.servers:
        drs.add_source_server(
            one.server_id, hostname=one.host_name, replication_state=one.replication_state, tags=one.tags
        )
        if one.operating_system:
            drs.set_operating_system(one.server_id, one.operating_system)
        if one.launch_seconds is not None:
            drs.set_launch(one.server_id, launch_seconds=one.launch_seconds)
        if one.launch_fails_with is not None:
            drs.set_launch(one.server_id, fails_with=one.launch_fails_with)
        for hours in one.snapshot_age_hours:
            drs.add_snapshot(one.server_id, taken_at=aws.clock.now() - timedelta(hours=hours))
