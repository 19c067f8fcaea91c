"""The phrase book is found by the words that testers type, and no synonym is dead."""

from __future__ import annotations

from pathlib import Path

import pytest

from traceability.cli.suite import phrases_of
from traceability.model.paths import Places
from traceability.steps import phrase_search, step_definitions

ROOT = Path(__file__).resolve().parents[2]
FIRST = 3
FAULT = "Given AWS <Fault> <Requests>"
# The words of a tester, and a phrase that must be among the first three.
WANTED = {
    "ExternalId": 'Then the engine assumed the role "<role>" with the external id "<external_id>"',
    "external id": 'Then the engine assumed the role "<role>" with the external id "<external_id>"',
    "poll": "Then every job query named all <count> jobs in flight",
    "polling interval": "Then <Requests> came <Pauses> apart",
    "throttle": FAULT,
    "Throttling": FAULT,
    "throttle the fifth job query": FAULT,
    "stalled": 'Given the replication of server "<name>" is <Status>',
    "replication lag": 'Given the replication of server "<name>" is <Status>',
    "depends": "When the loaded plan lets wave <number> depend on no wave",
    "fifth": FAULT,
    "access denied": FAULT,
    "crash": FAULT,
    "Lambda killed": FAULT,
    "timeout": "Given AWS times out the state machine after <Duration>",
    "deadline": "Given the plan has to be done within <Duration>",
    "retries": "Then the state machine retried the function after <Pauses>",
    "backoff": "Then <Requests> came <Pauses> apart",
    "DescribeJobs": "Then every job query named all <count> jobs in flight",
    "AssumeRole": 'Then the engine assumed the role "<role>" with the external id "<external_id>"',
    "RPO": "Given the recovery <Objective> objective of the plan is <Duration>",
    "RTO": "Given the recovery <Objective> objective of the plan is <Duration>",
    "point in time": "When a <Run> of the plan is run as of <Duration> ago",
    "SNS": "Then the subscriber received <Messages>",
    "email": "Then the subscriber received <Messages>",
    "idempotent": 'When a <Run> of the plan is started with the token "<token>"',
    "concurrent": "When two operators start a <Run> of the plan at the same moment",
    "abort": "When the execution is cancelled",
    "cancellation": "Then the cancellation is refused because the execution has ended",
    "tear down": "Then the clean-up is <Status>",
    "delay": "Given wave <number> is followed by a wait of <Duration>",
    "slow boot": 'Given the instance of server "<name>" takes <Duration> to boot',
    "sign off": "When wave <number> waits for approval",
    "restart": "When the recovery is resumed <Resumption>",
    "best effort": 'Given server "<name>" is optional',
    "cross account": "Given the recovery account <Trust>",
    "skipped": "Then wave <number> is SKIPPED because of wave <cause>",
    "sequential": "Then the servers were launched one at a time in the order <Names>",
}


@pytest.fixture(scope="module")
def book():
    return phrases_of(Places(ROOT))


@pytest.fixture(scope="module")
def synonyms():
    return phrase_search.load(ROOT / "features")


def first(book, query, synonyms):
    found = phrase_search.search(book, query, step_definitions.types(), synonyms)
    return [one.phrase.shown for one in found.entries[:FIRST]]


@pytest.mark.parametrize("query", WANTED)
def test_a_testers_words_find_the_phrase(book, synonyms, query):
    assert WANTED[query] in first(book, query, synonyms)


def test_each_synonym_finds_a_phrase(book, synonyms):
    meant = {text for texts in synonyms.values() for text in texts}
    dead = [one for one in meant if not phrase_search.search(book, one, step_definitions.types(), {}).complete]
    dead += [one for one in meant if not first(book, one, {})]
    assert dead == []


def test_the_synonyms_are_needed(book, synonyms):
    """Without the file, its words find nothing, or something else first."""
    assert first(book, "poll", {}) == first(book, "email", {}) == []
    assert FAULT not in first(book, "crash", {})
