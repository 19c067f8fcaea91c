"""The simulator's answers to the calls of a drill: what a run on AWS is compared with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from simulator.comparison.answers import Answer
from simulator.simulator import Simulator

SERVERS = 3
_POLL_SECONDS = 20
_MOST_POLLS = 200


def drill(simulator: Simulator) -> list[Answer]:
    """Return the answers to a drill with its clean-up, to a failed launch, and to a refused request.

    `simulator` is entered and new; the drill takes about half an hour of its virtual time.
    """
    return _Drill(simulator).run()


class _Drill:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._world = simulator.drs
        self._world.initialize()
        self._servers = [self._world.add_source_server() for _ in range(SERVERS)]
        self._drs = simulator.session().client("drs")
        self._answers: list[Answer] = []

    def run(self) -> list[Answer]:
        servers = [{"sourceServerID": one} for one in self._servers]
        self._world.add_snapshot(self._servers[0], taken_at=self._simulator.clock.now())
        for one in self._servers:
            self._ask("describe_recovery_snapshots", sourceServerID=one)
            self._ask("get_launch_configuration", sourceServerID=one)
        self._look()
        # The second drill launches again over the instances of the first, and one server fails.
        for fails in (False, True):
            if fails:
                self._world.set_launch(self._servers[0], fails_with="No capacity")
            self._follow(self._ask("start_recovery", isDrill=True, tags={"plan": "one"}, sourceServers=servers))
        self._ask("start_recovery", isDrill=True, sourceServers=[{"sourceServerID": "s-00000000000000000"}])
        instances = self._ask("describe_recovery_instances", filters={})["items"]
        ids = [one["recoveryInstanceID"] for one in instances]
        self._follow(self._ask("terminate_recovery_instances", recoveryInstanceIDs=ids))
        return self._answers

    def _follow(self, started: dict[str, Any]) -> None:
        """Poll the job until it has ended, then read what it left."""
        job = started["job"]["jobID"]
        for _ in range(_MOST_POLLS):
            (described,) = self._ask("describe_jobs", filters={"jobIDs": [job]})["items"]
            if described["status"] == "COMPLETED":
                break
            self._simulator.advance(_POLL_SECONDS)
        self._ask("describe_job_log_items", jobID=job)
        self._look()

    def _look(self) -> None:
        self._ask("describe_source_servers", filters={})
        self._ask("describe_recovery_instances", filters={})

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        call: Callable[..., dict[str, Any]] = getattr(self._drs, method)
        operation = self._drs.meta.method_to_api_mapping[method]
        try:
            answer = {name: value for name, value in call(**parameters).items() if name != "ResponseMetadata"}
            error = None
        except ClientError as refusal:
            answer, error = None, str(refusal.response["Error"]["Code"])
        self._answers.append(Answer(operation, parameters, answer, error, self._simulator.clock.now()))
        return answer or {}
