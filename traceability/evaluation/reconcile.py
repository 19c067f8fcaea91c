"""Whether the records of a run agree: catalogue, features, JUnit, Allure, behave's exit code, the endpoints called.

Every loss that reporters are known for (hook errors, stopped runs, merged names, files that never arrived) leaves a
difference between two of them. A run with a difference has proven nothing, whatever its colours say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from traceability.evaluation.coverage import Outcome, by_key
from traceability.evaluation.record_readers import AllureCase, JUnitCase, Key, junit_key
from traceability.model.catalogue import Catalogue
from traceability.model.feature_files import Scenario, for_target
from traceability.model.states import REHEARSAL, STATES, criterion_label
from traceability.model.verdict import NOT_RUN, PASSED, SUITE_DEFECT, VIOLATED

# What was selected, and what the endpoints may prove: a client of AWS may have been told to call a local server.
_SECONDS_ASIDE = 60.0
"""A clock may be set while a run goes on, by so much."""
_TARGETS_OF = {"moto": {"moto"}, "aws": {"aws", REHEARSAL}, "rehearsal": {REHEARSAL}}


@dataclass(frozen=True)
class Records:
    """All that is known of one run. `target` is what the endpoints prove, "" when they prove nothing."""

    catalogue: Catalogue
    features: str
    scenarios: Sequence[Scenario]
    junit: Sequence[JUnitCase]
    allure: Sequence[AllureCase]
    outcomes: Sequence[Outcome]
    exit_code: int
    selected: str
    target: str
    started: str
    finished: str


def differences(records: Records) -> list[str]:
    """Return one line for each disagreement, empty when the run can be believed."""
    in_junit = Counter(junit_key(one, records.features) for one in records.scenarios)
    in_allure = Counter(one.key for one in records.scenarios)
    return [
        *_compare("JUnit", in_junit, Counter(case.key for case in records.junit)),
        *_compare("Allure", in_allure, Counter(case.key for case in records.allure)),
        *_verdicts(records),
        *_labels(records),
        *_evidence(records),
        *_unfinished(records),
        *_exit_code(records),
        *_target(records),
        *_elsewhere(records),
        *_at_another_time(records),
    ]


def coverage_differences(catalogue: Catalogue, coverage: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a coverage document: a criterion lost, doubled, or totals that do not add up."""
    ids = [row["id"] for row in coverage["criteria"]]
    found = [] if ids == list(catalogue.criteria) else ["coverage does not list the criteria of the catalogue"]
    if sum(coverage["totals"][state] for state in STATES) != len(catalogue.criteria):
        found.append(f"coverage: the five states do not add up to {len(catalogue.criteria)}")
    return found


def _compare(reporter: str, wanted: Counter[Key], found: Counter[Key]) -> Iterable[str]:
    if wanted and not found:
        yield f"{reporter} has no result at all: behave ended before it recorded one"
        return
    for (place, name), count in sorted((wanted - found).items()):
        yield f'{reporter} has no result of "{name}" ({place})' + (f", {count} times" if count > 1 else "")
    for (place, name), count in sorted((found - wanted).items()):
        yield f'{reporter} has a result of "{name}" ({place}) that the features do not ask for, {count} more'


def _verdicts(records: Records) -> Iterable[str]:
    judged = by_key(records.outcomes)
    for case in records.allure:
        end = judged.get(case.key)
        if end is not None and end.status != "missing" and end.reported != case.verdict:
            yield f'"{case.name}" ({case.file}): JUnit says {end.reported}, Allure says {case.verdict}'


def _labels(records: Records) -> Iterable[str]:
    scenarios = {one.key: one for one in records.scenarios}
    for case in records.allure:
        if case.key not in scenarios:
            continue
        known = [records.catalogue.criteria[one] for one in scenarios[case.key].criteria]
        if sorted(case.features) != sorted(criterion_label(one) for one in known):
            yield f'"{case.name}" ({case.file}) stands below other criteria in Allure than its tags say'


def _evidence(records: Records) -> Iterable[str]:
    for case in records.allure:
        for source in case.attachments:
            if not (case.path.parent / source).exists():
                yield f'"{case.name}" ({case.file}): its attachment {source} is missing'


def _unfinished(records: Records) -> Iterable[str]:
    for end in records.outcomes:
        if end.verdict == NOT_RUN and end.status == "untested":
            yield f'"{end.scenario.name}" ({end.scenario.place}) was never begun: the run was stopped before it'


def _exit_code(records: Records) -> Iterable[str]:
    red = any(end.verdict in (VIOLATED, SUITE_DEFECT) for end in records.outcomes)
    if records.exit_code != 0 and not red:
        yield f"behave ended with code {records.exit_code} although no scenario is red; its output says why"
    if records.exit_code == 0 and any(end.verdict == VIOLATED for end in records.outcomes):
        yield "behave ended with code 0 although a scenario is red"


def _target(records: Records) -> Iterable[str]:
    if not any(end.verdict == PASSED for end in records.outcomes):
        return
    if not records.target:
        yield "the endpoints that were called prove no target: none was recorded, or they contradict each other"
    elif records.target not in _TARGETS_OF[records.selected]:
        yield f"the run was to be on {records.selected}, but the endpoints that were called prove {records.target}"


def _elsewhere(records: Records) -> Iterable[str]:
    """A scenario that is not for this target is skipped; one that passed all the same ran on another."""
    for end in records.outcomes:
        if records.target and end.verdict == PASSED and not for_target(end.scenario, records.target):
            yield f'"{end.scenario.name}" ({end.scenario.place}) passed, but it does not run on {records.target}'


def _at_another_time(records: Records) -> Iterable[str]:
    first = datetime.fromisoformat(records.started).timestamp() - _SECONDS_ASIDE
    last = datetime.fromisoformat(records.finished).timestamp() + _SECONDS_ASIDE
    for case in records.allure:
        if not first <= case.began <= case.ended <= last:
            moment = datetime.fromtimestamp(case.began, UTC).isoformat(timespec="seconds")
            run = f"{records.started} to {records.finished}"
            yield f'"{case.name}" ({case.file}) ran at {moment}, outside of the run, {run}'
