"""The processes that run scenarios on changed code."""

import os
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from traceability.mutation import defects, workers
from traceability.mutation.warm import Job


@pytest.mark.parametrize("takes_job", [True, False])
def test_a_process_that_dies_ends_its_messages(
    takes_job: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that dies with its job unread resets the socket; the reader gets the same error as after the job."""

    def serve(place: Path, root: Path, mine: Connection, others: Connection) -> None:
        others.close()
        mine.poll(None)
        if takes_job:
            mine.recv()
        os._exit(1)

    monkeypatch.setattr(workers, "_serve", serve)
    monkeypatch.setattr(defects, "overlay", lambda *_: None)
    worker = workers.Worker(tmp_path, tmp_path / "worker")
    worker.give(Job((), "engine"))
    with pytest.raises(EOFError):
        worker.receive()
    worker.close()
