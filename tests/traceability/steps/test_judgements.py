"""What each Then judges, read from its code."""

from __future__ import annotations

from traceability.steps import judgements

SOURCE = """
RECORD = "Read the record"

@then("it is {status}")
def ends(context, status):
    where = f"{RECORD}: status"
    assert_that(status, equal_to(1), where)
    for one in context.waves:
        assert_that(one.status, equal_to(1), f"{RECORD}: wave {one.number}")
    compare(context)
    compare(context)

def compare(context):
    assert_that(context.job, equal_to(1), RECORD)
    assert_that(context.refusal is None, "The start was refused.")
    assert_that(context.job, equal_to(1))
"""
WHOLE = ("Read the record: status", "Read the record: wave …", "Read the record", "The start was refused.", "a value")


def test_a_function_judges_what_it_and_its_helpers_compare() -> None:
    assert judgements.of_source(SOURCE) == [WHOLE, WHOLE[2:]]


def test_each_removed_comparison_shows() -> None:
    lines = SOURCE.splitlines()
    places = [number for number, line in enumerate(lines) if "assert_that" in line]
    assert len(places) == 5
    for number in places:
        without = [*lines[:number], lines[number].partition("assert_that")[0] + "pass", *lines[number + 1 :]]
        assert judgements.of_source("\n".join(without)) != judgements.of_source(SOURCE)


def test_equal_sources_are_counted() -> None:
    assert judgements.told(["a", "b", "a"]) == "a (2 values); b"
    assert judgements.told([]) == ""
