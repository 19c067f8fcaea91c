"""Compares the records of a run: catalogue, features, JUnit, Allure, behave's exit code, the endpoints called.

Every known loss of a reporter (hook error, stopped run, merged names, missing file) leaves a difference between two
records. A run with a difference proves no criterion, even if all its scenarios passed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from traceability.evaluation.coverage import RunFacts, ScenarioOutcome, by_key, sections
from traceability.evaluation.record_readers import AllureCase, JUnitCase, Key, junit_key
from traceability.model.catalogue import Catalogue
from traceability.model.feature_files import Scenario, for_target
from traceability.model.states import REHEARSAL, STATES, criterion_label
from traceability.model.verdict import NOT_RUN, PASSED, SUITE_DEFECT, VIOLATED

_CLOCK_TOLERANCE = 60.0
"""Seconds that a scenario may lie outside its run: the machine's clock may be corrected during a run."""
# The selected target, and the targets that the endpoints may prove: an endpoint URL can lead AWS clients to a server
# on this machine.
_TARGETS_OF = {"moto": {"moto"}, "aws": {"aws", REHEARSAL}, "rehearsal": {REHEARSAL}}


@dataclass(frozen=True)
class Records:
    """The records of one run. `target` is the target that the endpoints prove, "" when they prove none."""

    catalogue: Catalogue
    features: str
    scenarios: Sequence[Scenario]
    junit: Sequence[JUnitCase]
    allure: Sequence[AllureCase]
    outcomes: Sequence[ScenarioOutcome]
    facts: RunFacts
    target: str


def differences(records: Records) -> list[str]:
    """Return one line for each difference between two records."""
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
        *_passed_on_other_target(records),
        *_outside_run_time(records),
    ]


def coverage_differences(catalogue: Catalogue, coverage: Mapping[str, Any]) -> list[str]:
    """Return the inconsistencies of a coverage document: a criterion lost or doubled, totals that do not add up."""
    found = []
    listed = dict(sections(coverage))
    if [*listed] != [document.kind for document in catalogue.documents]:
        return ["coverage does not list the documents of the catalogue"]
    for document in catalogue.documents:
        section, key, count = listed[document.kind], document.kind.key, len(document.criteria)
        if [row["id"] for row in section["criteria"]] != list(document.criteria):
            found.append(f"coverage does not list the {key} of the catalogue")
        if sum(section["totals"][state] for state in STATES) != count:
            found.append(f"coverage: the five states of the {key} do not add up to {count}")
    return found


def _compare(reporter: str, wanted: Counter[Key], found: Counter[Key]) -> Iterable[str]:
    if wanted and not found:
        yield f"{reporter} has no result at all: behave ended before the first result"
        return
    for (place, name), count in sorted((wanted - found).items()):
        yield f'{reporter} has no result for "{name}" ({place})' + (f", {count} times" if count > 1 else "")
    for (place, name), count in sorted((found - wanted).items()):
        yield f'{reporter} has a surplus result for "{name}" ({place})' + (f", {count} times" if count > 1 else "")


def _verdicts(records: Records) -> Iterable[str]:
    outcomes = by_key(records.outcomes)
    for case in records.allure:
        one = outcomes.get(case.key)
        if one is not None and one.status != "missing" and one.reported != case.verdict:
            yield f'"{case.name}" ({case.file}): JUnit says {one.reported}, Allure says {case.verdict}'


def _labels(records: Records) -> Iterable[str]:
    scenarios = {one.key: one for one in records.scenarios}
    for case in records.allure:
        if case.key not in scenarios:
            continue
        known = [records.catalogue.criteria[one] for one in scenarios[case.key].criteria]
        if sorted(case.features) != sorted(criterion_label(one) for one in known):
            yield f'"{case.name}" ({case.file}) is below other criteria in Allure than in its tags'


def _evidence(records: Records) -> Iterable[str]:
    for case in records.allure:
        for source in case.attachments:
            if not (case.path.parent / source).exists():
                yield f'"{case.name}" ({case.file}): its attachment {source} is missing'


def _unfinished(records: Records) -> Iterable[str]:
    for one in records.outcomes:
        if one.verdict == NOT_RUN and one.status == "untested":
            yield f'"{one.scenario.name}" ({one.scenario.place}) did not start: the run stopped before it'


def _exit_code(records: Records) -> Iterable[str]:
    red = any(one.verdict in (VIOLATED, SUITE_DEFECT) for one in records.outcomes)
    if records.facts.exit_code != 0 and not red:
        yield f"behave ended with code {records.facts.exit_code} although no scenario is red; see its output"
    if records.facts.exit_code == 0 and any(one.verdict == VIOLATED for one in records.outcomes):
        yield "behave ended with code 0 although a scenario is red"


def _target(records: Records) -> Iterable[str]:
    if not any(one.verdict == PASSED for one in records.outcomes):
        return
    if not records.target:
        yield "the endpoints called prove no target: none was recorded, or they contradict each other"
    elif records.target not in _TARGETS_OF[records.facts.selected]:
        yield f"the selected target is {records.facts.selected}, but the endpoints called prove {records.target}"


def _passed_on_other_target(records: Records) -> Iterable[str]:
    """behave skips a scenario without the tag of the target; if it passed, it ran on another target."""
    for one in records.outcomes:
        if records.target and one.verdict == PASSED and not for_target(one.scenario, records.target):
            yield f'"{one.scenario.name}" ({one.scenario.place}) passed, but has no tag for {records.target}'


def _outside_run_time(records: Records) -> Iterable[str]:
    first = datetime.fromisoformat(records.facts.started).timestamp() - _CLOCK_TOLERANCE
    last = datetime.fromisoformat(records.facts.finished).timestamp() + _CLOCK_TOLERANCE
    for case in records.allure:
        if not first <= case.started <= case.ended <= last:
            moment = datetime.fromtimestamp(case.started, UTC).isoformat(timespec="seconds")
            run = f"{records.facts.started} to {records.facts.finished}"
            yield f'"{case.name}" ({case.file}) ran at {moment}, outside the run, {run}'
