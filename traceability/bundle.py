"""One archive of all that a run was and left, and what an auditor can say of it on another machine.

`write` makes the archive: equal content gives an equal archive. `verify` reads it without unpacking anything to disk:
names, sizes and the manifest are an attacker's words until they have been checked.
"""

from __future__ import annotations

import hashlib
import re
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from traceability import intact, manifest
from traceability.catalogue import Catalogue
from traceability.places import Places

MANIFEST = "manifest.json"
MOST_FILES = 50_000
MOST_BYTES = 1_000_000_000
"""What all files together may unpack to; a run has about 20 MB."""
MOST_MANIFEST_BYTES = 50_000_000
_CHUNK = 1 << 20
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


class BadBundle(ValueError):
    """The archive cannot be judged, or must not be opened; the message says why."""


@dataclass
class Findings:
    """What became of the files of a bundle. `run` is what the manifest says of itself."""

    digest: str
    run: Mapping[str, Any]
    intact: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not (self.changed or self.missing or self.added)


def write(places: Places, catalogue: Catalogue) -> Path:
    """Write the archive of the last run. Raises BadBundle without a run, StaleRun when it is no longer what it left."""
    content = manifest.read(places)
    if content is None:
        raise BadBundle(f"{places.manifest.name}: there is no run to bundle; `make acceptance` makes one")
    intact.require(places, catalogue, "bundled")
    moment = re.sub(r"[^0-9T]", "", content["started"].split(".")[0])
    path = places.reports / f"bundle-{content['target'] or 'none'}-{moment}-{content['commit'][:7] or 'no-commit'}.zip"
    half = path.with_suffix(".tmp")
    with zipfile.ZipFile(half, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        _add(archive, MANIFEST, places.manifest)
        for name in manifest.paths(content):
            _add(archive, name, places.root / name)
    half.replace(path)
    return path


def digest(path: Path) -> str:
    """Return the SHA-256 of the archive itself."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(path: Path) -> Findings:
    """Compare each file of an archive with its manifest. Raises BadBundle for what is none, or is hostile."""
    if not path.is_file():
        raise BadBundle(f"{path}: no such file")
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(archive, path)
            content = _manifest(archive, path)
            found = Findings(digest(path), content)
            sums = _sums(archive, members, path)
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
    wanted: Mapping[str, Any] = content["files"]
    for name, entry in wanted.items():
        if name not in sums:
            found.missing.append(name)
        else:
            (found.intact if sums[name] == entry["sha256"] else found.changed).append(name)
    found.added += [name for name in sums if name not in wanted and name != MANIFEST]
    return found


def _add(archive: zipfile.ZipFile, name: str, path: Path) -> None:
    entry = zipfile.ZipInfo(name, _LONG_AGO)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    archive.writestr(entry, path.read_bytes(), compresslevel=6)


def _members(archive: zipfile.ZipFile, path: Path) -> list[zipfile.ZipInfo]:
    """Return the entries, all of them plain files below the bundle's own root. Raises BadBundle."""
    entries = archive.infolist()
    if len(entries) > MOST_FILES:
        raise BadBundle(f"{path}: {len(entries)} files; a bundle has at most {MOST_FILES}")
    doubles = [name for name, count in Counter(one.filename for one in entries).items() if count > 1]
    if doubles:
        raise BadBundle(f"{path}: {doubles[0]!r} is in it twice: readers would see different files")
    for one in entries:
        name = PurePosixPath(one.filename)
        kind = stat.S_IFMT(one.external_attr >> 16)
        if name.is_absolute() or ".." in name.parts or "\\" in one.filename or ":" in one.filename:
            raise BadBundle(f"{path}: {one.filename!r} would lie outside of the bundle; do not unpack it")
        # Who packs a bundle anew may add its folders: they hold nothing.
        plain = (0, stat.S_IFDIR) if one.is_dir() and not one.file_size else (0, stat.S_IFREG)
        if kind not in plain:
            raise BadBundle(f"{path}: {one.filename!r} is no plain file but a link or a device; do not unpack it")
        if one.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BadBundle(f"{path}: {one.filename!r} is packed in a way that bundles are not")
        if one.flag_bits & 0x1:
            raise BadBundle(f"{path}: {one.filename!r} is encrypted")
    return [one for one in entries if not (one.is_dir() and not one.file_size)]


def _manifest(archive: zipfile.ZipFile, path: Path) -> dict[str, Any]:
    try:
        with archive.open(MANIFEST) as file:
            body = file.read(MOST_MANIFEST_BYTES + 1)
        if len(body) > MOST_MANIFEST_BYTES:
            raise BadBundle(f"{path}: its {MANIFEST} is larger than {MOST_MANIFEST_BYTES} bytes")
        return manifest.checked(body)
    except KeyError as problem:
        raise BadBundle(f"{path}: no bundle of this project: {problem} is missing") from problem
    except manifest.BadManifest as problem:
        raise BadBundle(f"{path}: its {MANIFEST} is {problem}") from problem


def _sums(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], path: Path) -> dict[str, str]:
    """Return the SHA-256 of each file; what is read is counted, whatever the archive says of its sizes."""
    read, found = 0, {}
    for one in members:
        running = hashlib.sha256()
        try:
            with archive.open(one) as file:
                while chunk := file.read(_CHUNK):
                    read += len(chunk)
                    if read > MOST_BYTES:
                        raise BadBundle(f"{path}: unpacks to more than {MOST_BYTES} bytes; do not unpack it")
                    running.update(chunk)
            found[one.filename] = running.hexdigest()
        except (zipfile.BadZipFile, zlib.error, EOFError):
            # The archive's own check sum does not fit: this file was changed, the others can still be judged.
            found[one.filename] = "damaged"
    return found
