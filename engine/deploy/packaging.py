"""Builds the function's package: a zip of the engine's code and the libraries that the Lambda runtime lacks."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

ENGINE = Path(__file__).parents[1]
LOCK = ENGINE.parent / "requirements.lock"

# The libraries that the Lambda runtime lacks (it has boto3), as wheels for its platform and Python.
_LIBRARIES = ("aws-lambda-powertools", "jsonschema", "tenacity")
_PLATFORM, _PYTHON = "manylinux2014_x86_64", "3.13"

# The parts of the engine that run in Lambda; client, deploy and cli stay with the operator.
_PARTS = ("core", "aws", "function")
# Left out of the libraries: commands, tests, and the parts of Powertools for web requests.
_UNUSED = {"__pycache__", "bin", "tests", "benchmarks", "event_handler"}
# A fixed time for zip entries, so that the same code always gives the same package.
_EPOCH = (1980, 1, 1, 0, 0, 0)


class PackagingFailed(Exception):
    """pip could not install the function's libraries; the message has the last error of pip."""


@functools.cache
def package() -> bytes:
    """The function's package for Lambda as a zip, byte-identical for identical code. Raises PackagingFailed.

    The libraries are fetched once for each version of requirements.lock, and kept in the virtual environment.
    """
    if sys.prefix == sys.base_prefix or not os.access(sys.prefix, os.W_OK):
        with tempfile.TemporaryDirectory() as folder:
            install_libraries(Path(folder))
            return build(Path(folder))
    kept = Path(sys.prefix, "lambda-libraries", _libraries_id())
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            made = Path(folder, "libraries")
            install_libraries(made)
            with contextlib.suppress(OSError):  # another process was faster
                made.rename(kept)
    return build(kept)


def build(libraries: Path) -> bytes:
    """The zip of the function's code and of the libraries in the folder `libraries`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted([*_engine_files(), *_library_files(libraries)]):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return buffer.getvalue()


def _libraries_id() -> str:
    chosen = [_PLATFORM, _PYTHON, *_LIBRARIES, *_pins()]
    return hashlib.sha256("\n".join(chosen).encode()).hexdigest()[:16]


def install_libraries(folder: Path) -> None:
    """Install the function's libraries in their locked versions into `folder`. Raises PackagingFailed."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(folder)]
    only = ["--platform", _PLATFORM, "--python-version", _PYTHON, "--only-binary", ":all:", "--constraint"]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.write("\n".join(_pins()))
        constraints.flush()
        done = subprocess.run(  # noqa: S603 - fixed arguments
            [*pip, *only, constraints.name, *_LIBRARIES], capture_output=True, text=True, check=False
        )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "ERROR" in line] or done.stderr.splitlines() or ["no word"]
        raise PackagingFailed(
            f"the function's libraries could not be fetched: {said[-1].removeprefix('ERROR: ')}. "
            "Check the network and pip's settings, then run the command again"
        )


def _pins() -> list[str]:
    """`name==version` of each locked library, without hashes: wheels of another platform have other hashes."""
    lines = LOCK.read_text(encoding="utf-8").splitlines()
    return [line.split(";")[0].split("\\")[0].strip() for line in lines if line[:1].isalnum() and "==" in line]


def _engine_files() -> Iterator[tuple[str, bytes]]:
    paths = [ENGINE / "__init__.py", *(path for part in _PARTS for path in (ENGINE / part).rglob("*"))]
    for path in paths:
        if path.suffix in {".py", ".json"}:
            yield path.relative_to(ENGINE.parent).as_posix(), path.read_bytes()


def _library_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if path.is_file() and _UNUSED.isdisjoint(parts) and not parts[0].endswith(".dist-info"):
            yield path.relative_to(folder).as_posix(), path.read_bytes()
