"""moto's own tests as a yardstick: how many pass with plain moto, and how many with the served simulator.

The tests come at run time from the source distribution of the installed version. `moto_differences.yaml` names the
differences that are intended, with their reasons.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

import moto
import pytest
import yaml

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CACHE = ROOT / "build" / "moto" / str(moto.__version__)
ALL = "sts sns sqs dynamodb stepfunctions cloudformation"
# BENCH_MOTO="sts sns" measures these services only.
SERVICES = os.environ.get("BENCH_MOTO", ALL).split()
# What the tests import besides moto's own requirements, and an end for a test that hangs.
LIBRARIES = ("freezegun==1.5.5", "pytest-timeout==2.4.0")
LIBRARY_FOLDER = CACHE / "_".join(["libraries", *(one.replace("==", "-") for one in LIBRARIES)])
_SECONDS_A_TEST = 120
Outcomes = dict[str, str]


def bench_moto() -> None:
    tests = _tests()
    plain, served = _run(tests), _run(tests, "-p", "moto_served")
    intended = _intended(served)
    print(f"\nmoto {moto.__version__}, its own tests   plain   served   intended   not intended")
    unintended = []
    for service in SERVICES:
        passed = [name for name, outcome in plain.items() if outcome == "passed" and f"test_{service}." in name]
        failed = [name for name in passed if served.get(name) == "failed"]
        unintended += [name for name in failed if name not in intended]
        kept = Counter(name in intended for name in failed)
        good = sum(served.get(name) == "passed" for name in passed)
        print(f"{service:<28} {len(passed):>9} {good:>8} {kept[True]:>10} {kept[False]:>14}")
    for reason, count in Counter(intended[name] for name in intended if plain.get(name) == "passed").most_common():
        print(f"  intended, {count} tests: {reason}")
    for name in unintended:
        print(f"  not intended: {name}")


def _tests() -> Path:
    """The folder that holds moto's tests."""
    folder = CACHE / "tests"
    if not folder.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        wanted = f"moto=={moto.__version__}"
        _pip("download", "--no-deps", "--no-binary", "moto", "--dest", str(CACHE), wanted)
        (source,) = CACHE.glob("moto-*.tar.gz")
        with tarfile.open(source) as archive:
            inside = [one for one in archive.getmembers() if one.name.split("/")[1:2] == ["tests"]]
            archive.extractall(CACHE, inside, filter="data")
        Path(next(CACHE.glob("moto-*/tests"))).rename(folder)
        (CACHE / "pytest.ini").write_text("[pytest]\nmarkers =\n  aws_verified\n  network\n", encoding="utf-8")
    if not LIBRARY_FOLDER.is_dir():
        _pip("install", "--target", str(LIBRARY_FOLDER), *LIBRARIES)
    return CACHE


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=300)
    except subprocess.SubprocessError as problem:
        pytest.skip(f"the package registry is out of reach: {problem}")


def _run(folder: Path, *options: str) -> Outcomes:
    """The outcome of each test: passed, failed or skipped."""
    report = folder / "report.xml"
    report.unlink(missing_ok=True)
    # Not the folder above `bench`: its package `tests` would hide moto's.
    path = os.pathsep.join([str(LIBRARY_FOLDER), *([str(ROOT), str(HERE)] if options else [])])
    command = [sys.executable, "-m", "pytest", "-q", "-n", "4", "-p", "no:cacheprovider", f"--junit-xml={report}"]
    command += [f"--timeout={_SECONDS_A_TEST}"]
    subprocess.run(
        [*command, *options, *(f"tests/test_{service}" for service in SERVICES)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    cases = ElementTree.parse(report).iter("testcase")
    return {f"{one.get('classname')}::{one.get('name')}": _outcome(one) for one in cases}


def _outcome(case: ElementTree.Element) -> str:
    kinds = {child.tag for child in case}
    if kinds & {"failure", "error"}:
        return "failed"
    return "skipped" if "skipped" in kinds else "passed"


def _intended(served: Outcomes) -> dict[str, str]:
    """The reason of each failure that is intended."""
    known = yaml.safe_load((HERE / "moto_differences.yaml").read_text(encoding="utf-8"))
    failed = [name for name, outcome in served.items() if outcome == "failed"]
    return {
        name: reason
        for reason, patterns in known.items()
        for name in failed
        if any(re.search(pattern, name) for pattern in patterns)
    }
