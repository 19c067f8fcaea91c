"""The rehearsal: the unchanged target `aws`, against a simulator that another process serves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from features.targets.aws import AwsTarget
from features.targets.base import TargetRefused
from features.targets.guardrails import VARIABLES
from simulator.serving import RemoteSimulator

ROOT = Path(__file__).parent.parent.parent
ENVIRONMENT = ROOT / "testdata" / "environments" / "six-servers.json"
# The default time of a launch: as long as a job on AWS takes at least.
LAUNCH_SECONDS = 95
_NO_LIMIT = "1000"
_ENDS_WITHIN_SECONDS = 10


class RehearsalTarget(AwsTarget):
    """Starts the server, points every AWS client of this process to it, and stops it at the end of the run."""

    def __init__(self, settings: dict[str, Any]) -> None:
        command = [
            sys.executable,
            "-m",
            "simulator",
            "serve",
            "--virtual",
            "--port",
            "0",
            "--json",
            "--stop-with-stdin",
        ]
        self._server = subprocess.Popen(  # noqa: S603 - our own command, no shell
            [*command, "--seed", str(ENVIRONMENT)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._environment_before = dict(os.environ)
        try:
            facts = self._facts()
            self._control = RemoteSimulator(facts["endpoint"])
            os.environ.update(_variables(facts))
            for profile in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
                os.environ.pop(profile, None)
            given = {"account": facts["account"], "region": facts["region"], "budget": _NO_LIMIT}
            super().__init__(given | {name: value for name, value in settings.items() if name not in VARIABLES})
        except BaseException:
            self._end_server()
            raise

    def _facts(self) -> dict[str, str]:
        assert self._server.stdout is not None
        line = self._server.stdout.readline()
        if not line:
            # The arguments are the list that was given above; Popen's type admits a plain string, too.
            raise TargetRefused(f"the simulator did not start: {' '.join(map(str, self._server.args))}")  # type: ignore[arg-type]
        facts: dict[str, str] = json.loads(line)
        return facts

    @contextmanager
    def scenario(self) -> Iterator[None]:
        self._replicate(LAUNCH_SECONDS)
        with super().scenario():
            yield

    def let_launches_take_their_usual_time(self, server_ids: Sequence[str]) -> None:
        self._replicate(None)

    def _replicate(self, launch_seconds: int | None) -> None:
        """Reset the six servers, with this time to launch (None: DRS's usual time)."""
        environment = json.loads(ENVIRONMENT.read_text(encoding="utf-8"))["Environments"][0]
        for server in environment["SourceServers"]:
            server["LaunchSeconds"] = launch_seconds
        self._control.add_environment(environment)

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._end_server()

    def _end_server(self) -> None:
        if self._server.stdin is not None:
            self._server.stdin.close()
        try:
            self._server.wait(timeout=_ENDS_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        os.environ.clear()
        os.environ.update(self._environment_before)


def _variables(facts: dict[str, str]) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": facts["endpoint"],
        "AWS_ACCESS_KEY_ID": facts["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": facts["secret_access_key"],
        "AWS_REGION": facts["region"],
        "AWS_DEFAULT_REGION": facts["region"],
    }
