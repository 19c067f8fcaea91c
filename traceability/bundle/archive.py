"""Archives of a run's files: written reproducibly, read as untrusted input.

An attacker may choose the names, sizes and manifest of an archive. `examine` checks them without unpacking a file;
`unpack` extracts single files from an examined archive.
"""

from __future__ import annotations

import hashlib
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any
from unicodedata import normalize

from traceability.bundle import manifest
from traceability.model.problems import UserProblem

MANIFEST = "manifest.json"
MAX_FILES = 50_000
MAX_BYTES = 1_000_000_000
"""Limit for the unpacked size of all files; a run has about 20 MB."""
MAX_MANIFEST_BYTES = 50_000_000
_CHUNK = 1 << 20
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)


class BadBundle(UserProblem):
    """The archive is invalid or must not be unpacked; the message says why."""


def pack(
    path: Path, described: bytes, names: Iterable[str], root: Path, beside: Mapping[str, bytes] | None = None
) -> None:
    """Write an archive of the named files below `root`; `described` is the body of its manifest.

    `beside` has the bodies of files that the manifest does not list.
    """
    half = path.with_suffix(".tmp")
    with zipfile.ZipFile(half, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        _add(archive, MANIFEST, described)
        for name in names:
            _add(archive, name, (root / name).read_bytes())
        for name, body in (beside or {}).items():
            _add(archive, name, body)
    half.replace(path)


def digest(path: Path) -> str:
    """Return the SHA-256 of the archive itself."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def examine(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the manifest and the SHA-256 of each file; "damaged" for a file with a wrong checksum.

    Raises BadBundle if the archive is hostile or not a bundle.
    """
    if not path.is_file():
        raise BadBundle(f"{path}: no such file")
    with _opened(path) as archive:
        members = _members(archive, path)
        return _manifest(archive, path), _sums(archive, members, path)


def manifest_of(path: Path) -> dict[str, Any]:
    """Return the manifest of an archive. Raises BadBundle."""
    with _opened(path) as archive:
        return _manifest(archive, path)


def is_archive(path: Path) -> bool:
    """Return whether the file is a ZIP archive; it may still be damaged or hostile."""
    return path.is_file() and zipfile.is_zipfile(path)


def read_first(path: Path, names: Iterable[str], limit: int) -> bytes | None:
    """Return the first of the named files that the archive has, cut off at `limit` bytes, None if it has none of them.

    Raises BadBundle.
    """
    with _opened(path) as archive:
        for name in names:
            if name in archive.namelist():
                # The archive may lie about the size of the file.
                with archive.open(name) as file:
                    return file.read(limit)
    return None


def unpack(path: Path, names: Iterable[str], folder: Path) -> None:
    """Extract files of an examined archive to `folder`. Raises BadBundle."""
    with _opened(path) as archive:
        for name in names:
            if leads_outside(name):
                raise BadBundle(f"{path}: {name!r} would lie outside of the bundle; do not unpack it")
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(archive.read(name))


def printable(text: str) -> str:
    """Return text from an archive without control characters, so that it cannot forge terminal output."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


def leads_outside(name: str) -> bool:
    """Return whether a name in an archive could lead outside of the target folder on any system."""
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except BadBundle:
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        EOFError,
        OSError,
        RuntimeError,
        ValueError,
    ) as problem:
        raise BadBundle(f"{path}: not a bundle, or a damaged one: {problem}") from problem


def _add(archive: zipfile.ZipFile, name: str, body: bytes) -> None:
    entry = zipfile.ZipInfo(name, _FIXED_TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    archive.writestr(entry, body, compresslevel=6)


def _members(archive: zipfile.ZipFile, path: Path) -> list[zipfile.ZipInfo]:
    """Return the entries, all plain files inside the bundle. Raises BadBundle."""
    entries = archive.infolist()
    if len(entries) > MAX_FILES:
        raise BadBundle(f"{path}: {len(entries)} files; a bundle has at most {MAX_FILES}")
    # Some file systems hold names as equal that differ in case or in the form of their accents.
    names = Counter(normalize("NFC", one.filename).casefold() for one in entries)
    doubles = [one.filename for one in entries if names[normalize("NFC", one.filename).casefold()] > 1]
    if doubles:
        raise BadBundle(f"{path}: {doubles[-1]!r} is in it twice: readers would see different files")
    for one in entries:
        kind = stat.S_IFMT(one.external_attr >> 16)
        if leads_outside(one.filename):
            raise BadBundle(f"{path}: {one.filename!r} would lie outside of the bundle; do not unpack it")
        # Other ZIP tools add entries for folders; these are empty.
        plain = (0, stat.S_IFDIR) if one.is_dir() and not one.file_size else (0, stat.S_IFREG)
        if kind not in plain:
            raise BadBundle(f"{path}: {one.filename!r} is not a plain file but a link or a device; do not unpack it")
        if one.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BadBundle(f"{path}: {one.filename!r} uses a compression method that bundles do not use")
        if one.flag_bits & 0x1:
            raise BadBundle(f"{path}: {one.filename!r} is encrypted")
    return [one for one in entries if not (one.is_dir() and not one.file_size)]


def _manifest(archive: zipfile.ZipFile, path: Path) -> dict[str, Any]:
    try:
        with archive.open(MANIFEST) as file:
            body = file.read(MAX_MANIFEST_BYTES + 1)
        if len(body) > MAX_MANIFEST_BYTES:
            raise BadBundle(f"{path}: its {MANIFEST} is larger than {MAX_MANIFEST_BYTES} bytes")
        return manifest.parse(body)
    except KeyError as problem:
        raise BadBundle(f"{path}: not a bundle of this project: {problem} is missing") from problem
    except manifest.BadManifest as problem:
        raise BadBundle(f"{path}: its {MANIFEST} is {problem}") from problem


def _sums(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], path: Path) -> dict[str, str]:
    """Return the SHA-256 of each file; count the bytes read, because the archive may lie about sizes."""
    read, found = 0, {}
    for one in members:
        running = hashlib.sha256()
        try:
            with archive.open(one) as file:
                while chunk := file.read(_CHUNK):
                    read += len(chunk)
                    if read > MAX_BYTES:
                        raise BadBundle(f"{path}: unpacks to more than {MAX_BYTES} bytes; do not unpack it")
                    running.update(chunk)
            found[one.filename] = running.hexdigest()
        except (zipfile.BadZipFile, zlib.error, EOFError):
            # The checksum is wrong: this file was changed; the other files can still be checked.
            found[one.filename] = "damaged"
    return found
