"""The function's libraries: all of them are in its package, which is the only code that Lambda has beside boto3."""

from __future__ import annotations

import importlib.util
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import boto3
import pytest

from engine.client import EngineClient
from engine.deploy import deployment
from engine.deploy.packaging import package
from simulator import Simulator
from tests.serving import serving

TESTDATA = Path(__file__).parents[3] / "testdata"
RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")
ONE_TICK = """
import json, sys
sys.path[:0] = {paths}
from engine.function.handler import handler

class Context:
    aws_request_id = "request"
    def get_remaining_time_in_millis(self): return 30_000

execution_id = sys.argv[1]
event = dict(Action="tick", ExecutionId=execution_id, Run=1, Tick=1)
print(json.dumps(handler(event, Context())))
"""


def without(library: str) -> bytes:
    """The function's package without one library."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package())) as source, zipfile.ZipFile(target, "w") as smaller:
        for name in source.namelist():
            if name.split("/")[0].removesuffix(".py") != library:
                smaller.writestr(name, source.read(name))
    return target.getvalue()


def libraries() -> list[str]:
    names = {name.split("/")[0].removesuffix(".py") for name in zipfile.ZipFile(io.BytesIO(package())).namelist()}
    # Powertools imports jmespath, which the runtime has; `attrs` is the new name of `attr`, which no library needs.
    return sorted(names - {"engine", *RUNTIME, "attrs"})


@pytest.mark.parametrize("library", libraries())
def test_a_function_whose_package_lacks_a_library_fails(library):
    with Simulator() as aws:
        stack = deployment.deploy(aws.session(), "engine-test", parameters={"KeepData": "no"}, code=without(library))
        answer = aws.session().client("lambda").invoke(FunctionName=stack.outputs["FunctionName"], Payload=b"{}")
        document = json.loads(answer["Payload"].read())
    assert document["errorType"] == "Runtime.ImportModuleError"
    assert f"No module named '{library}'" in document["errorMessage"]


def test_one_tick_in_an_interpreter_with_boto3_and_the_package_only(tmp_path, monkeypatch):
    with zipfile.ZipFile(io.BytesIO(package())) as archive:
        archive.extractall(tmp_path / "package")
    (tmp_path / "runtime").mkdir()
    for name in (*RUNTIME, "rpds"):  # the package's rpds is compiled for Lambda's Python
        found = Path(importlib.util.find_spec(name).origin or "")
        library = found.parent if found.name == "__init__.py" else found
        (tmp_path / "runtime" / library.name).symlink_to(library)
    with serving("--seed", str(TESTDATA / "environments" / "six-servers.json")) as server:
        server.control.set_time_mode("stepped")
        for name, value in server.variables.items():
            monkeypatch.setenv(name, value)
        session = boto3.Session()
        stack = deployment.deploy(session, "engine-test", parameters={"KeepData": "no"})
        client = EngineClient(session, stack.outputs)
        for group in json.loads((TESTDATA / "groups.json").read_text()):
            client.put_group({**group, "AccountId": server.facts["account"]})
        client.put_plan(json.loads((TESTDATA / "plans" / "three-tier.json").read_text()))
        execution_id = client.start("plan-three-tier")
        function = session.client("lambda").get_function_configuration(FunctionName=stack.outputs["FunctionName"])
        paths = [str(tmp_path / "runtime"), str(tmp_path / "package")]
        # -I and -S: neither the environment's libraries nor this project can be imported.
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", ONE_TICK.format(paths=paths), execution_id],
            env=server.variables | function["Environment"]["Variables"],
            text=True,
            capture_output=True,
        )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    assert (answer["ExecutionId"], answer["Tick"], answer["Next"]) == (execution_id, 2, "WAIT")
