"""Results with strange content: no scenario is lost, each is judged as ever, and all outputs are written."""

from __future__ import annotations

import pytest

from tests.traceability.conftest import Suite
from traceability.bundle import bundle, integrity, manifest

STEPS = """
from behave import step
from traceability.recording import evidence

TEXTS = {
    "a control character": "\\x1b[31mred\\x1b[0m \\x00 \\x08",
    "a surrogate": "half a pair \\udc80 and \\ud83d",
    "a non-character": "\\ufffe \\uffff",
    "five megabytes": "x" * 5_000_000,
}

@step("the message has {what}")
def has(context, what):
    evidence.record_judgement("a message", TEXTS[what], "Looked at the message")
    evidence.attach_text("the message", TEXTS[what])

@step("the message with {what} is wrong")
def wrong(context, what):
    evidence.record_judgement("another message", TEXTS[what], "Looked at the message")
    print(TEXTS[what])
    assert False, "not this: " + TEXTS[what]

@step("the step gives up with {what}")
def gives_up(context, what):
    context.scenario.skip("because " + TEXTS[what])
"""
KINDS = ("a control character", "a surrogate", "a non-character", "five megabytes")


@pytest.mark.parametrize("what", KINDS)
@pytest.mark.parametrize(
    ("step", "state"),
    [
        ("the message has {}", "proven"),
        ("the message with {} is wrong", "violated"),
        ("the step gives up with {}", "not_run"),
    ],
)
def test_strange_content_changes_no_verdict(suite: Suite, what: str, step: str, state: str) -> None:
    judged = suite.steps(STEPS).scenario(f"Then {step.format(what)}").run()
    assert judged.differences == []
    assert suite.state(judged) == state
    manifest.write(suite.places, judged.coverage)
    assert integrity.changes(suite.places, suite.catalogue) == []
    assert bundle.verify(bundle.write(suite.places, suite.catalogue)).consistent


@pytest.mark.parametrize(
    "name", ["long " * 80, "colour \x1b[31mred", "café ☕ 漢字", "a/b\\c:d*e?f", '<b>&amp;"quotes"</b>'], ids=ascii
)
def test_strange_names_change_no_verdict(suite: Suite, name: str) -> None:
    text = f"Feature: {name}\n  @AC-1.1 @moto\n  Scenario: {name}\n    Then the message has a control character\n"
    judged = suite.steps(STEPS).feature(text).run()
    assert judged.differences == []
    assert suite.state(judged) == "proven"
    manifest.write(suite.places, judged.coverage)
    assert integrity.changes(suite.places, suite.catalogue) == []
