"""docs/simulator.md: the table lists every fault with its method and every field, and the examples run as written."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from botocore import xform_name
from botocore.loaders import Loader

from simulator.drs.responses import DRSResponse
from simulator.gateway.faults import KINDS, Fault, Faults
from simulator.serving import RemoteSimulator

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "simulator.md").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs" / "simulator-operations.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
PYTHON = [text for language, text in BLOCKS if language == "python"]
SNAKE = {xform_name(name): name for name in Loader().load_service_model("drs", "service-2")["operations"]}
REQUESTS = [line for language, text in BLOCKS if language == "bash" for line in text.splitlines() if "curl" in line]


def test_every_fault_has_a_row_that_names_its_method() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)[`(]", PAGE, re.MULTILINE)
    assert {kind for kind, _ in rows} == KINDS
    assert [method for _, method in rows if not hasattr(Faults, method)] == []


def test_every_field_is_named() -> None:
    assert [one.name for one in fields(Fault) if f"`{one.name}`" not in PAGE and one.name != "kind"] == []


def test_every_request_of_the_control_is_named() -> None:
    routes = (ROOT / "simulator" / "serving" / "control.py").read_text(encoding="utf-8")
    answered = {
        f"{verb} /_simulator/{name}".rstrip("/") for verb, name in re.findall(r'\("(\w+)", "([\w-]*)"\):', routes)
    }
    assert len(answered) > 5
    assert {one for one in answered if f"| `{one}` |" not in PAGE} == set()


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default seed together with the environment on the page."""
    (shown,) = [json.loads(text) for language, text in BLOCKS if language == "json"]
    default = json.loads((ROOT / "testdata" / "environments" / "six-servers.json").read_text(encoding="utf-8"))
    path = tmp_path_factory.mktemp("seed") / "seed.json"
    path.write_text(json.dumps({"Environments": default["Environments"] + shown["Environments"]}), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def served(seed: Path) -> Iterator[dict[str, str]]:
    """The environment variables of a client, with those that the server prints as JSON."""
    command = [sys.executable, "-m", "simulator", "serve", "--port", "0", "--json", "--stop-with-stdin"]
    with subprocess.Popen(
        [*command, "--seed", str(seed)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin
        assert server.stdout
        facts = json.loads(server.stdout.readline())
        yield _environment() | {
            "AWS_ENDPOINT_URL": facts["endpoint"],
            "AWS_ACCESS_KEY_ID": facts["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": facts["secret_access_key"],
            "AWS_REGION": facts["region"],
            "AWS_DEFAULT_REGION": facts["region"],
        }
        server.stdin.close()


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}


def _run(text: str, environment: dict[str, str]) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", text],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_drill_over_the_control_runs(served: dict[str, str]) -> None:
    (drill,) = [text for text in PYTHON if "control.hold()" in text]
    assert "'StartRecovery'" in (printed := _run(drill, served))
    assert printed.rstrip().endswith("] []")  # no defect of the simulator


def test_the_faults_over_the_control_are_accepted(served: dict[str, str]) -> None:
    (faults,) = [text for text in PYTHON if "add_fault" in text]
    _run(faults.replace("http://127.0.0.1:4599", served["AWS_ENDPOINT_URL"]) + "control.heal()\n", served)


def test_the_drill_in_one_process_runs() -> None:
    (drill,) = [text for text in PYTHON if "with Simulator()" in text]
    assert _run(drill, _environment()).rstrip().endswith("['ThrottlingException', None]")


@pytest.mark.parametrize("line", REQUESTS)
def test_the_requests_of_the_control_are_answered(served: dict[str, str], line: str) -> None:
    RemoteSimulator(served["AWS_ENDPOINT_URL"]).set_time_mode("stepped")  # as the first of the requests does
    answer = subprocess.run(["bash", "-c", line], env=served, capture_output=True, text=True, timeout=600, check=True)
    assert json.loads(answer.stdout)


def test_the_page_names_the_operations_of_drs() -> None:
    operations = {name for name in dir(DRSResponse) if not name.startswith("_") and name in SNAKE}
    ((count, of, names),) = re.findall(r"^\| DRS \| (\d+) of its (\d+) operations: ([^.]+)\.", PAGE, re.MULTILINE)
    assert (int(count), int(of)) == (len(operations), len(SNAKE))
    assert set(names.split(", ")) == {SNAKE[name] for name in operations}


def test_the_list_of_operations_is_current() -> None:
    command = [sys.executable, "-m", "simulator", "services", "--check"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert ended.returncode == 0, ended.stderr
    listed = dict(re.findall(r"^\| ([\w-]+) \| \d+ \| \d+ \| (.*) \|$", OPERATIONS, re.MULTILINE))
    assert "StartRecovery" in listed["drs"]
    assert "DeleteJob" not in listed["drs"]
    assert listed["sts"].startswith("AssumeRole, ")
