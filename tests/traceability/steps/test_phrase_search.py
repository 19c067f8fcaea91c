"""The search of the phrase book: stems, synonyms of the suite, the best first, and a hint where nothing is found."""

from __future__ import annotations

import json

import pytest

from tests.traceability.conftest import Suite
from tests.traceability.steps.test_authoring import STEPS, WHOLE
from tests.traceability.steps.test_check import command
from traceability.steps.phrase_search import alike, words


@pytest.fixture
def writing(suite: Suite) -> Suite:
    (suite.root / "features" / "synonyms.yaml").write_text("throttle: [fails, wave]\nrate limit: [fails]\n")
    return suite.steps(STEPS).scenario(*WHOLE)


def found(writing: Suite, *query: str) -> list[str]:
    return [one["phrase"] for one in json.loads(command(writing, "phrases", "--json", *query).stdout)["phrases"]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ExternalId", ("external", "id")),
        ("DescribeJobs", ("describe", "jobs")),
        ("AWS denies the 3rd query", ("aws", "deny", "3rd", "query")),
        ("the of a", ()),
    ],
)
def test_a_query_is_split_into_words(text: str, expected: tuple[str, ...]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("depends", "dependent", True),
        ("throttle", "throttling", True),
        ("throttles", "throttling", True),
        ("wave", "waves", True),
        ("cancel", "cancellation", True),
        ("time", "timeout", False),
        ("record", "recovery", False),
        ("server", "service", False),
        ("id", "idle", False),
        ("skip", "skipped", True),
        ("poll", "polling", True),
        ("poll", "polled", True),
        ("use", "used", False),
    ],
)
def test_words_match_by_their_stem(one: str, other: str, same: bool) -> None:
    assert alike(one, other) is alike(other, one) is same


def test_the_sentence_counts_more_than_a_use(writing: Suite) -> None:
    assert found(writing, "plan") == ['the "<name>" plan', "the plan is run"]


def test_a_synonym_counts_and_its_order_as_well(writing: Suite) -> None:
    assert found(writing, "throttle") == ["DRS fails <count> times", "wave <number> is <Status>"]
    assert found(writing, "rate", "limits") == ["DRS fails <count> times"]
    said = command(writing, "phrases", "throttling").stdout
    assert said.startswith("  throttling: also fails, wave\n    Given DRS fails <count> times\n")


def test_all_words_count(writing: Suite) -> None:
    assert found(writing, "plan", "run") == ["the plan is run"]
    said = command(writing, "phrases", "wave", "run").stdout
    assert "No phrase has all of 'wave run'; these have most of it." in said


def test_option_and_argument_are_the_same(writing: Suite) -> None:
    assert found(writing, "--search", "wave") == found(writing, "wave") == ["wave <number> is <Status>"]


def test_a_search_without_a_result_names_words_that_are_spelt_alike(writing: Suite) -> None:
    ended = command(writing, "phrases", "throtle")
    assert (ended.returncode, ended.stderr) == (
        1,
        "no phrase for 'throtle': did you mean throttle? without a word the command lists all 4\n",
    )


def test_a_word_of_a_longer_entry_is_answered_with_the_whole_entry(writing: Suite) -> None:
    assert "no phrase for 'rate': did you mean rate limit?" in command(writing, "phrases", "rate").stderr


def test_a_quoted_text_is_found_only_if_no_word_is(writing: Suite) -> None:
    writing.scenario('Given the "run" plan', *WHOLE[1:])
    assert found(writing, "run") == ["the plan is run"]
    writing.scenario('Given the "nightly" plan', *WHOLE[1:])
    assert found(writing, "nightly") == ['the "<name>" plan']


def test_the_use_that_has_the_word_comes_first(writing: Suite) -> None:
    others = [f"And wave {number} is DONE" for number in (2, 3)]
    writing.scenario(*WHOLE, *others, "And wave 4 is SKIPPED")
    assert command(writing, "phrases", "skip").stdout.splitlines()[1].strip().startswith("Then wave 4 is SKIPPED")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("- poll\n", "write a mapping: the searched word, then a list of words of phrases"),
        ("poll: job query\n", "poll: write a list of words that phrases have, such as [job query]"),
        ("poll: [[job]]\n", "poll: write a list of words that phrases have, such as [job query]"),
        ("poll: [as of]\n", "poll: write a list of words that phrases have, such as [job query]"),
        ("poll: [job\n", "not valid YAML"),
    ],
)
def test_a_file_of_synonyms_that_cannot_be_used_is_refused_in_one_line(writing: Suite, text: str, reason: str) -> None:
    path = writing.root / "features" / "synonyms.yaml"
    path.write_text(text)
    ended = command(writing, "phrases", "wave")
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1), ended.stderr
    assert ended.stderr.startswith(f"{path}: {reason}")
