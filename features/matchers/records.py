"""Matchers for the execution record and its parts: executions, waves, server results."""

from __future__ import annotations

import re
from typing import Any

from hamcrest.core.base_matcher import BaseMatcher
from hamcrest.core.description import Description

Document = dict[str, Any]


def name_of(part: Document) -> str:
    """'wave 2 (Web)', 'server s-…', 'execution …': the name of a part of the record in a message."""
    if "SourceServerId" in part:
        return f"server {part['SourceServerId']}"
    if "WaveNumber" in part:
        return f"wave {part['WaveNumber']} ({part.get('WaveName', 'no name')})"
    return f"execution {part.get('ExecutionId', 'without id')}"


def reasons_of(part: Document) -> str:
    """The reasons that the record gives for the status of a part, each one once."""
    errors = [error.get("Message", "") for error in part.get("Errors", [])]
    texts = [part.get("StatusReason"), part.get("ErrorMessage"), *errors]
    return "; ".join(dict.fromkeys(text for text in texts if text)) or "the record gives no reason"


def describe(record: Document) -> str:
    """The whole execution in a few lines, for the end of a mismatch."""
    lines = [f"{record['ExecutionId']} of {record['PlanId']}: {record['Status']} ({reasons_of(record)})"]
    for wave in record["Waves"]:
        when = f"{wave.get('StartTime', 'not started')} to {wave.get('EndTime', 'not ended')}"
        lines.append(f"  {name_of(wave)}: {wave['Status']}, {when}")
        lines += [
            f"    {result['SourceServerId']}: {result['Status']}, job {result.get('DrsJobId', 'none')}"
            for result in wave["ServerResults"]
        ]
    return "\n".join(lines)


class HasStatus(BaseMatcher[Document]):
    """A part of the record with this Status."""

    def __init__(self, status: str) -> None:
        self.status = status

    def _matches(self, item: Document) -> bool:
        return item.get("Status") == self.status

    def describe_to(self, description: Description) -> None:
        description.append_text(f"Status {self.status}")

    def describe_mismatch(self, item: Document, mismatch_description: Description) -> None:
        found = item.get("Status", "no Status at all")
        mismatch_description.append_text(f"{name_of(item)} is {found}; why: {reasons_of(item)}")


class IsSkippedBecauseOf(BaseMatcher[Document]):
    """A wave that never started, because it depends on the wave that caused it: naming that wave is not enough."""

    def __init__(self, cause: int) -> None:
        self.cause = cause

    def _matches(self, item: Document) -> bool:
        dependant = re.match(rf"depends on wave {self.cause}\b", item.get("StatusReason", ""), re.IGNORECASE)
        return item.get("Status") == "SKIPPED" and dependant is not None and "StartTime" not in item

    def describe_to(self, description: Description) -> None:
        description.append_text(
            f"a wave that is SKIPPED, never started, and whose StatusReason says: depends on wave {self.cause}"
        )

    def describe_mismatch(self, item: Document, mismatch_description: Description) -> None:
        started = item.get("StartTime", "never")
        mismatch_description.append_text(
            f"{name_of(item)} is {item.get('Status')}, started: {started}, reason: {reasons_of(item)}"
        )


class Mentions(BaseMatcher[str]):
    """Text that contains a word as a whole: wave 1 is not mentioned by 'wave 12'."""

    def __init__(self, word: str) -> None:
        self.word = word

    def _matches(self, item: str) -> bool:
        return re.search(rf"(?<![\w-]){re.escape(self.word)}(?!\w)", item, re.IGNORECASE) is not None

    def describe_to(self, description: Description) -> None:
        description.append_text(f"a text that names {self.word!r}")

    def describe_mismatch(self, item: str, mismatch_description: Description) -> None:
        mismatch_description.append_text(f"it reads: {item or '(empty)'}")


def has_status(status: str) -> HasStatus:
    return HasStatus(status)


def is_skipped_because_of(wave: int) -> IsSkippedBecauseOf:
    return IsSkippedBecauseOf(wave)


def mentions(word: str) -> Mentions:
    return Mentions(word)
