"""The control of a served simulator, for a test in another process. Uses the standard library only."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlencode, urlsplit

CONTROL_PATH = "/_simulator"
"""The control answers below this path, which no AWS client requests."""
_READ_SECONDS = 600.0


class ControlRefused(RuntimeError):
    """The server refused the request; the message is the server's."""


class RemoteSimulator:
    """`endpoint` is the value of AWS_ENDPOINT_URL. Methods raise OSError when no server answers there."""

    def __init__(self, endpoint: str) -> None:
        self._address = urlsplit(endpoint).netloc
        self._holding: http.client.HTTPConnection | None = None
        self._held: http.client.HTTPResponse | None = None

    def about(self) -> dict[str, Any]:
        """Endpoint, account, Region, virtual time and time mode."""
        return dict(self._ask("GET", ""))

    def set_time_mode(self, time_mode: str | float) -> None:
        """ "stepped", "virtual" or a speed in virtual seconds a real second."""
        self._ask("POST", "clock", {"pace": time_mode})

    def hold(self) -> None:
        """Time moves only with calls, `advance` and `next_event`, until `release` or the end of this process."""
        self._holding = http.client.HTTPConnection(self._address, timeout=_READ_SECONDS)
        self._holding.request("POST", f"{CONTROL_PATH}/hold", "{}", {"Content-Type": "application/json"})
        self._held = self._holding.getresponse()
        self._held.readline()

    def release(self) -> None:
        """Restores the time mode from before `hold`."""
        if self._held is not None and self._holding is not None:
            self._held.close()
            self._holding.close()
            self._held = self._holding = None

    def advance(self, seconds: float) -> None:
        self._ask("POST", "advance", {"seconds": seconds})

    def next_event(self, seconds: float, settle: float = 1.0) -> dict[str, Any]:
        """On to the next change, at most `seconds` of virtual time away: {"now", "changed", "seconds", …}."""
        return dict(self._ask("POST", "next-event", {"seconds": seconds, "settle": settle}))

    def add_fault(self, kind: str, service: str = "*", operation: str = "*", **fields: Any) -> None:
        """The fields of `simulator.Fault`, see docs/simulator.md. Raises ControlRefused for an invalid one."""
        self._ask("POST", "faults", {"kind": kind, "service": service, "operation": operation, **fields})

    def heal(self) -> None:
        """Removes all faults."""
        self._ask("DELETE", "faults")

    def journal(self, since: int = 0) -> list[dict[str, Any]]:
        """The calls after number `since`, as `JournalEntry.to_dict` writes them."""
        calls: list[dict[str, Any]] = self._ask("GET", f"journal?{urlencode({'since': since})}")["calls"]
        return calls

    def defects(self) -> list[str]:
        """Errors of the simulator itself."""
        return list(self._ask("GET", "defects"))

    def differences(self) -> list[dict[str, Any]]:
        """Answers that differ from AWS, and operations that are not offered, as `Difference`."""
        return list(self._ask("GET", "differences"))

    def add_environment(self, environment: dict[str, Any]) -> None:
        """One environment, as in testdata/environments."""
        self._ask("POST", "world", environment)

    def _ask(self, method: str, path: str, document: dict[str, Any] | None = None) -> Any:
        connection = http.client.HTTPConnection(self._address, timeout=_READ_SECONDS)
        try:
            body = None if document is None else json.dumps(document)
            connection.request(method, f"{CONTROL_PATH}/{path}".rstrip("/"), body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status != 200:
            raise ControlRefused(text.strip())
        return json.loads(text)
