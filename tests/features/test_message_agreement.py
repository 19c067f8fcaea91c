"""A message that contradicts the record is found; a message about an earlier moment is compared with what it tells."""

from __future__ import annotations

from typing import Any

import pytest

from features.message_agreement import disagreements

Document = dict[str, Any]
ERROR = {"WaveNumber": 1, "SourceServerId": "s-1", "DrsJobId": "j", "Message": "no capacity", "Time": "t"}
SAME = {"ExecutionId": "e", "PlanId": "p", "PlanName": "Site", "ExecutionType": "DRILL", "ServerCount": 2}
RECORD: Document = {
    **SAME,
    "Status": "FAILED",
    "StatusReason": "failed: wave 1",
    "StartTime": "2026-01-05T09:00:00.000Z",
    "EndTime": "2026-01-05T09:01:00.000Z",
    "DurationSeconds": 60,
    "Errors": [ERROR, {"Message": "timed out", "Time": "t"}],
    "Warnings": [{"Message": "old data"}],
    "Waves": [
        {
            "WaveNumber": 1,
            "WaveName": "Web",
            "EndTime": "2026-01-05T09:00:40.900Z",
            "Approval": {"TimeoutSeconds": 60, "Message": "look"},
            "AwaitingApprovalSince": "2026-01-05T09:00:10.000Z",
        }
    ],
}
END: Document = {
    **SAME,
    "Moment": "END",
    "Status": "FAILED",
    "Duration": 60,
    "Reason": "failed: wave 1",
    "WarningCount": 1,
    "Errors": [ERROR],
    "ErrorsLeftOut": 1,
    "AffectedServers": ["s-1"],
}
WAVE: Document = {**SAME, "Moment": "WAVE", "WaveNumber": 1, "WaveName": "Web", "WaveStatus": "FAILED", "Duration": 40}
APPROVAL: Document = {
    **WAVE,
    "Moment": "APPROVAL",
    "Duration": 10,
    "ApproveUntil": "2026-01-05T09:01:10.000Z",
    "ApprovalMessage": "look",
}
MESSAGES = {
    "FAILED: drill of Site": END,
    "Wave 1 FAILED: drill of Site": WAVE,
    "Approval needed for wave 1: drill of Site": APPROVAL,
    "STARTED: drill of Site": {**SAME, "Moment": "START"},
}


@pytest.mark.parametrize(("subject", "message"), MESSAGES.items())
def test_a_message_that_agrees_with_the_record_has_no_disagreement(subject: str, message: Document) -> None:
    assert list(disagreements(message, subject, RECORD)) == []
    assert len(list(disagreements(message, f"{subject}s", RECORD))) == 1


@pytest.mark.parametrize(
    ("subject", "changes", "found"),
    [
        ("FAILED: drill of Site", {"ServerCount": 3}, "ServerCount 3, the record 2"),
        ("FAILED: drill of Site", {"Duration": 61}, "Duration 61, the record 60"),
        ("FAILED: drill of Site", {"Reason": None}, "Reason None, the record 'failed: wave 1'"),
        ("FAILED: drill of Site", {"WarningCount": 2}, "WarningCount 2, the record 1"),
        ("FAILED: drill of Site", {"ErrorsLeftOut": 0}, "number of errors 1, the record 2"),
        ("FAILED: drill of Site", {"AffectedServers": []}, "AffectedServers [], the record ['s-1']"),
        ("FAILED: drill of Site", {"Errors": [ERROR | {"DrsJobId": "k"}]}, "which the record does not have"),
        ("FAILED: drill of Site", {"Objectives": {"RecoveryTime": {}}}, "Objectives {'RecoveryTime': {}}, the record"),
        ("Wave 1 FAILED: drill of Site", {"Duration": 41}, "Duration 41, the record 40"),
        ("Wave 1 FAILED: drill of Site", {"WaveName": "Database"}, "WaveName 'Database', the record 'Web'"),
        ("Approval needed for wave 1: drill of Site", {"ApproveUntil": "2026-01-05T09:01:09.000Z"}, "ApproveUntil"),
        ("Approval needed for wave 1: drill of Site", {"ApprovalMessage": None}, "ApprovalMessage None, the record"),
    ],
)
def test_each_contradiction_is_found(subject: str, changes: Document, found: str) -> None:
    lines = list(disagreements(MESSAGES[subject] | changes, subject, RECORD))
    assert any(found in line for line in lines), lines
