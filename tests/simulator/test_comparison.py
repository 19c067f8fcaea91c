"""Two simulators, of which one was changed on purpose and stands for AWS: the comparison finds each change."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import simulator.drs.resources
from simulator import Simulator
from simulator.__main__ import main
from simulator.comparison import answers, differences, reference, traits
from simulator.comparison.answers import Answer
from simulator.drs.exceptions import ResourceNotFoundException
from simulator.drs.jobs import LaunchRun
from simulator.drs.resources import Job, JobLogItem, ParticipatingServer, RecoveryInstance, Snapshot
from simulator.gateway import model_validation

CRITERIA = ["AC-10.2", "AC-10.5"]
Patch = pytest.MonkeyPatch


def drill(prepare: Callable[[Any], None] = lambda _: None) -> list[Answer]:
    with Simulator(enforce_iam=False) as aws:
        prepare(aws.drs)
        return reference.drill(aws)


@pytest.fixture(scope="module")
def simulated() -> traits.Traits:
    return traits.of(drill())


# -- The changes. Each has the words that the comparison must say, and no others.


def _described(patch: Patch, kind: type, change: Callable[[dict[str, Any]], Any]) -> None:
    original = kind.describe

    def describe(self: Any, *arguments: Any) -> dict[str, Any]:
        found: dict[str, Any] = original(self, *arguments)
        change(found)
        return found

    patch.setattr(kind, "describe", describe)


def times_in_milliseconds(patch: Patch) -> None:
    def iso(moment: datetime) -> str:
        return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    patch.setattr(simulator.drs.resources, "iso", iso)


def a_missing_field(patch: Patch) -> None:
    _described(patch, ParticipatingServer, lambda found: found.pop("launchActionsStatus"))


def a_field_more(patch: Patch) -> None:
    _described(
        patch, RecoveryInstance, lambda found: found.update(sourceOutpostArn="arn:aws:outposts:us-east-1::o/op-1")
    )


def a_new_status(patch: Patch) -> None:
    original = Job.status
    patch.setattr(Job, "status", lambda self, now: original(self, now).replace("STARTED", "PREPARING"))


def a_new_event(patch: Patch) -> None:
    _described(
        patch, JobLogItem, lambda found: found.update(event=found["event"].replace("LAUNCH_START", "JOB_CANCEL"))
    )


def another_order_of_events(patch: Patch) -> None:
    original = LaunchRun._log

    def log(self: LaunchRun, seconds: float, event: str, **data: str) -> None:
        original(self, seconds + (200 if event.startswith("CLEANUP") else 0), event, **data)

    patch.setattr(LaunchRun, "_log", log)


def a_text_for_a_time(patch: Patch) -> None:
    _described(patch, RecoveryInstance, lambda found: found.update(pointInTimeSnapshotDateTime="yesterday"))


def no_end_of_a_job(patch: Patch) -> None:
    _described(patch, Job, lambda found: found.pop("endDateTime"))


def a_field_that_is_sometimes_missing(patch: Patch) -> None:
    def change(found: dict[str, Any]) -> None:
        if found["status"] == "COMPLETED":
            found.pop("initiatedBy")

    _described(patch, Job, change)


def other_ids(patch: Patch) -> None:
    _described(patch, Snapshot, lambda found: found.update(snapshotID=found["snapshotID"][:14]))


def another_refusal(patch: Patch) -> None:
    patch.setattr(ResourceNotFoundException, "code", "ValidationException")


CHANGES: dict[Callable[[Patch], None], str] = {
    times_in_milliseconds: "format DescribeJobs items[].creationDateTime AWS sends time with 3 decimals and Z, "
    "the simulator time with 6 decimals and offset +00:00",
    a_missing_field: "field DescribeJobs items[].participatingServers[].launchActionsStatus "
    "the simulator sends it, AWS does not",
    a_field_more: "field DescribeRecoveryInstances items[].sourceOutpostArn AWS sends it, the simulator does not",
    a_new_status: "word DescribeJobs items[].status AWS says PREPARING, which is not in the service's model; "
    "the simulator says COMPLETED, PENDING, STARTED",
    a_new_event: "word DescribeJobLogItems items[].event AWS says JOB_CANCEL, which is in the service's model; "
    "the simulator says CLEANUP_END, CLEANUP_START, CONVERSION_END, CONVERSION_START, JOB_END, JOB_START, "
    "LAUNCH_FAILED, LAUNCH_START, SNAPSHOT_END, SNAPSHOT_START",
    another_order_of_events: "order events of a server in a job's log on AWS SNAPSHOT_START comes before CLEANUP_END, "
    "in the simulator after it",
    a_text_for_a_time: "format DescribeRecoveryInstances items[].pointInTimeSnapshotDateTime AWS sends any text, "
    "the simulator time with 6 decimals and offset +00:00",
    no_end_of_a_job: "field DescribeJobs items[].endDateTime the simulator sends it, AWS does not",
    a_field_that_is_sometimes_missing: "field DescribeJobs items[].initiatedBy "
    "AWS sometimes leaves it out, the simulator never",
    other_ids: "format DescribeRecoverySnapshots items[].snapshotID AWS sends pit- and 10 letters or digits, "
    "the simulator pit- and 17 letters or digits",
    another_refusal: "word StartRecovery error AWS refuses with ValidationException; "
    "the simulator's drill met ResourceNotFoundException",
}


def found_by(aws: list[Answer], simulated: traits.Traits) -> list[str]:
    found = differences.between(traits.of(aws), simulated)
    return [f"{one.kind} {one.place} {one.text}" for one in found]


def test_a_simulator_does_not_differ_from_itself(simulated: traits.Traits) -> None:
    for seed in (0, 7):
        with Simulator(seed=seed, enforce_iam=False) as aws:
            aws.drs.seed(seed)
            assert found_by(reference.drill(aws), simulated) == []


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: one.__name__)
def test_each_change_of_a_simulator_is_found(
    simulated: traits.Traits, monkeypatch: Patch, change: Callable[[Patch], None]
) -> None:
    # The simulator checks its own answers by the service's model; AWS's need not fit it.
    monkeypatch.setattr(model_validation, "answer_problems", lambda *_: [])
    change(monkeypatch)
    found = found_by(drill(), simulated)
    assert CHANGES[change] in found
    (kind,) = {one.split()[0] for one in found} - {"field"} or {"field"}
    assert kind == CHANGES[change].split()[0], found


@pytest.mark.parametrize(
    ("phase", "seconds"),
    [
        ("pending", (100, 130)),
        ("snapshot", (200, 240)),
        ("conversion", (900, 960)),
        ("launch", (240, 300)),
        ("terminate", (5, 9)),
    ],
)
def test_other_durations_are_found_with_a_proposal(
    simulated: traits.Traits, phase: str, seconds: tuple[int, int]
) -> None:
    aws = traits.of(drill(lambda drs: setattr(drs.timing, phase, seconds)))
    (found,) = differences.between(aws, simulated)
    assert (found.kind, found.place, found.id) == ("time", phase, f"time: {phase}")
    (proposal,) = differences.proposals(aws)
    low, high = proposal.proposed
    assert seconds[0] <= low <= high <= seconds[1] + 1


def test_many_durations_leave_out_the_extremes() -> None:
    aws = traits.Traits()
    one = Answer("DescribeJobLogItems", {}, {}, None, datetime(2026, 1, 1, tzinfo=UTC))
    aws.durations["pending"] = [(float(seconds), one) for seconds in (1, *range(20, 58), 900)]
    (proposal,) = differences.proposals(aws)
    assert (proposal.proposed, proposal.samples) == ((21, 56), 40)


def test_skipped_statuses_are_no_other_order(simulated: traits.Traits) -> None:
    """A caller that asks seldom misses statuses; that is no difference."""
    seldom = [one for index, one in enumerate(drill()) if one.operation != "DescribeJobs" or index % 5 == 0]
    assert [one for one in found_by(seldom, simulated) if one.startswith("order")] == []


# -- The command.


def kept(folder: Path, seen: list[Answer]) -> Path:
    """Write the answers as a run keeps them."""
    rows = [
        {
            "service": "drs",
            "operation": one.operation,
            "parameters": one.parameters,
            "answer": one.answer,
            "error": one.error,
            "ended": one.ended.isoformat(),
            "scenario": "A drill",
            "criteria": CRITERIA,
        }
        for one in seen
    ]
    notes = folder / ".run"
    notes.mkdir(parents=True)
    (notes / "answers-1.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return folder


def compare(*arguments: object) -> tuple[int, str]:
    ended = CliRunner().invoke(main, ["compare", *map(str, arguments)])
    return ended.exit_code, ended.output


@pytest.fixture
def changed(tmp_path: Path, monkeypatch: Patch) -> Path:
    with monkeypatch.context() as patch:
        a_missing_field(patch)
        a_new_status(patch)
        times_in_milliseconds(patch)
        return kept(tmp_path / "reports", drill(lambda drs: setattr(drs.timing, "conversion", (900, 960))))


def test_the_command_names_differences_proposals_and_suspects(changed: Path) -> None:
    code, said = compare(changed)
    assert code == 1
    assert "AWS says PREPARING, which is not in the service's model" in said
    assert "AWS sends time with 3 decimals and Z" in said
    assert "participatingServers[].launchActionsStatus" in said
    assert "    conversion: tuple[int, int] = (9" in said
    assert "Suspect until a person has decided: AC-10.2 (" in said


def test_a_run_like_the_simulator_ends_well(tmp_path: Path) -> None:
    code, said = compare(kept(tmp_path / "reports", drill()))
    assert (code, said.splitlines()[-1]) == (0, "0 differences")


def test_a_bundle_is_read_like_its_folder(changed: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.zip"
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.write(changed / ".run" / "answers-1.jsonl", "reports/.run/answers-1.jsonl")
    assert compare(bundle) == compare(changed)


def test_a_decided_difference_makes_no_criterion_suspect(changed: Path, tmp_path: Path, monkeypatch: Patch) -> None:
    found = json.loads(compare(changed, "--json")[1])
    assert set(found["suspects"]) == set(CRITERIA)
    decided = tmp_path / "decided.yaml"
    decided.write_text(json.dumps({one["id"]: "seen on every account; harmless" for one in found["differences"]}))
    monkeypatch.setattr(differences, "DECIDED", decided)
    code, said = compare(changed)
    assert code == 0
    assert said.endswith(f"0 differences, {len(found['differences'])} more are decided\n")
    assert "Suspect" not in said


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "no such file or folder"),
        ("", "no answers of DRS"),
        ("{}\n", "answers-1.jsonl:1: no answer of DRS: KeyError 'service'"),
        ("not json\n", "answers-1.jsonl:1: no answer of DRS: JSONDecodeError"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(tmp_path: Path, content: str | None, reason: str) -> None:
    folder = tmp_path / "reports"
    if content is not None:
        folder.mkdir()
        (folder / "answers-1.jsonl").write_text(content)
    code, said = compare(folder)
    assert (code, said.count("\n")) == (2, 1), said
    assert reason in said


def test_the_list_of_decisions_can_be_read() -> None:
    assert all(reason.strip() for reason in differences.load_decided().values())


def test_criteria_are_named_in_their_order() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    seen = [Answer("DescribeJobs", {}, {}, None, moment, ("AC-10.2", "EX-1.1", "AC-2.10", "AC-2.9"))]
    assert answers.criteria_of(seen) == ("AC-2.9", "AC-2.10", "AC-10.2", "EX-1.1")
