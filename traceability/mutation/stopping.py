"""Ends a behave run at the first violated expectation: the negative proof needs only one."""

from __future__ import annotations

from behave.formatter.base import Formatter
from behave.model import Step
from behave.model_type import Status


class StopWhenViolated(Formatter):
    """An error does not end the run: a later scenario may still notice the defect by its expectation."""

    name = "stop-when-violated"
    description = "Writes no output; ends the run at the first violated expectation"

    def result(self, step: Step) -> None:
        if step.step_type == "then" and step.status is Status.failed:
            self.config.stop = True
