"""The suite's speed as ratios to bare boto3 and moto, measured in the same run, since machines differ twofold.

R = processor seconds of behave for the scenarios of the 60 criteria / (16,271 x those of one GetItem on bare moto).
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tests.bench import drills

ROOT = Path(__file__).resolve().parents[2]
CALLS = 16_271
"""The number of simulated calls of a run when the ratio was defined; it stays, so that fewer calls count as a gain."""
ROUNDS = 5
_BARE_MOTO = """
import time, boto3, moto
with moto.mock_aws():
    table = boto3.client("dynamodb", region_name="us-east-1")
    table.create_table(TableName="t", KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST")
    table.put_item(TableName="t", Item={"Id": {"S": "one"}, "Text": {"S": "x" * 2000}})
    for count in (100, 1000):
        begun = time.process_time()
        for _ in range(count):
            table.get_item(TableName="t", Key={"Id": {"S": "one"}})
    print((time.process_time() - begun) / count)
"""
_BARE_CLIENT = "import boto3; boto3.client('dynamodb', region_name='us-east-1')"


def bench_speed() -> None:
    get_item = statistics.median(float(_python("-c", _BARE_MOTO)) for _ in range(3))
    suite = _processor_seconds("-m", "behave", "-f", "null", "--no-summary", *_features())
    print(f"\na GetItem on bare moto: {get_item * 1000:.2f} ms of processor time")
    print(f"R, the scenarios of the 60 criteria: {suite / (CALLS * get_item):.2f} ({suite:.1f} s)")
    warm = min(_drill_seconds() for _ in range(3))
    print(f"a three-tier drill, warm: {warm / get_item:.0f} GetItems ({warm:.2f} s)")
    scenario = ["-m", "behave", "-f", "null", "--no-summary", _first_scenario()]
    commands = {"behave FILE:LINE": scenario, "traceability check": ["-m", "traceability", "check"]}
    commands |= {"import simulator": ["-c", "import simulator"]}
    for name, command in commands.items():
        pairs = [(_wall_seconds(*command), _wall_seconds("-c", _BARE_CLIENT)) for _ in range(ROUNDS)]
        ratio = statistics.median(mine / bare for mine, bare in pairs)
        seconds = statistics.median(mine for mine, _ in pairs)
        print(f"{name}: {ratio:.1f} times the wall time of a bare client ({seconds:.2f} s)")
    files = [*(ROOT / "simulator/patches").glob("*.py"), *(ROOT / "simulator/gateway").glob("direct.py")]
    lines = sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files)
    print(f"simulator/patches, and the direct path past HTTP: {lines} lines")


def _features() -> list[str]:
    """The files of the 60 criteria: the extensions have files of their own."""
    return [str(file.relative_to(ROOT)) for file in sorted((ROOT / "features").glob("r*.feature"))]


def _first_scenario() -> str:
    file = _features()[0]
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    return f"{file}:{next(n for n, line in enumerate(lines, 1) if line.strip().startswith('Scenario'))}"


def _python(*arguments: str) -> str:
    command = [sys.executable, *arguments]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
    return ended.stdout


def _processor_seconds(*arguments: str) -> float:
    before = os.times()
    _python(*arguments)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def _wall_seconds(*arguments: str) -> float:
    begun = time.perf_counter()
    _python(*arguments)
    return time.perf_counter() - begun


def _drill_seconds() -> float:
    begun = time.process_time()
    drills.run(waves=3, servers_a_wave=2, kind="DRILL")
    return time.process_time() - begun
