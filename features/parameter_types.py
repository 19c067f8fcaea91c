"""The small words that the sentences of the features share, each read in one place.

Durations are seconds, lists are lists; what AWS calls an operation, the features call by what it is for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import parse  # type: ignore[import-untyped] # publishes no types
from behave import register_type

SECONDS = {"second": 1, "minute": 60, "hour": 3600}


@dataclass(frozen=True)
class Request:
    """What the features call one of the engine's requests to AWS, and how AWS calls it."""

    words: str
    service: str
    operation: str


REQUESTS = {
    request.words: request
    for request in (
        Request("recovery request", "drs", "StartRecovery"),
        Request("job query", "drs", "DescribeJobs"),
        Request("server query", "drs", "DescribeSourceServers"),
        Request("instance look", "ec2", "DescribeInstanceStatus"),
        Request("termination request", "drs", "TerminateRecoveryInstances"),
        Request("role assumption", "sts", "AssumeRole"),
        Request("notification", "sns", "Publish"),
        Request("history write", "dynamodb", "TransactWriteItems"),
    )
}


@parse.with_pattern(r"\d+ (?:second|minute|hour)s?")
def duration(text: str) -> int:
    """A whole number and its unit: '90 seconds', '5 minutes', '1 hour'."""
    number, unit = text.split()
    return int(number) * SECONDS[unit.rstrip("s")]


@parse.with_pattern(r"\d+(?:(?:, | and )\d+)*")
def numbers(text: str) -> list[int]:
    """Whole numbers in a row: '1, 2, 3' or '2, 4 and 8'."""
    return [int(number) for number in re.findall(r"\d+", text)]


@parse.with_pattern(r'"[^"]+(?:, [^"]+)*"')
def names(text: str) -> list[str]:
    """Names of servers, all in one pair of quotes: '"web-1, web-2"'."""
    return text.strip('"').split(", ")


@parse.with_pattern(r"[A-Z][A-Z_]+")
def status(text: str) -> str:
    """A status word of the record or of DRS, in capitals: COMPLETED, FAILED, SKIPPED, IN_PROGRESS."""
    return text


@parse.with_pattern(
    "|".join(f"(?:{words[:-1]}(?:y|ies))" if words.endswith("y") else f"{words}s?" for words in REQUESTS)
)
def request(text: str) -> Request:
    singular = re.sub(r"ies$", "y", text) if text.endswith("ies") else text.rstrip("s")
    return REQUESTS[singular]


@parse.with_pattern(r"drill|recovery")
def run_type(text: str) -> str:
    """The kind of run: drill or recovery."""
    return text.upper()


@parse.with_pattern("record, plan or group|running recovery job|instance|stack")
def kind(text: str) -> str:
    """What a clean-up removes: 'record, plan or group', 'running recovery job', 'instance' or 'stack'."""
    return text


request.__doc__ = f"What the engine asks of AWS, singular or plural: {', '.join(map(repr, REQUESTS))}."

register_type(Duration=duration, Numbers=numbers, Names=names, Status=status, Request=request, Run=run_type, Kind=kind)
