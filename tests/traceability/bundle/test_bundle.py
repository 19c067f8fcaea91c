"""Verification of a bundle on another machine: planted changes are found."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.traceability.bundle.archives import all_proven, forged, rewritten, verify
from tests.traceability.command_line import PROJECT
from tests.traceability.conftest import Suite
from traceability.bundle import archive as zips
from traceability.bundle import bundle, integrity, manifest
from traceability.evaluation.coverage import sections
from traceability.model import catalogue


def test_an_unchanged_bundle_passes_verification(archive: Path) -> None:
    found = bundle.verify(archive)
    assert found.consistent
    for name in ("features/r01.feature", "reports/coverage.json", "reports/matrix.html", "features/revisions.yaml"):
        assert name in found.intact
    ended = verify(archive, "--digest", zips.digest(archive))
    assert (ended.returncode, "0 changed, 0 missing, 0 added" in ended.stdout) == (0, True), ended.stdout
    assert "the one that was bundled" in ended.stdout


def test_equal_content_gives_an_equal_archive(bundled: Suite, archive: Path) -> None:
    before = zips.digest(archive)
    assert zips.digest(bundle.write(bundled.places, bundled.catalogue)) == before


def test_a_planted_change_a_loss_and_an_addition_are_named(archive: Path) -> None:
    def plant(files: dict[str, bytes]) -> None:
        files["reports/coverage.json"] = files["reports/coverage.json"].replace(b'"no_scenario"', b'"proven"', 1)
        del files["features/r01.feature"]
        files["features/r99.feature"] = b"Feature: Later\n"

    forged = rewritten(archive, plant)
    found = bundle.verify(forged)
    assert (found.changed, found.missing, found.added) == (
        ["reports/coverage.json"],
        ["features/r01.feature"],
        ["features/r99.feature"],
    )
    ended = verify(forged)
    assert ended.returncode == 1
    for line in ("changed  reports/coverage.json", "missing  features/r01.feature", "added    features/r99.feature"):
        assert line in ended.stdout


def test_a_forger_who_rewrites_the_manifest_is_found_by_the_digest(archive: Path) -> None:
    def forge(files: dict[str, bytes]) -> None:
        files["features/r01.feature"] += b"# forged"
        content = json.loads(files[zips.MANIFEST])
        content["files"]["features/r01.feature"]["sha256"] = hashlib.sha256(files["features/r01.feature"]).hexdigest()
        files[zips.MANIFEST] = json.dumps(content).encode()

    forged = rewritten(archive, forge)
    assert bundle.verify(forged).consistent
    ended = verify(forged, "--digest", zips.digest(archive))
    assert ended.returncode == 1
    assert "Not the archive that was bundled" in ended.stdout
    assert "pass that one with --digest" in verify(forged).stdout


@pytest.mark.parametrize("digest", [False, True])
def test_a_coverage_that_contradicts_its_records_fails_verification(archive: Path, digest: bool) -> None:
    other = forged(archive, all_proven)
    ended = verify(other, *(["--digest", zips.digest(archive)] if digest else []))
    said = ended.stdout.splitlines()
    assert ended.returncode == 1
    assert said[0].startswith("Unsigned")
    assert said[1].startswith("Not the archive that was bundled" if digest else "Verification failed")
    assert "reports/coverage.json: AC-1.2 is proven, the records of the run say no_scenario" in ended.stdout
    assert "criteria proven" not in ended.stdout


def test_an_archive_with_another_digest_gets_no_summary(archive: Path) -> None:
    ended = verify(archive, "--digest", "0" * 64)
    assert ended.returncode == 1
    assert ended.stdout.splitlines()[1].startswith("Not the archive that was bundled")
    assert "criteria proven" not in ended.stdout


MOTO_AS_AWS = {
    "reports/.run/endpoints-1.json": b'[{"host": "drs.us-east-1.amazonaws.com", "connected": true}]',
    "reports/.run/last_run.json": b'{"tree": "", "differences": [], "selected": "aws", "exit_code": 0}',
}


@pytest.mark.parametrize(
    ("change", "files", "said"),
    [
        (lambda content: content.update(target="aws"), {}, "target is 'aws', the records of the run say 'moto'"),
        (
            lambda content: content.update(target="aws"),
            MOTO_AS_AWS,
            "its differences are not those between the records",
        ),
        (
            lambda content: content.update(started="2026-03-01T00:00:00.000Z", finished="2026-03-01T00:01:00.000Z"),
            {},
            "outside the run, 2026-03-01T00:00:00.000Z to 2026-03-01T00:01:00.000Z",
        ),
        (lambda content: None, {"reports/junit/TESTS-r01.xml": b"<testsuite/>"}, "JUnit has no result"),
        (
            lambda content: None,
            {"reports/junit/TESTS-r01.xml": b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'},
            "it declares a document type",
        ),
        (lambda content: None, {"reports/allure-results/x-result.json": b"[]"}, "its records cannot be evaluated"),
        (lambda content: None, {"features/revisions.yaml": b"[" * 5_000}, "its records cannot be evaluated"),
        (
            lambda content: None,
            {"reports/.run/account.txt": b"********9012"},
            "account is 'simulated', the run recorded",
        ),
    ],
)
def test_each_record_is_compared_with_the_others(
    archive: Path, change: Callable[[dict[str, Any]], object], files: dict[str, bytes], said: str
) -> None:
    with zipfile.ZipFile(archive) as opened:
        endpoints = next(name for name in opened.namelist() if "endpoints-" in name)
    named = {name.replace("reports/.run/endpoints-1.json", endpoints): body for name, body in files.items()}
    found = bundle.verify(forged(archive, change, **named))
    assert (found.good, found.changed, found.missing, found.added) == (False, [], [], [])
    assert said in found.contradicting[0]


def test_an_archive_is_judged_by_the_catalogue_inside_it(bundled: Suite) -> None:
    folder = bundled.root / manifest.CATALOGUE
    folder.mkdir(parents=True)
    for one in catalogue.DOCUMENTS:
        (folder / one.file).write_bytes((catalogue.FOLDER / one.file).read_bytes())
    judged = bundled.scenario("Then nothing is wrong").run()
    manifest.write(bundled.places, judged.coverage)
    archive = bundle.write(bundled.places, bundled.catalogue)
    assert bundle.verify(archive).consistent
    for name, criterion in zip(manifest.CRITERIA, ("AC-1.4", "EX-1.4"), strict=True):
        reworded = (bundled.root / name).read_bytes().replace(b"WHEN ", b"IF ")
        found = bundle.verify(forged(archive, lambda content: None, **{name: reworded}))
        said = f"reports/coverage.json: {criterion}: revision differs from the records of the run"
        assert said in found.contradicting


def test_a_bundle_from_before_the_extensions_is_verified_by_its_one_document(bundled: Suite) -> None:
    folder = bundled.root / manifest.CATALOGUE
    folder.mkdir(parents=True)
    (folder / catalogue.MAIN.file).write_bytes((catalogue.FOLDER / catalogue.MAIN.file).read_bytes())
    bundled.catalogue = catalogue.load(folder)
    judged = bundled.scenario("Then nothing is wrong").run()
    assert [kind.key for kind, _ in sections(judged.coverage)] == ["criteria"]
    manifest.write(bundled.places, judged.coverage)
    assert bundle.verify(bundle.write(bundled.places, bundled.catalogue)).consistent


def test_extensions_that_the_records_do_not_support_fail_verification(archive: Path) -> None:
    def all_extensions_proven(content: dict[str, Any]) -> None:
        for row in content["extensions"]["criteria"]:
            row.update(state="proven", proven_on=["moto"])

    found = bundle.verify(forged(archive, all_extensions_proven))
    said = "reports/coverage.json: EX-1.1 is proven, the records of the run say no_scenario"
    assert said in found.contradicting
    gone = bundle.verify(forged(archive, lambda content: content.pop("extensions")))
    assert "reports/coverage.json: its criteria are not those of the catalogue" in gone.contradicting


def double_key(body: bytes) -> bytes:
    return body.replace(b'"criteria": [', b'"criteria": [{"id": "1.1", "state": "proven"}],\n "criteria": [', 1)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("coverage.csv", lambda body: body.replace(b",no_scenario,", b",proven,")),
        ("coverage.json", double_key),
    ],
)
def test_both_coverage_files_match_the_files_of_a_run(
    archive: Path, name: str, change: Callable[[bytes], bytes]
) -> None:
    def forge(files: dict[str, bytes]) -> None:
        body = files[f"reports/{name}"]
        files[f"reports/{name}"] = change(body)
        assert files[f"reports/{name}"] != body
        described = json.loads(files[zips.MANIFEST])
        described["files"][f"reports/{name}"]["sha256"] = hashlib.sha256(files[f"reports/{name}"]).hexdigest()
        files[zips.MANIFEST] = json.dumps(described).encode()

    found = bundle.verify(rewritten(archive, forge))
    assert found.contradicting == [f"reports/{name}: differs from the file that a run would write"]


def test_the_path_that_bundle_prints_can_be_pasted(bundled: Suite, archive: Path, tmp_path: Path) -> None:
    """In the folder of the call, which need not be that of the suite."""
    command = [sys.executable, "-m", "traceability"]
    asked = subprocess.run(
        [*command, "bundle", "--root", bundled.root],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(PROJECT)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    said = next(line for line in asked.stdout.splitlines() if line.startswith("Verify with: "))
    given = shlex.split(said.removeprefix("Verify with: ").replace("<number>", zips.digest(archive)))
    ended = subprocess.run(
        [sys.executable, *given[1:], "--checkout", bundled.root],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(PROJECT)}, check=False,
    )  # fmt: skip
    assert ended.returncode == 0


def test_a_run_with_changed_files_is_not_bundled(bundled: Suite, archive: Path) -> None:
    (bundled.root / "features" / "r01.feature").write_text("Feature: Other\n", encoding="utf-8")
    with pytest.raises(integrity.StaleRun) as refused:
        bundle.write(bundled.places, bundled.catalogue)
    assert refused.value.changes == ["changed: features/r01.feature"]


def test_the_manifest_records_user_account_and_tools(
    bundled: Suite, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = manifest.read(bundled.places)
    assert content is not None
    assert content["target"] == "moto"
    assert content["account"] == "simulated"
    assert content["dirty"] is False
    assert {"python", "behave", "allure-behave"} <= content["tools"].keys()
    monkeypatch.setenv("GITHUB_ACTOR", "build-robot")
    assert manifest.document(bundled.places, bundled.run().coverage)["who"] == "build-robot (CI)"
