"""The function's package: the engine's code and the few libraries that Lambda does not bring, as one zip."""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

ENGINE = Path(__file__).parents[1]
LOCK = ENGINE.parent / "requirements.lock"

# What the function needs beyond what Lambda brings (boto3); as wheels for Lambda's own platform and Python.
_LIBRARIES = ("aws-lambda-powertools", "jsonschema", "tenacity")
_PLATFORM, _PYTHON = "manylinux2014_x86_64", "3.13"

# The parts of the engine that run in Lambda; client, deployment and command line stay with the operator.
_PARTS = ("core", "aws", "function")
# Of the libraries: no commands, no tests, no parts of Powertools that serve web requests.
_UNUSED = {"__pycache__", "bin", "tests", "benchmarks", "event_handler"}
# A zip entry without a time of its own, so that the same code always gives the same package.
_EPOCH = (1980, 1, 1, 0, 0, 0)


class PackagingFailed(Exception):
    """The function's libraries could not be fetched; the message is pip's own last word."""


def package(libraries: Path | None = None) -> bytes:
    """The function's code as a zip, byte-identical for identical code.

    `libraries` is a folder with the third-party libraries the function needs (`install_libraries` fills it).
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted([*_engine_files(), *_library_files(libraries)]):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return buffer.getvalue()


def complete_package() -> bytes:
    """The package as Lambda gets it, libraries included. Raises PackagingFailed."""
    with tempfile.TemporaryDirectory() as folder:
        install_libraries(Path(folder))
        return package(Path(folder))


def install_libraries(folder: Path) -> None:
    """Fetch the function's libraries into `folder`, in the locked versions. Raises PackagingFailed."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(folder)]
    only = ["--platform", _PLATFORM, "--python-version", _PYTHON, "--only-binary", ":all:", "--constraint"]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.write("\n".join(_pins()))
        constraints.flush()
        done = subprocess.run(  # noqa: S603 - our own words
            [*pip, *only, constraints.name, *_LIBRARIES], capture_output=True, text=True, check=False
        )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "ERROR" in line] or done.stderr.splitlines() or ["no word"]
        raise PackagingFailed(
            f"the function's libraries could not be fetched: {said[-1].removeprefix('ERROR: ')}. "
            "Check the network and pip's settings, then run the command again"
        )


def _pins() -> list[str]:
    """`name==version` of every locked library, without hashes: wheels of another platform have others."""
    lines = LOCK.read_text(encoding="utf-8").splitlines()
    return [line.split(";")[0].split("\\")[0].strip() for line in lines if line[:1].isalnum() and "==" in line]


def _engine_files() -> Iterator[tuple[str, bytes]]:
    paths = [ENGINE / "__init__.py", *(path for part in _PARTS for path in (ENGINE / part).rglob("*"))]
    for path in paths:
        if path.suffix in {".py", ".json"}:
            yield path.relative_to(ENGINE.parent).as_posix(), path.read_bytes()


def _library_files(folder: Path | None) -> Iterator[tuple[str, bytes]]:
    if folder is None:
        return
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if path.is_file() and _UNUSED.isdisjoint(parts) and not parts[0].endswith(".dist-info"):
            yield path.relative_to(folder).as_posix(), path.read_bytes()
