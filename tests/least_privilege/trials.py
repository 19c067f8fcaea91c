"""Runs scenarios with a mutated policy: replay shows that a call is denied, a trial shows that a scenario fails.

Each trial is a forked process with all imports done. It changes the policy right after the deployment, runs one
scenario with behave and exits. Scenarios that need the right are tried in order of their number of calls.
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
# Without these rights an execution has the same result; only scenarios with these words in their name check them.
_CHECKED_BY = {
    "logs:": ("the notification, and the result stays", "An approved wave starts"),
    "drs:TerminateRecoveryInstances": ("are terminated",),
}
_FORK = multiprocessing.get_context("fork")


# The engine tolerates the denial of these (a launch continues without its place in the queue), so no scenario fails.
TOLERATED = {"dynamodb:Query"}


@dataclass(frozen=True)
class Trial:
    """The scenario that failed without the right (one that uses it, for TOLERATED); None: every tried one passed."""

    finding: MutationResult
    red: Grant | None


def candidates(finding: MutationResult) -> list[Grant]:
    """Return the scenarios that need the removed right, shortest first."""
    words_needed = next(
        (words for action, words in _CHECKED_BY.items() if finding.mutation.subject.startswith(action)), ("",)
    )
    needing = [grant for grant in finding.denied if any(words in grant.scenario for words in words_needed)]
    if not needing:
        raise LookupError(f"no scenario with {words_needed!r} in its name needs {finding.mutation.subject}")
    shortest = sorted(needing, key=lambda grant: (grant.cost, grant.file, grant.line))
    return list({grant.scenario: grant for grant in shortest}.values())[:MAX_TRIES]


def trials(findings: Sequence[MutationResult], report: Callable[[Trial], object]) -> list[Trial]:
    """Run one trial for each finding, two at a time; call `report` with each result."""
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
            _terminate(child)
            if passed and len(left) > 1:
                running.append(_started(finding, left[1:]))
                continue
            done.append(Trial(finding, None if passed else left[0]))
            report(done[-1])
        time.sleep(0.02)  # Polls two processes: no event announces the end of one.
    return done


def _started(finding: MutationResult, left: list[Grant]) -> tuple[MutationResult, list[Grant], BaseProcess, float]:
    child = _FORK.Process(target=_child, args=(finding, left[0]))
    child.start()
    return finding, left, child, time.monotonic()


def _terminate(child: BaseProcess) -> None:
    if child.is_alive():
        child.kill()
    child.join()


def _child(finding: MutationResult, grant: Grant) -> None:
    """Run the scenario and exit with behave's exit code; runs in a forked process."""
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
    """Yield action and principal mutations of the stack's policies; a target account's role has the same statements."""
    for finding in findings:
        if (
            finding.mutation.subject not in TOLERATED
            and finding.mutation.place.role != "target account"
            and finding.mutation.kind in ("action", "principal")
        ):
            yield finding
