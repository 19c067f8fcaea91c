"""Starts and stops the server: the socket, the simulator, its environments, and the thread that accepts requests."""

from __future__ import annotations

import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from werkzeug.http import http_date
from werkzeug.serving import WSGIRequestHandler, make_server

from simulator import environment_files
from simulator.environment_files import DrsEnvironment
from simulator.gateway import identity
from simulator.gateway.differences import Difference
from simulator.serving.application import Application
from simulator.serving.control import Control, time_mode_of
from simulator.serving.remote import CONTROL_PATH
from simulator.serving.time_mode import Driver
from simulator.simulator import Simulator
from simulator.time.clock import real_now

USER = "operator"


class AddressUnavailable(OSError):
    """The server cannot listen on the address; the message names it and the reason."""


@dataclass(frozen=True)
class ServerInfo:
    """The facts that a client needs. The keys are the long-term keys of an administrator."""

    endpoint: str
    account: str
    region: str
    access_key: str
    secret_key: str
    environments: list[DrsEnvironment]
    time_mode: str

    @property
    def control(self) -> str:
        return f"{self.endpoint}{CONTROL_PATH}"


class _Handler(WSGIRequestHandler):
    """Does not log requests, which the call journal holds. Its responses carry the real time.

    An SDK corrects its clock by the Date header, and repeats a request whose error arrives with another time.
    """

    def log(self, type: str, message: str, *args: Any) -> None: ...

    def date_time_string(self, timestamp: float | None = None) -> str:
        return http_date(real_now().timestamp() if timestamp is None else timestamp)


def listen(host: str, port: int) -> socket.socket:
    """Raises AddressUnavailable."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as problem:
        raise AddressUnavailable(f"cannot listen on {host}:{port}: {problem.strerror or problem}") from problem


def serve(
    listener: socket.socket,
    environments: list[DrsEnvironment],
    time_mode: object,
    ready: Callable[[ServerInfo], None],
    *,
    until: Callable[[Callable[[], None]], None] = lambda stop: None,
) -> None:
    """Serves until SIGINT or SIGTERM. `control.time_mode_of` reads `time_mode`; `until` receives the stop function."""
    host, port = listener.getsockname()[:2]
    endpoint = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    # Created before the simulator blocks the network.
    http = make_server(host, port, _nobody, threaded=True, request_handler=_Handler, fd=listener.fileno())
    listener.close()
    # Clients compare the expiry of credentials with their own clock, so virtual time starts at the real time.
    start = datetime.now(UTC).replace(microsecond=0)
    first = environments[0]
    try:
        with Simulator(start=start, account=first.account, region=first.region) as aws:
            for one in environments:
                environment_files.apply_environment(aws, one)
            keys = identity.user_credentials(first.account, first.region, USER)
            driver = Driver(aws.clock, time_mode_of(time_mode, aws.clock), lambda error: control.report(error))
            served = ServerInfo(
                endpoint,
                first.account,
                first.region,
                keys.access_key,
                keys.secret_key,
                environments,
                driver.time_mode.name,
            )
            about = {"endpoint": endpoint, "account": first.account, "region": first.region}
            control = Control(aws, driver, about)
            aws.differences.on_first = _print_difference
            http.app = Application(aws, control, f"Set AWS_ENDPOINT_URL={endpoint} for an AWS client.")
            with _stopping_on_signals(driver), _accepting(http):
                until(driver.stop)
                ready(served)
                driver.run()
    finally:
        http.server_close()


def _print_difference(difference: Difference) -> None:
    print(f"difference from AWS: {difference}", file=sys.__stderr__, flush=True)


def _nobody(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """A placeholder until the simulator is entered; the server accepts no request before."""
    raise AssertionError


@contextmanager
def _stopping_on_signals(driver: Driver) -> Iterator[None]:
    before = {one: signal.signal(one, lambda *_: driver.stop()) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


@contextmanager
def _accepting(http: Any) -> Iterator[None]:
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, name="accepting", daemon=True)
    thread.start()
    try:
        yield
    finally:
        http.shutdown()
        thread.join(timeout=5)
