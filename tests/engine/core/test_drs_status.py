"""DRS's words, translated in one place; the words themselves come from botocore's model of DRS."""

from __future__ import annotations

import botocore.session
import pytest

from engine.core.drs_status import DrsJob, JobStatus, UndocumentedStatus, server_job_status

S = "s-00000000000000001"


@pytest.mark.parametrize(
    ("job", "launch", "expected"),
    [
        ("PENDING", None, JobStatus.PENDING),
        ("PENDING", "PENDING", JobStatus.PENDING),
        ("STARTED", "IN_PROGRESS", JobStatus.IN_PROGRESS),
        # A server that is ready is judged when its job is over.
        ("STARTED", "LAUNCHED", JobStatus.IN_PROGRESS),
        ("COMPLETED", "LAUNCHED", JobStatus.COMPLETED),
        ("COMPLETED", "FAILED", JobStatus.FAILED),
        ("COMPLETED", "TERMINATED", JobStatus.FAILED),
        ("COMPLETED", "PENDING", JobStatus.FAILED),
        ("COMPLETED", "IN_PROGRESS", JobStatus.FAILED),
        ("COMPLETED", None, JobStatus.FAILED),
    ],
)
def test_words(job, launch, expected):
    assert server_job_status(DrsJob("drsjob-1", job, {S: launch} if launch else {}), S) is expected


@pytest.mark.parametrize(("job", "launch"), [("PAUSED", "PENDING"), ("COMPLETED", "VANISHED"), ("", "PENDING")])
def test_an_undocumented_word_is_an_error_that_names_it(job, launch):
    with pytest.raises(UndocumentedStatus, match=f"'{job if job != 'COMPLETED' else launch}'"):
        server_job_status(DrsJob("drsjob-1", job, {S: launch}), S)


def test_every_word_of_the_model_is_known():
    model = botocore.session.get_session().get_service_model("drs")
    for job in model.shape_for("JobStatus").enum:
        for launch in model.shape_for("LaunchStatus").enum:
            server_job_status(DrsJob("drsjob-1", job, {S: launch}), S)
