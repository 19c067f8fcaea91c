"""PyHamcrest's assert_that, which also records each judgement as evidence of the step."""

from __future__ import annotations

from typing import Any

import hamcrest
from hamcrest.core.matcher import Matcher
from hamcrest.core.string_description import StringDescription

from traceability.recording import evidence


def assert_that(actual: Any, matcher: Matcher[Any] | str | None = None, reason: str = "") -> None:
    """Expect `actual` to match. With a text in place of a matcher: to be true; the text describes the failure.

    Raises AssertionError with the expected and the actual value, and with `reason`: the source of the value.
    """
    if isinstance(matcher, Matcher):
        evidence.record_judgement(str(StringDescription().append_description_of(matcher)), actual, reason)
        hamcrest.assert_that(actual, matcher, reason)
        return
    evidence.record_judgement(f"that this is not so: {matcher}", "it is not so" if actual else "it is so")
    hamcrest.assert_that(actual, matcher)
