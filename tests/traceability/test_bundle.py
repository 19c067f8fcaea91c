"""A bundle on another machine: planted changes are found, hostile archives refused."""

from __future__ import annotations

import hashlib
import json
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.traceability.conftest import Suite
from traceability import bundle, intact, manifest

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def archive(suite: Suite) -> Path:
    judged = suite.scenario("Then nothing is wrong").run()
    manifest.write(suite.places, judged.coverage)
    return bundle.write(suite.places, suite.catalogue)


def rewritten(archive: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """Write the archive anew after `change` had its way with the files."""
    with zipfile.ZipFile(archive) as old:
        files = {name: old.read(name) for name in old.namelist()}
    change(files)
    path = archive.with_name("forged.zip")
    with zipfile.ZipFile(path, "w") as new:
        for name, body in files.items():
            new.writestr(name, body)
    return path


def verify(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "traceability", "verify", *map(str, arguments)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


def test_a_bundle_that_nobody_touched_is_intact(archive: Path) -> None:
    found = bundle.verify(archive)
    assert found.good
    for name in ("features/r01.feature", "reports/coverage.json", "reports/matrix.html", "features/revisions.yaml"):
        assert name in found.intact
    ended = verify(archive, "--digest", bundle.digest(archive))
    assert (ended.returncode, "0 changed, 0 missing, 0 added" in ended.stdout) == (0, True), ended.stdout
    assert "the one that was bundled" in ended.stdout


def test_equal_content_gives_an_equal_archive(suite: Suite, archive: Path) -> None:
    before = bundle.digest(archive)
    assert bundle.digest(bundle.write(suite.places, suite.catalogue)) == before


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
        content = json.loads(files[bundle.MANIFEST])
        content["files"]["features/r01.feature"]["sha256"] = hashlib.sha256(files["features/r01.feature"]).hexdigest()
        files[bundle.MANIFEST] = json.dumps(content).encode()

    forged = rewritten(archive, forge)
    assert bundle.verify(forged).good
    ended = verify(forged, "--digest", bundle.digest(archive))
    assert ended.returncode == 1
    assert "Not the archive that was bundled" in ended.stdout
    assert "--digest do it" in verify(forged).stdout


def test_a_damaged_byte_is_found(archive: Path) -> None:
    body = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as opened:
        entry = opened.getinfo("reports/coverage.json")
    body[entry.header_offset + 120] ^= 0xFF
    archive.write_bytes(body)
    assert bundle.verify(archive).changed == ["reports/coverage.json"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("../evil", stat.S_IFREG), ("/etc/evil", stat.S_IFREG), ("a\\..\\evil", stat.S_IFREG), ("C:/evil", stat.S_IFREG)],
)
def test_a_path_outside_is_refused(archive: Path, name: str, kind: int) -> None:
    with zipfile.ZipFile(archive, "a") as opened:
        entry = zipfile.ZipInfo("placeholder")
        entry.filename = name
        entry.external_attr = (kind | 0o644) << 16
        opened.writestr(entry, b"x")
    with pytest.raises(bundle.BadBundle, match="outside of the bundle"):
        bundle.verify(archive)


def test_folders_of_an_archive_that_was_packed_anew_hold_nothing(archive: Path) -> None:
    with zipfile.ZipFile(archive, "a") as opened:
        opened.mkdir("features/")
    assert bundle.verify(archive).good


def test_a_link_is_refused(archive: Path) -> None:
    with zipfile.ZipFile(archive, "a") as opened:
        entry = zipfile.ZipInfo("features/link")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        opened.writestr(entry, b"/etc/passwd")
    with pytest.raises(bundle.BadBundle, match="but a link or a device"):
        bundle.verify(archive)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_is_there_twice_is_refused(archive: Path) -> None:
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr("reports/coverage.json", b"{}")
    with pytest.raises(bundle.BadBundle, match="twice"):
        bundle.verify(archive)


def test_a_bomb_is_not_unpacked(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MOST_BYTES", 5_000_000)
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("features/zeros", b"\0" * 20_000_000)
    with pytest.raises(bundle.BadBundle, match="unpacks to more than"):
        bundle.verify(archive)


@pytest.mark.parametrize(
    "content",
    [
        b"[]",
        b"{}",
        b"nonsense",
        b'{"version": 1, "files": []}',
        b'{"version": 1, "files": {"a": {"sha256": 1}}}',
        b"[" * 100_000,
    ],
)
def test_a_manifest_that_is_none_is_refused(archive: Path, content: bytes) -> None:
    with pytest.raises(bundle.BadBundle):
        bundle.verify(rewritten(archive, lambda files: files.update({bundle.MANIFEST: content})))


@pytest.mark.parametrize("body", [b"", b"no zip at all", b"PK\x03\x04 cut off"])
def test_what_is_no_archive_gets_one_line(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "some.zip"
    path.write_bytes(body)
    ended = verify(path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert len(ended.stderr.splitlines()) == 1
    assert "Traceback" not in ended.stderr


def test_what_changed_since_the_run_is_not_bundled(suite: Suite, archive: Path) -> None:
    (suite.root / "features" / "r01.feature").write_text("Feature: Other\n", encoding="utf-8")
    with pytest.raises(intact.StaleRun) as refused:
        bundle.write(suite.places, suite.catalogue)
    assert refused.value.changes == ["changed: features/r01.feature"]


def test_the_manifest_says_who_what_when(suite: Suite, archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = manifest.read(suite.places)
    assert content is not None
    assert content["target"] == "moto"
    assert content["account"] == "simulated"
    assert content["dirty"] is None
    assert {"python", "behave", "allure-behave"} <= content["tools"].keys()
    monkeypatch.setenv("GITHUB_ACTOR", "build-robot")
    assert manifest.document(suite.places, suite.run().coverage)["who"] == "build-robot (CI)"
