"""Runs of the suite with the target `aws` in a process of its own, against the served simulator, and how they end.

What must hold whatever happens: nothing that costs money stays, or one line says how to remove it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.deploy import sweep
from tests.serving import ROOT, SimulatorServer, serving

DRILL = "features/r10_real_drs_environment.feature"
SECONDS = 600


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatorServer]:
    with serving("--virtual") as started:
        yield started


@pytest.fixture(autouse=True, scope="module")
def _interruptible() -> Iterator[None]:
    """Below `nohup`, or started with `&`, this process ignores SIGINT, and its children would inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def _clean(server: SimulatorServer) -> Iterator[None]:
    yield
    server.control.heal()
    for one in sweep.find(_endpointed(server)):
        sweep.remove(_endpointed(server), one.label, server.control.advance, print)


def environment(server: SimulatorServer) -> dict[str, str]:
    allowed = {"ACCEPTANCE_ACCOUNT": "111122223333", "ACCEPTANCE_REGION": "us-east-1", "ACCEPTANCE_BUDGET": "6"}
    return os.environ | server.variables | allowed


@contextmanager
def behaving(server: SimulatorServer, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "behave", "-D", "target=aws", "--no-color", "--no-skipped", *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(server), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def output(process: subprocess.Popen[str]) -> str:
    return process.communicate(timeout=SECONDS)[0]


def run_sweep(server: SimulatorServer, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "engine", "sweep", "--look-every", "0.1", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment(server), text=True, capture_output=True, timeout=SECONDS)


def wait_until_launching(server: SimulatorServer, run: subprocess.Popen[str]) -> None:
    """Until a drill of the run is under way."""
    end = time.monotonic() + SECONDS
    client = server.client("drs")
    while not any(job["status"] != "COMPLETED" for job in client.describe_jobs(filters={})["items"]):
        assert run.poll() is None, f"the run ended before its launch was seen: {output(run)}"
        assert time.monotonic() < end, "waited in vain for the drill to launch"
        time.sleep(0.01)  # the run is another process, in real time


def left(server: SimulatorServer) -> list[str]:
    """The resources of a run by its label, and the instances and stacks of all runs."""
    found = [f"{one.label}: {line}" for one in sweep.find(_endpointed(server)) for line in one.lines()]
    instances = server.client("drs").describe_recovery_instances(filters={})["items"]
    stacks = [one["StackName"] for one in server.client("cloudformation").describe_stacks()["Stacks"]]
    machines = server.client("ec2").describe_instances(
        Filters=[{"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}]
    )["Reservations"]
    buckets = server.client("s3").list_buckets()["Buckets"]
    return [*found, *map(str, [*instances, *stacks, *machines, *buckets])]


class _endpointed:  # noqa: N801 - stands for a session
    """A boto3 session whose clients call the server."""

    region_name = "us-east-1"

    def __init__(self, server: SimulatorServer) -> None:
        self.client = server.client


def test_a_run_that_ends_leaves_nothing_and_tells_no_credential(server: SimulatorServer, tmp_path: Path) -> None:
    """The run's own keys are the planted ones: botocore's log, hooks and reports all could have them."""
    results, junit = tmp_path / "allure", tmp_path / "junit"
    arguments = ["--format", "traceability.recording.allure_formatter:TraceabilityFormatter", "--outfile", str(results)]
    with behaving(server, *arguments, "--junit", "--junit-directory", str(junit), DRILL, "--tags=@AC-10.3") as run:
        said = output(run)
    assert run.returncode == 0, said
    assert "aws: budget 6 servers" in said
    assert "1 scenarios; 1 launch servers, 2 in all" in said
    assert left(server) == []
    written = {path.name: path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file()}
    assert any("StartRecovery" in text for text in written.values())
    for secret in (server.facts["access_key_id"], server.facts["secret_access_key"]):
        assert [name for name, text in {**written, "output": said}.items() if secret in text] == []


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_interrupted_removes_everything(server: SimulatorServer, sign: signal.Signals) -> None:
    with behaving(server, DRILL, "--tags=@AC-10.2") as run:
        wait_until_launching(server, run)
        run.send_signal(sign)
        said = output(run)
    assert run.returncode != 0, said
    assert left(server) == []


def test_what_a_killed_run_left_is_swept_away_and_nothing_else(server: SimulatorServer) -> None:
    formation = server.client("cloudformation")
    formation.create_stack(StackName="other", TemplateBody='{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}')
    with behaving(server, DRILL, "--tags=@AC-10.2") as run:
        wait_until_launching(server, run)
        run.kill()
    listed = run_sweep(server)
    assert listed.returncode == 1
    assert "stack drs-engine-suite-" in listed.stdout
    assert "Stopped: the command did nothing." in listed.stderr
    assert any("drs-engine-suite-" in one for one in left(server))
    with behaving(server, DRILL, "--tags=@AC-10.4") as refused:
        said = output(refused)
    assert refused.returncode != 0
    assert "was killed and left its" in said
    elsewhere = run_sweep(server, "--yes", "--account", "999988887777")
    assert elsewhere.returncode == 2
    assert "for account 111122223333, not 999988887777; nothing was done" in elsewhere.stderr
    assert any("drs-engine-suite-" in one for one in left(server))
    swept = run_sweep(server, "--yes")
    assert swept.returncode == 0, swept.stderr
    assert left(server) == ["other"]
    formation.delete_stack(StackName="other")
    assert "No resources of test runs are left" in run_sweep(server).stdout


def test_a_sweep_goes_on_from_an_interrupted_one(server: SimulatorServer) -> None:
    with behaving(server, DRILL, "--tags=@AC-10.2") as run:
        wait_until_launching(server, run)
        run.kill()
    session, drs = _endpointed(server), server.client("drs")

    def pause(seconds: float) -> None:
        jobs = drs.describe_jobs(filters={})["items"]
        if any(job["type"] == "TERMINATE" and job["status"] != "COMPLETED" for job in jobs):
            raise KeyboardInterrupt
        server.control.advance(seconds)

    (leftover,) = sweep.find(session)
    with pytest.raises(KeyboardInterrupt):
        sweep.remove(session, leftover.label, pause, print)
    sweep.remove(session, leftover.label, server.control.advance, print)
    assert left(server) == []


def test_credentials_that_expire_in_the_middle_are_one_line_and_the_next_run_sweeps(server: SimulatorServer) -> None:
    with behaving(server, DRILL, "--tags=@AC-10.2") as run:
        wait_until_launching(server, run)
        server.control.add_fault("expire_token", times=None, source="client")
        said = output(run)
    assert run.returncode != 0
    assert "aws: the clean-up is incomplete" in said
    assert "run `python -m engine sweep`" in said
    server.control.heal()
    with behaving(server, DRILL, "--tags=@AC-10.4", "-D", "sweep=yes") as after:
        said = output(after)
    assert after.returncode == 0, said
    assert left(server) == []


def test_a_network_that_is_lost_for_a_while_does_not_end_a_run(server: SimulatorServer) -> None:
    with behaving(server, DRILL, "--tags=@AC-10.3") as run:
        wait_until_launching(server, run)
        server.control.add_fault("lose_connection", times=3, source="client")
        said = output(run)
    assert run.returncode == 0, said
    assert left(server) == []


def test_a_run_without_leave_does_nothing(server: SimulatorServer) -> None:
    before = len(server.control.journal())
    variables = os.environ | server.variables
    command = [sys.executable, "-m", "behave", "-D", "target=aws", DRILL]
    ended = subprocess.run(command, cwd=ROOT, env=variables, text=True, capture_output=True, timeout=SECONDS)
    assert ended.returncode != 0
    assert "behave: no call of AWS was made: -D account=… (or ACCEPTANCE_ACCOUNT)" in ended.stderr
    assert "Traceback" not in ended.stderr + ended.stdout
    assert len(server.control.journal()) == before
