"""The meaning of a scenario's end. One rule serves the formatter and the JUnit reader, each with its own facts.

violated: an expectation in a Then failed. suite_defect: each other red scenario, and an empty one: it makes no
statement about the engine. not_run: skipped or never begun. passed: the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

PASSED, VIOLATED, SUITE_DEFECT, NOT_RUN = "passed", "violated", "suite_defect", "not_run"

JUDGED_ON = "Judged on"
"""The name of the attachment below a step with its comparisons: the expected and the found values."""

# behave turns every failure of a nested step into an AssertionError; only a failed one is an expectation.
_BROKEN_SUBSTEP = re.compile(r"\b(?:ERROR|HOOK_ERROR|UNDEFINED|PENDING) SUB-STEP:")


_MISTAKE = "mistake in the scenario: "


class ScenarioMistake(AssertionError):
    """The scenario asks for what does not exist, such as an unknown server: a suite defect, also in a Then.

    An assertion, because behave shows the line of an assertion without a traceback.
    """

    def __init__(self, message: str) -> None:
        super().__init__(f"{_MISTAKE}{message}")


@dataclass(frozen=True)
class StepEnd:
    """The end of a step: `status` is behave's status, `message` that of its exception."""

    is_expectation: bool
    status: str
    message: str = ""

    @property
    def violates(self) -> bool:
        if not self.is_expectation or self.status != "failed":
            return False
        # The message begins with the words, perhaps behind the class that a record puts before them.
        is_mistake = self.message.removeprefix("ASSERT FAILED: ").startswith(_MISTAKE)
        return not is_mistake and not _BROKEN_SUBSTEP.search(self.message)


def verdict(status: str, steps: Iterable[StepEnd]) -> str:
    """Judge a scenario by behave's status of it and of its steps."""
    ends = list(steps)
    if status in ("skipped", "untested"):
        # A step that is undefined is a defect even when behave gave up on the scenario before reaching it.
        return SUITE_DEFECT if any(one.status == "undefined" for one in ends) else NOT_RUN
    if any(one.violates for one in ends):
        return VIOLATED
    return PASSED if status == "passed" and ends else SUITE_DEFECT
