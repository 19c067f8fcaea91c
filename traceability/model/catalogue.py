"""The acceptance criteria, word for word: the denominator of every figure in every output."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

CATALOGUE = Path(__file__).with_name("criteria.yaml")
TAG_PREFIX = "AC-"


class BadCatalogue(ValueError):
    """The catalogue cannot be used; the message names the file and the mistake."""


@dataclass(frozen=True)
class Criterion:
    """One acceptance criterion, e.g. id "1.3" of requirement "1"."""

    id: str
    requirement: str
    text: str

    @property
    def tag(self) -> str:
        return f"{TAG_PREFIX}{self.id}"

    @property
    def revision(self) -> str:
        """Twelve hex digits that change when the words change, not when only the line breaks do."""
        return hashlib.sha256(" ".join(self.text.split()).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Requirement:
    id: str
    title: str
    user_story: str
    criteria: tuple[Criterion, ...]


@dataclass(frozen=True)
class Catalogue:
    document: str
    requirements: tuple[Requirement, ...]

    @cached_property
    def criteria(self) -> dict[str, Criterion]:
        """All criteria by id, in the order of the document."""
        return {criterion.id: criterion for one in self.requirements for criterion in one.criteria}

    def requirement_of(self, criterion_id: str) -> Requirement:
        wanted = self.criteria[criterion_id].requirement
        return next(one for one in self.requirements if one.id == wanted)


def criterion_ids(tags: Iterable[str]) -> tuple[str, ...]:
    """Return the ids that tags such as `AC-1.3` name, known or not, without repetition."""
    return tuple(dict.fromkeys(tag.removeprefix(TAG_PREFIX) for tag in tags if tag.startswith(TAG_PREFIX)))


def load(path: Path = CATALOGUE) -> Catalogue:
    """Read the catalogue. Raises BadCatalogue when it is not readable or names a criterion twice."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        catalogue = Catalogue(content["document"], tuple(_requirement(item) for item in content["requirements"]))
    except (OSError, yaml.YAMLError, KeyError, TypeError) as problem:
        raise BadCatalogue(f"{path}: not a criteria catalogue: {type(problem).__name__} {problem}") from problem
    stated = sum(len(one.criteria) for one in catalogue.requirements)
    if stated != len(catalogue.criteria):
        raise BadCatalogue(f"{path}: {stated} criteria share {len(catalogue.criteria)} ids; give each its own")
    return catalogue


def _requirement(item: dict[str, Any]) -> Requirement:
    criteria = tuple(Criterion(one["id"], item["id"], " ".join(one["text"].split())) for one in item["criteria"])
    return Requirement(item["id"], item["title"], " ".join(item["user_story"].split()), criteria)
