"""A served simulator for tests: started in a process of its own, on a free port, and ended with the test."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from simulator.serving import RemoteSimulator

ROOT = Path(__file__).parent.parent
ONCE = {"retries": {"total_max_attempts": 1}, "connect_timeout": 5, "read_timeout": 20}


class SimulatorServer:
    def __init__(self, process: subprocess.Popen[str], facts: dict[str, str]) -> None:
        self.process = process
        self.facts = facts
        self.endpoint = facts["endpoint"]
        self.control = RemoteSimulator(self.endpoint)
        self._clients: dict[tuple[Any, ...], Any] = {}

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a client in another process."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.facts["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": self.facts["secret_access_key"],
            "AWS_DEFAULT_REGION": self.facts["region"],
            "AWS_REGION": self.facts["region"],
        }

    def session(self, region: str = "us-east-1") -> boto3.Session:
        return boto3.Session(self.facts["access_key_id"], self.facts["secret_access_key"], region_name=region)

    def client(self, service: str, region: str = "us-east-1", endpoint: str | None = None, **options: Any) -> Any:
        """A client of the server, made once: a test that watches a run must be quicker than the run."""
        key = (service, region, endpoint, repr(sorted(options.items())))
        if key not in self._clients:
            made: Any = self.session(region)
            self._clients[key] = made.client(
                service, endpoint_url=endpoint or self.endpoint, config=Config(**ONCE | options)
            )
        return self._clients[key]


@contextmanager
def serving(*arguments: str) -> Iterator[SimulatorServer]:
    command = [sys.executable, "-m", "simulator", "serve", "--port", "0", "--json", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield SimulatorServer(process, json.loads(process.stdout.readline()))
        finally:
            process.kill()


def real_wait(condition: Callable[[], object], seconds: float) -> None:
    """Wait in real time, because the server is another process, until the condition is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.1)
