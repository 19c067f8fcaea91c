"""A pytest plugin that runs moto's own tests against the served simulator.

moto's tests have a mode for a server. Here each `mock_aws` gets a server of its own: a fork of this process, which has
imported the simulator, on a free port.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import moto.core.decorator
import requests
from moto import settings
from moto.core.models import ServerModeMockAWS
from moto.iam.models import iam_backends

from simulator.environment_files import DrsEnvironment
from simulator.serving import server

ACCOUNT, REGION = "123456789012", "us-east-1"
# The credentials of moto's tests.
_KEYS = "FOOBARKEY", "FOOBARSECRET"


class _Servers:
    """A process that has imported the simulator and forks a server for each line that it reads.

    It is forked before any test runs, so that no test's frozen time and no patch of moto reaches a server.
    """

    endpoint = ""

    def __init__(self) -> None:
        requests, self._requests = os.pipe()
        self._answers, answers = os.pipe()
        if os.fork() == 0:
            os.close(self._requests)  # so that the end of the tests ends this process
            _fork_servers(requests, answers)
        os.close(requests)
        os.close(answers)

    def start(self) -> int:
        """The process of a new server at `endpoint`."""
        os.write(self._requests, b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            answer += os.read(self._answers, 200)
        process, endpoint = answer.decode().split()
        _Servers.endpoint = endpoint
        return int(process)


def _fork_servers(requests: int, answers: int) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the servers end by SIGKILL, and no caller waits for them
    silent = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(silent, descriptor)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    while os.read(requests, 1):
        if os.fork() == 0:
            os.close(requests)
            _serve(answers)
            break
    os._exit(0)


def _serve(answers: int) -> None:
    def ready(served: server.ServerInfo) -> None:
        keys = iam_backends[ACCOUNT]["aws"].access_keys
        key = keys[served.access_key]
        key.access_key_id, key.secret_access_key = _KEYS
        keys[_KEYS[0]] = key
        os.write(answers, f"{os.getpid()} {served.endpoint}\n".encode())

    environment = DrsEnvironment(ACCOUNT, REGION, initialized=False)
    server.serve(server.listen("127.0.0.1", 0), [environment], 1.0, ready)  # the tests sleep in real time


class ServedMock(ServerModeMockAWS):  # type: ignore[misc]  # moto publishes no types
    """`mock_aws` of moto's tests: a use that resets AWS gets a new server, another one the server of the last use."""

    servers: _Servers
    process: int | None = None

    def reset(self) -> None: ...

    def _enable_patching(self, reset: bool = True) -> None:
        if reset or ServedMock.process is None:
            self._end()
            ServedMock.process = self.servers.start()
        self._test_server_mode_endpoint = _Servers.endpoint
        super()._enable_patching(reset=False)

    def _disable_patching(self, remove_data: bool) -> None:
        super()._disable_patching(remove_data=False)
        if remove_data:
            self._end()

    def _end(self) -> None:
        if ServedMock.process is not None:
            os.kill(ServedMock.process, signal.SIGKILL)
            ServedMock.process = None


_request = requests.Session.request


def _requested(session: requests.Session, method: str, url: str, *rest: Any, **more: Any) -> requests.Response:
    """moto's tests know the usual port of its server, and configure that server below /moto-api."""
    if "/moto-api/" in url:
        answer = requests.Response()
        answer.status_code = 201
        return answer
    return _request(session, method, url.replace("http://localhost:5000", _Servers.endpoint), *rest, **more)


def pytest_configure(config: Any) -> None:
    folder = Path(config.rootpath)
    assert (folder / "tests" / "test_sts").is_dir(), f"{folder} holds no tests of moto"
    ServedMock.servers = _Servers()
    settings.TEST_SERVER_MODE, settings.TEST_DECORATOR_MODE = True, False
    settings.test_server_mode_endpoint = lambda: _Servers.endpoint
    moto.core.decorator.ServerModeMockAWS = ServedMock
    requests.Session.request = _requested  # type: ignore[assignment]  # takes what the real one takes
