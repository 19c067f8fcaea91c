"""The acceptance criteria, word for word: the denominators of every figure in every output.

The catalogue has several documents, each with its own denominator: no output adds up the criteria of two documents. The
first document is the requirements document; `DOCUMENTS` lists them all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from traceability.model import yaml_text
from traceability.model.problems import UserProblem

FOLDER = Path(__file__).parent


class BadCatalogue(UserProblem):
    """The catalogue cannot be used; the message names the file and the mistake."""


@dataclass(frozen=True)
class DocumentKind:
    """How files and outputs refer to one document.

    `file` lies beside this module. `key` names the document in `coverage.json`, and its criteria in sentences. Tags
    begin with `tag_prefix`, names of feature files with `feature_prefix`. `coverage_table` is the name of its CSV file.
    """

    file: str
    key: str
    tag_prefix: str
    feature_prefix: str
    coverage_table: str

    @property
    def tag_form(self) -> str:
        return f"@{self.tag_prefix}<requirement>.<criterion>"


DOCUMENTS = (
    DocumentKind("criteria.yaml", "criteria", "AC-", "r", "coverage.csv"),
    DocumentKind("extensions.yaml", "extensions", "EX-", "x", "coverage-extensions.csv"),
)
MAIN = DOCUMENTS[0]
"""The requirements document. The ids of its criteria have no prefix: `1.3` is tagged `@AC-1.3`."""


@dataclass(frozen=True)
class Criterion:
    """One acceptance criterion, e.g. id "1.3" of requirement "1", or "EX-1.3" of requirement "EX-1"."""

    id: str
    requirement: str
    text: str

    @property
    def tag(self) -> str:
        return tag_of(self.id)

    @property
    def number(self) -> int:
        """The position of the criterion in its requirement, from 1."""
        return int(self.id.rpartition(".")[2])

    @property
    def revision(self) -> str:
        """Twelve hex digits that change when the words change, not when only the line breaks do."""
        return hashlib.sha256(" ".join(self.text.split()).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Requirement:
    """`planned` are criteria that the engine does not fulfil yet: no figure counts them, no scenario may name them."""

    id: str
    title: str
    user_story: str
    criteria: tuple[Criterion, ...]
    planned: tuple[Criterion, ...] = ()

    @property
    def number(self) -> int:
        """The number of the requirement in its document, from 1."""
        return int(self.id.rpartition("-")[2])


@dataclass(frozen=True)
class Document:
    """One document of the catalogue; `title` is its own name for itself."""

    kind: DocumentKind
    title: str
    requirements: tuple[Requirement, ...]

    @cached_property
    def criteria(self) -> dict[str, Criterion]:
        """All criteria by id, in the order of the document."""
        return {criterion.id: criterion for one in self.requirements for criterion in one.criteria}

    @property
    def span(self) -> str:
        """The tags of the first and the last criterion, for messages."""
        first, *_, last = self.criteria.values()
        return f"{first.tag} to {last.tag}"


@dataclass(frozen=True)
class Catalogue:
    """All documents, the requirements document first."""

    documents: tuple[Document, ...]

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        return tuple(one for document in self.documents for one in document.requirements)

    @cached_property
    def criteria(self) -> dict[str, Criterion]:
        """All criteria by id, in the order of the documents."""
        return {one: criterion for document in self.documents for one, criterion in document.criteria.items()}

    @cached_property
    def planned(self) -> dict[str, Criterion]:
        """The planned criteria by id: they are announced, never counted."""
        return {criterion.id: criterion for one in self.requirements for criterion in one.planned}

    @property
    def spans(self) -> str:
        """The ids of all documents, for messages: "AC-1.1 to AC-12.5 and EX-1.1 to EX-5.5"."""
        return " and ".join(document.span for document in self.documents)

    def requirement_of(self, criterion_id: str) -> Requirement:
        wanted = self.criteria[criterion_id].requirement
        return next(one for one in self.requirements if one.id == wanted)

    def document_of(self, criterion_id: str) -> Document:
        return next(one for one in self.documents if criterion_id in one.criteria)


def tag_of(criterion_id: str) -> str:
    """Return the tag of a criterion without its @: "AC-1.3" for 1.3, "EX-1.3" for EX-1.3."""
    prefixes = tuple(kind.tag_prefix for kind in DOCUMENTS[1:])
    return criterion_id if criterion_id.startswith(prefixes) else f"{MAIN.tag_prefix}{criterion_id}"


def id_of(tag: str) -> str:
    """Return the id of a criterion that was given as 4.2, AC-4.2, @ac-4.2 or EX-1.1; the criterion may be unknown."""
    return tag.strip().lstrip("@").upper().removeprefix(MAIN.tag_prefix)


def criterion_ids(tags: Iterable[str]) -> tuple[str, ...]:
    """Return the ids that tags such as `AC-1.3` name, known or not, without repetition."""
    prefixes = tuple(kind.tag_prefix for kind in DOCUMENTS)
    return tuple(dict.fromkeys(tag.removeprefix(MAIN.tag_prefix) for tag in tags if tag.startswith(prefixes)))


def load(folder: Path = FOLDER) -> Catalogue:
    """Read the documents in a folder; only the requirements document must be there: early runs have no other.

    Raises BadCatalogue when a document is not readable or two criteria have one id.
    """
    kinds = [kind for kind in DOCUMENTS if kind is MAIN or (folder / kind.file).exists()]
    catalogue = Catalogue(tuple(_document(folder / kind.file, kind) for kind in kinds))
    stated = [criterion.id for one in catalogue.requirements for criterion in (*one.criteria, *one.planned)]
    doubles = sorted({one for one in stated if stated.count(one) > 1})
    if doubles:
        raise BadCatalogue(f"{folder}: {', '.join(doubles)} is in the catalogue twice; give each criterion its own id")
    return catalogue


def _document(path: Path, kind: DocumentKind) -> Document:
    try:
        content = yaml_text.load(path.read_text(encoding="utf-8"))
        document = Document(kind, content["document"], tuple(_requirement(item) for item in content["requirements"]))
        wrong = _wrong_id(document)
    except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError) as problem:
        raise BadCatalogue(f"{path}: not a criteria catalogue: {type(problem).__name__} {problem}") from problem
    if wrong:
        raise BadCatalogue(f"{path}: {wrong}")
    return document


def _wrong_id(document: Document) -> str:
    """Return why the id of a criterion does not fit its requirement or document, "" if all fit."""
    prefix = document.kind.tag_prefix
    for one in document.requirements:
        for criterion in (*one.criteria, *one.planned):
            if not criterion.tag.startswith(prefix) or not criterion.id.startswith(f"{one.id}."):
                return f"{criterion.id} is no id of requirement {one.id}, whose tags begin with @{tag_of(one.id)}."
    return ""


def _requirement(item: dict[str, Any]) -> Requirement:
    criteria, planned = _criteria(item["criteria"], item["id"]), _criteria(item.get("planned", ()), item["id"])
    return Requirement(item["id"], item["title"], " ".join(item["user_story"].split()), criteria, planned)


def _criteria(items: Sequence[dict[str, Any]], requirement: str) -> tuple[Criterion, ...]:
    return tuple(Criterion(one["id"], requirement, " ".join(one["text"].split())) for one in items)
