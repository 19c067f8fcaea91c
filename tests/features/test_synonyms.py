"""The phrase book is found by the words that testers type, and no synonym is dead."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from traceability.cli.suite import phrases_of
from traceability.model.paths import Places
from traceability.steps import phrase_search, step_definitions

ROOT = Path(__file__).resolve().parents[2]
FIRST = 3
# The words of a tester, and what the sentence, the gaps or a use of one of the first three phrases must say. It is no
# whole sentence: the phrase book may be reworded.
WANTED = {
    "ExternalId": "external id",
    "external id": "external id",
    "poll": "job quer",
    "polling interval": "apart",
    "throttle": "throttles",
    "Throttling": "throttles",
    "throttle the fifth job query": "throttles.*job quer",
    "stalled": "replication of server",
    "replication lag": "replication of server",
    "depends": "depend on",
    "fifth": "the 3rd job query",
    "access denied": "denies",
    "crash": "kills the function",
    "Lambda killed": "kills the function",
    "timeout": "times out",
    "time limit": "has to be done within",
    "expires": "credentials expired",
    "rollback": "clean-up is",
    "roll back": "clean-up is",
    "undo": "clean-up is",
    "missing": "disappears",
    "lost": "loses",
    "skip": "SKIPPED because",
    "polling": "job quer",
    "deadline": "has to be done within",
    "retries": "retried",
    "backoff": "apart",
    "DescribeJobs": "job quer",
    "AssumeRole": "assumed the role|role assumption",
    "RPO": "objective",
    "RTO": "objective",
    "point in time": "as of|snapshot",
    "SNS": "subscriber|message",
    "email": "subscriber|message",
    "idempotent": "token|one execution",
    "concurrent": "same moment",
    "abort": "cancel",
    "cancellation": "cancel",
    "tear down": "clean-up",
    "delay": "followed by a wait",
    "slow boot": "to boot",
    "sign off": "approval",
    "restart": "resume",
    "best effort": "optional",
    "cross account": "recovery account",
    "skipped": "SKIPPED because",
    "sequential": "one at a time|sequential",
}


@pytest.fixture(scope="module")
def book():
    return phrases_of(Places(ROOT))


@pytest.fixture(scope="module")
def synonyms():
    return phrase_search.load(ROOT / "features")


def first(book, query, synonyms):
    """What the first phrases of a search say: sentence, note, gaps and uses."""
    types = step_definitions.types()
    found = phrase_search.search(book, query, types, synonyms)
    return [
        "\n".join(
            [
                one.phrase.shown,
                one.phrase.note,
                *(types.get(gap.type, "") for gap in one.phrase.parameters),
                *(use.text for use in one.uses),
            ]
        )
        for one in found.entries[:FIRST]
    ]


@pytest.mark.parametrize("query", WANTED)
def test_a_testers_words_find_the_phrase(book, synonyms, query):
    said = first(book, query, synonyms)
    assert any(re.search(WANTED[query], one) for one in said), said


def test_each_synonym_finds_a_phrase(book, synonyms):
    meant = {text for texts in synonyms.values() for text in texts}
    dead = [one for one in meant if not phrase_search.search(book, one, step_definitions.types(), {}).complete]
    dead += [one for one in meant if not first(book, one, {})]
    assert dead == []


def test_the_synonyms_are_needed(book, synonyms):
    """Without the file, its words find nothing, or something else first."""
    assert first(book, "poll", {}) == first(book, "email", {}) == []
    assert not any("kills the function" in one for one in first(book, "crash", {}))
