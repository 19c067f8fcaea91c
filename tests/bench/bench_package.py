"""The function's package: its size, and the time of a cold start's imports next to those of bare boto3 clients.

Marks of the project: at most 1.5 times the bare clients, and less than 5 MB.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from engine.deploy.packaging import build, package

ROOT = Path(__file__).parents[2]
ROUNDS = 9
SERVICES = ("dynamodb", "stepfunctions", "sns", "sts", "drs", "ec2")
_CLIENTS = f"""
import boto3
session = boto3.Session(region_name="us-east-1")
for service in {SERVICES!r}:
    session.client(service)
"""
# The work of a cold start before the first event: imports, set-up, and the clients of the first drill.
_HANDLER = """
import os
import engine.function.handler
from engine.aws.caller import CLIENT_CONFIG
import boto3
engine.function.handler.services()
session = boto3.Session(region_name="us-east-1")
for service in ("sns", "drs", "ec2"):
    session.client(service, config=CLIENT_CONFIG)
"""
_TIMED = "import time; begun = time.process_time()\n{}\nprint(time.process_time() - begun)"


def bench_package() -> None:
    with tempfile.TemporaryDirectory() as no_libraries:
        own = len(build(Path(no_libraries)))
    print(f"\npackage: {len(package()) / 1e6:.2f} MB, of it our own code {own / 1e6:.2f} MB")
    bare, ours = [], []
    for _ in range(ROUNDS):  # in alternation: a busy machine slows both
        bare.append(_seconds(_CLIENTS))
        ours.append(_seconds(_HANDLER))
    one, other = statistics.median(ours), statistics.median(bare)
    print(f"cold start of the handler: {one * 1000:.0f} ms of processor time")
    print(f"bare boto3 clients of the same services: {other * 1000:.0f} ms, ratio {one / other:.2f}")


def _seconds(program: str) -> float:
    """Processor seconds of the program in a fresh interpreter, without the interpreter's own start."""
    settings = {
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "none",
        "ENGINE_ACCOUNT_ID": "111122223333",
        "SERVERS_PER_JOB": "100",
        "JOB_LABEL": "",
        "EXECUTION_HISTORY_TABLE": "history",
        "RECOVERY_PLANS_TABLE": "plans",
        "PROTECTION_GROUPS_TABLE": "groups",
        "STATE_MACHINE_ARN": "arn:aws:states:us-east-1:111122223333:stateMachine:engine",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-c", _TIMED.format(program)]
    done = subprocess.run(command, env=os.environ | settings, capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])
