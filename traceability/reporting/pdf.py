"""Prints a page as PDF with the Chromium of the machine, offline."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from traceability.model.problems import UserProblem

_PROGRAMS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
OPTIONS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Chromium refuses its sandbox to root, as whom containers often run.
    *(("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()),
)
_TIMEOUT = 120


class NoBrowser(UserProblem):
    """No PDF was written: the machine has no Chromium, or it failed."""


def browser() -> str | None:
    """Return the path of Chromium, None where the machine has none."""
    return next(filter(None, map(shutil.which, _PROGRAMS)), None)


def required_browser() -> str:
    """Return the path of Chromium. Raises NoBrowser."""
    program = browser()
    if program is None:
        raise NoBrowser(
            "no Chromium and no Chrome on this machine, so no PDF (Debian: apt-get install chromium); "
            "the other formats need none: python -m traceability export oscal csv"
        )
    return program


def encode(page: str) -> bytes:
    """Return the PDF of an HTML page, of the size that its print style names. Raises NoBrowser."""
    program = required_browser()
    with tempfile.TemporaryDirectory() as folder:
        source, printed = Path(folder) / "page.html", Path(folder) / "page.pdf"
        source.write_text(page, encoding="utf-8")
        # A profile of its own: the user's browser may be open.
        own = [f"--user-data-dir={folder}/profile", "--no-pdf-header-footer", f"--print-to-pdf={printed}"]
        try:
            ended = subprocess.run(  # noqa: S603 - a browser of the machine prints a page of our own
                [program, "--headless", *OPTIONS, *own, source.as_uri()],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired as problem:
            raise NoBrowser(f"{program}: printed no page in {_TIMEOUT} s") from problem
        if not printed.exists():
            said = [line for line in ended.stderr.splitlines() if line.strip()]
            raise NoBrowser(
                f"{program}: printed no page (code {ended.returncode}): {said[-1] if said else 'no output'}"
            )
        return printed.read_bytes()
