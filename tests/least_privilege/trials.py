"""Runs real scenarios with a changed policy: the judgement says that a call is refused, a trial that one fails.

A child a trial: it has everything imported already, changes the policy right after the deployment, runs one scenario
with behave and ends. Of the scenarios that need the right the one with the fewest calls is tried first.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from typing import Any

from behave.__main__ import main as behave

import features.targets.moto
from engine.deploy import deployment
from features.targets.granted_accesses import Grant
from tests.least_privilege.replay import MutationResult

MAX_PROCESSES = 2
TIMEOUT_SECONDS = 60.0
MAX_TRIES = 4
# Where an execution's result is the same without a right, only scenarios with these words in their name look for it.
_WATCHED = {"logs:": "is logged", "drs:TerminateRecoveryInstances": "is terminated"}
_FORK = multiprocessing.get_context("fork")


# The engine bears it when these are refused (a launch goes on without its place in the queue), so no scenario fails.
TOLERATED = {"dynamodb:Query"}


@dataclass(frozen=True)
class Trial:
    """The scenario that failed without the right (one that uses it, for TOLERATED); None: every tried one passed."""

    finding: MutationResult
    red: Grant | None


def candidates(finding: MutationResult) -> list[Grant]:
    """The scenarios that need what is taken away, the shortest first."""
    reads = next((words for action, words in _WATCHED.items() if finding.mutation.what.startswith(action)), "")
    needing = [grant for grant in finding.missed if reads in grant.scenario]
    shortest = sorted(needing, key=lambda grant: (grant.cost, grant.file, grant.line))
    return list({grant.scenario: grant for grant in shortest}.values())[:MAX_TRIES]


def trials(findings: Sequence[MutationResult], report: Callable[[Trial], object]) -> list[Trial]:
    """A trial for each of the findings, two at once; `report` hears of each as it ends."""
    waiting, running, done = (
        list(findings),
        list[tuple[MutationResult, list[Grant], BaseProcess, float]](),
        list[Trial](),
    )
    while waiting or running:
        while waiting and len(running) < MAX_PROCESSES:
            finding = waiting.pop(0)
            running.append(_started(finding, candidates(finding)))
        for entry in list(running):
            finding, left, child, began = entry
            if child.is_alive() and time.monotonic() - began < TIMEOUT_SECONDS:
                continue
            running.remove(entry)
            passed = child.exitcode == 0
            _end(child)
            if passed and len(left) > 1:
                running.append(_started(finding, left[1:]))
                continue
            done.append(Trial(finding, None if passed else left[0]))
            report(done[-1])
        time.sleep(0.02)  # two processes at work: nobody says when one ends
    return done


def _started(finding: MutationResult, left: list[Grant]) -> tuple[MutationResult, list[Grant], BaseProcess, float]:
    child = _FORK.Process(target=_child, args=(finding, left[0]))
    child.start()
    return finding, left, child, time.monotonic()


def _end(child: BaseProcess) -> None:
    if child.is_alive():
        child.kill()
    child.join()


def _child(finding: MutationResult, grant: Grant) -> None:
    """Run the scenario in a process that is thrown away; its exit code is behave's."""
    real_deploy = deployment.deploy
    mutation = finding.mutation

    def deploy_changed(*positional: Any, **named: Any) -> Any:
        stack = real_deploy(*positional, **named)
        mutation.place.write(mutation.document)
        return stack

    vars(features.targets.moto)["deploy"] = deploy_changed
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    os.environ.pop("TRACEABILITY_RUN_DIRECTORY", None)
    os._exit(behave(["--format", "null", "--no-summary", f"{grant.file}:{grant.line}"]))


def in_own_account(findings: Sequence[MutationResult]) -> Iterator[MutationResult]:
    """Those of the stack's own policies about an action or a principal; a target account's are the same statements."""
    for finding in findings:
        if (
            finding.mutation.what not in TOLERATED
            and finding.mutation.place.role != "target account"
            and finding.mutation.kind in ("action", "principal")
        ):
            yield finding
