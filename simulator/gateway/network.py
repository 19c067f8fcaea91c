"""The socket guard: refuses and records every connection attempt."""

from __future__ import annotations

import socket
import traceback
from dataclasses import dataclass
from typing import Any

from simulator.patches.patching import Patch

_LOOPBACK = ("127.", "::1", "localhost")


class NetworkRefused(ConnectionRefusedError):
    """Code inside the simulator tried to open a connection."""


@dataclass(frozen=True)
class ConnectionAttempt:
    """`address` as given to the socket; `stack` is the caller's stack, innermost frame last."""

    address: str
    stack: str


class SocketGuard:
    """Refuses and records connections and name look-ups, loopback included unless `allow_loopback`."""

    def __init__(self, *, allow_loopback: bool = False) -> None:
        self.attempts: list[ConnectionAttempt] = []
        self._allow_loopback = allow_loopback

    def _permits(self, host: str) -> bool:
        return self._allow_loopback and host.startswith(_LOOPBACK)

    def _refuse(self, address: str) -> NetworkRefused:
        self.attempts.append(ConnectionAttempt(address, "".join(traceback.format_stack(limit=8)[:-2])))
        return NetworkRefused(f"the simulator has no network: connection to {address} refused")

    def patches(self) -> list[Patch]:
        connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

        def guarded(original: Any) -> Any:
            def call(sock: socket.socket, address: Any) -> Any:
                if sock.family == socket.AF_UNIX or self._permits(str(address[0])):
                    return original(sock, address)
                raise self._refuse(":".join(str(part) for part in address[:2]))

            return call

        def look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
            if host is None or self._permits(str(host)):
                return getaddrinfo(host, *args, **kwargs)
            raise self._refuse(f"{host} (name look-up)")

        reason = "no call may leave the machine; the record of attempts is the evidence"
        return [
            Patch(socket.socket, "connect", guarded(connect), reason),
            Patch(socket.socket, "connect_ex", guarded(connect_ex), reason),
            Patch(socket, "getaddrinfo", look_up, reason),
        ]
