"""Output streams whose encoding lacks some characters."""

from __future__ import annotations

import codecs
import io
import json
import sys

# ASCII signs of the same width, for streams that cannot encode the others (PYTHONIOENCODING=ascii, LANG=C).
_ASCII = {"✔": "+", "✘": "x", "▶": ">", "■": "#", "»": ">", "·": "-", "…": "~", "–": "-"}


def replace_missing_characters() -> None:
    """Let standard output and error replace the characters that their encoding does not have."""
    codecs.register_error("engine-ascii", _replacement)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="engine-ascii")


def _replacement(error: UnicodeError) -> tuple[str, int]:
    """ASCII signs for the engine's own, and the escapes of JSON for all others, so that JSON stays valid."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(_ASCII.get(one) or json.dumps(one)[1:-1] for one in missing), error.end
