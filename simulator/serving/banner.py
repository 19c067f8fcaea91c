"""The message of a server that is ready: text for people, facts for programs."""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console

from simulator.serving.server import ServerInfo


def facts(served: ServerInfo) -> dict[str, str]:
    return {
        "endpoint": served.endpoint,
        "account": served.account,
        "region": served.region,
        "access_key_id": served.access_key,
        "secret_access_key": served.secret_key,
        "control": served.control,
    }


def variables(served: ServerInfo) -> dict[str, str]:
    """The environment variables with which an AWS client uses the server."""
    return {
        "AWS_ENDPOINT_URL": served.endpoint,
        "AWS_ACCESS_KEY_ID": served.access_key,
        "AWS_SECRET_ACCESS_KEY": served.secret_key,
        "AWS_SESSION_TOKEN": "",  # a token in the user's environment does not belong to these keys
        "AWS_REGION": served.region,
        "AWS_DEFAULT_REGION": served.region,
    }


def show(console: Console, served: ServerInfo) -> None:
    console.print(f"Simulated AWS at [bold]{served.endpoint}[/] is ready. Ctrl-C stops it.\n")
    for one in served.environments:
        count = len(one.servers)
        drs = f"DRS with {count} source server{'s' * (count != 1)}" if one.initialized else "DRS not initialised"
        console.print(f"In account {one.account}, {one.region}: {drs}")
        width = max((len(server.host_name) for server in one.servers), default=0)
        for server in one.servers:
            console.print(f"  {server.server_id}  {server.host_name:<{width}}  {server.replication_state}")
    console.print(f"Time: {served.time_mode}\n")
    console.print("In another terminal (the keys are valid for this server only):\n")
    for name, value in variables(served).items():
        console.print(f"  export {name}={value}")
    console.print("  aws drs describe-source-servers --query 'items[].sourceServerID'\n")
    console.print(f"Faults, clock and call journal for tests: {served.control}")
    address: Any = ipaddress.ip_address(urlsplit(served.endpoint).hostname or "")
    if not address.is_loopback:
        console.print("[bold yellow]Other machines can reach this address. The server checks keys but has no TLS.[/]")
