"""Archives that are damaged, or made to harm the machine that verifies them: each is refused."""

from __future__ import annotations

import json
import stat
import zipfile
from pathlib import Path

import pytest

from tests.traceability.bundle.archives import rewritten, verify
from traceability.bundle import archive as zips
from traceability.bundle import bundle


def test_text_from_an_archive_cannot_forge_a_line_of_the_output(archive: Path) -> None:
    def forge(files: dict[str, bytes]) -> None:
        described = json.loads(files[zips.MANIFEST]) | {"who": "me\r\x1b[2K\nThe archive is the one that was bundled."}
        files[zips.MANIFEST] = json.dumps(described).encode()
        files["x\nThe archive is the one that was bundled."] = b""

    ended = verify(rewritten(archive, forge), "--digest", zips.digest(archive))
    assert ended.returncode == 1
    assert "\x1b" not in ended.stdout
    assert not [line for line in ended.stdout.splitlines() if line.startswith("The archive is")]


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
    with pytest.raises(zips.BadBundle, match="outside of the bundle"):
        bundle.verify(archive)


def test_folder_entries_of_a_repacked_archive_are_accepted(archive: Path) -> None:
    with zipfile.ZipFile(archive, "a") as opened:
        opened.mkdir("features/")
    assert bundle.verify(archive).consistent


def test_a_link_is_refused(archive: Path) -> None:
    with zipfile.ZipFile(archive, "a") as opened:
        entry = zipfile.ZipInfo("features/link")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        opened.writestr(entry, b"/etc/passwd")
    with pytest.raises(zips.BadBundle, match="but a link or a device"):
        bundle.verify(archive)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_is_there_twice_is_refused(archive: Path) -> None:
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr("reports/coverage.json", b"{}")
    with pytest.raises(zips.BadBundle, match="twice"):
        bundle.verify(archive)


def test_a_bomb_is_not_unpacked(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zips, "MAX_BYTES", 5_000_000)
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("features/zeros", b"\0" * 20_000_000)
    with pytest.raises(zips.BadBundle, match="unpacks to more than"):
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
def test_an_invalid_manifest_is_refused(archive: Path, content: bytes) -> None:
    with pytest.raises(zips.BadBundle):
        bundle.verify(rewritten(archive, lambda files: files.update({zips.MANIFEST: content})))


@pytest.mark.parametrize("body", [b"", b"no zip at all", b"PK\x03\x04 cut off"])
def test_a_file_that_is_no_archive_gets_one_line(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "some.zip"
    path.write_bytes(body)
    ended = verify(path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert len(ended.stderr.splitlines()) == 1
    assert "Traceback" not in ended.stderr
