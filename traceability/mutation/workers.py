"""The processes that run scenarios on changed code, each in a copy of the tree of its own."""

from __future__ import annotations

import contextlib
import multiprocessing
import shutil
from multiprocessing.connection import Connection
from pathlib import Path

from traceability.model.problems import UserProblem
from traceability.mutation import defects, trials, warm
from traceability.mutation.warm import Ended, Job, Met


class WorkerDied(UserProblem):
    """A process ended that runs unchanged code; the message has the last line of its log."""

    def __init__(self, log: Path) -> None:
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n") if log.exists() else []
        super().__init__(f"behave ended early: {next((one for one in reversed(lines) if one.strip()), 'no output')}")


class Worker:
    """A warm behave on a copy of the tree at `place`; with a `file`, on its changed source."""

    def __init__(self, root: Path, place: Path, file: str = "", changed: str = "") -> None:
        defects.overlay(None, root, place)
        if file:
            defects.rewrite(place / file, changed)
        self.is_changed = bool(file)
        self.log = place / "behave.log"
        self._place = place
        self.connection, theirs = multiprocessing.Pipe()
        self._process = trials.FORK.Process(target=_serve, args=(place, root, theirs, self.connection), daemon=True)
        self._process.start()
        theirs.close()

    def give(self, job: Job) -> None:
        # `receive` tells that the process has died.
        with contextlib.suppress(BrokenPipeError):
            self.connection.send(job)

    def receive(self) -> Met | Ended:
        """Return the next message of the job. Raises EOFError if the process has died."""
        try:
            message: Met | Ended = self.connection.recv()
        except ConnectionResetError as problem:
            # So a socket ends whose other side has left a message unread: the process died before it took its job.
            raise EOFError from problem
        return message

    def close(self) -> None:
        self.connection.close()
        trials.end(self._process)
        shutil.rmtree(self._place, ignore_errors=True)


def _serve(place: Path, root: Path, mine: Connection, others: Connection) -> None:
    others.close()
    warm.listen(mine)
    trials.run_behave(place, root, [], "", "null", "moto", warm.RUNNER)
