"""The catalogue: several documents, each with its own criteria, ids and tags."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from traceability.model import catalogue
from traceability.model.catalogue import BadCatalogue, criterion_ids, id_of, tag_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for one in catalogue.DOCUMENTS:
        shutil.copy(catalogue.FOLDER / one.file, tmp_path)
    return tmp_path


def test_each_document_has_its_own_criteria() -> None:
    known = catalogue.load()
    assert {one.kind.key: len(one.criteria) for one in known.documents} == {
        "criteria": 60,
        "extensions": sum(one.startswith("EX-") for one in known.criteria),
    }
    assert [one.id for one in known.requirements][:13] == [*(str(number) for number in range(1, 13)), "EX-1"]
    assert known.document_of("EX-1.2").kind.key == "extensions"
    assert (known.criteria["1.2"].tag, known.criteria["EX-1.2"].tag) == ("AC-1.2", "EX-1.2")


def test_a_planned_criterion_is_announced_and_not_counted(folder: Path) -> None:
    path = folder / "extensions.yaml"
    text = path.read_text(encoding="utf-8")
    last = text.rindex('      - id: "EX-')
    path.write_text(text[:last].replace("    planned:\n", "") + "    planned:\n" + text[last:], encoding="utf-8")
    planned = catalogue.load(folder).planned
    assert len(planned) == 1
    assert not planned.keys() & catalogue.load(folder).criteria.keys()


def test_ids_and_tags_lead_to_each_other() -> None:
    for one, criterion in catalogue.load().criteria.items():
        assert id_of(criterion.tag) == id_of(f"@{criterion.tag.lower()}") == one
        assert tag_of(one) == criterion.tag
    assert criterion_ids(["moto", "AC-1.1", "EX-9.9", "AC-1.1", "EXTRA"]) == ("1.1", "EX-9.9")


def test_a_folder_without_extensions_has_one_document(folder: Path) -> None:
    (folder / "extensions.yaml").unlink()
    assert [one.kind.key for one in catalogue.load(folder).documents] == ["criteria"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('id: "EX-1.2"', 'id: "EX-1.1"', "EX-1.1 is in the catalogue twice"),
        ('id: "EX-1.4"', 'id: "EX-1.1"', "EX-1.1 is in the catalogue twice"),
        ('id: "EX-1.2"', 'id: "1.2"', "1.2 is no id of requirement EX-1, whose tags begin with @EX-1."),
        ('id: "EX-1.2"', 'id: "EX-2.2"', "EX-2.2 is no id of requirement EX-1, whose tags begin with @EX-1."),
        ('id: "EX-1.2"', "id: 1.2", "not a criteria catalogue"),
        ("requirements:", "requirement:", "not a criteria catalogue"),
    ],
)
def test_a_document_that_cannot_be_used_is_refused(folder: Path, old: str, new: str, said: str) -> None:
    path = folder / "extensions.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(BadCatalogue, match=said):
        catalogue.load(folder)
