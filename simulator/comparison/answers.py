"""The answers of DRS that a run kept, as lines of JSON in files `answers-*.jsonl`.

A line has `service`, `operation`, `parameters`, `answer` (botocore's parsed answer, null after an error), `error` (its
code or null), `ended` (ISO 8601), and the `criteria` whose scenario made the call. Other fields are ignored.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

PATTERN = "answers-*.jsonl"


class NoAnswers(Exception):
    """The run cannot be compared; the message names the reason and the remedy."""


@dataclass(frozen=True)
class Answer:
    """One answer of DRS; `answer` is None after an error, whose code is `error`."""

    operation: str
    parameters: dict[str, Any]
    answer: dict[str, Any] | None
    error: str | None
    ended: datetime
    criteria: tuple[str, ...] = ()


def read(run: Path) -> list[Answer]:
    """Return the answers that a run kept, in order of time. Raises NoAnswers.

    `run` is a folder with the files, such as `reports`, one of the files, or the bundle of the run.
    """
    if not run.exists():
        raise NoAnswers(f"{run}: no such file or folder; name the reports of a run on AWS, or its bundle")
    texts = list(_texts(run))
    found = [one for name, text in texts for one in _parsed(name, text)]
    if not found:
        raise NoAnswers(f"{run}: no answers of DRS ({PATTERN}); only a run on AWS and a rehearsal keep them")
    return sorted(found, key=lambda one: one.ended)


def _texts(run: Path) -> Iterator[tuple[str, str]]:
    if run.is_dir():
        for path in sorted({*run.glob(PATTERN), *run.glob(f".run/{PATTERN}")}):
            yield str(path), path.read_text(encoding="utf-8")
    elif zipfile.is_zipfile(run):
        with zipfile.ZipFile(run) as archive:
            for name in sorted(archive.namelist()):
                if Path(name).match(PATTERN):
                    yield f"{run}: {name}", archive.read(name).decode("utf-8")
    else:
        yield str(run), run.read_text(encoding="utf-8", errors="replace")


def _parsed(name: str, text: str) -> Iterator[Answer]:
    for number, line in enumerate(text.splitlines(), 1):
        try:
            content = json.loads(line)
            if content["service"] == "drs":
                moment, criteria = datetime.fromisoformat(content["ended"]), tuple(content.get("criteria", ()))
                operation, parameters = content["operation"], content["parameters"]
                yield Answer(operation, parameters, content["answer"], content["error"], moment, criteria)
        except (ValueError, KeyError, TypeError) as problem:
            raise NoAnswers(f"{name}:{number}: no answer of DRS: {type(problem).__name__} {problem}") from problem


def criteria_of(answers: Iterable[Answer]) -> tuple[str, ...]:
    """Return the criteria whose scenarios received the answers."""
    return tuple(sorted({one for answer in answers for one in answer.criteria}, key=_place))


def _place(criterion: str) -> tuple[str, list[int]]:
    prefix, _, number = criterion.rpartition("-")
    return prefix, [int(part) if part.isdigit() else 0 for part in number.split(".")]
