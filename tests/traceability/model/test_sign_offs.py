"""Accepted risks and manual sign-offs: shown, counted apart, never green, and red once they have expired."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console

from tests.traceability.conftest import Suite
from traceability.cli.runs import exit_code
from traceability.model import catalogue, sign_offs
from traceability.reporting import console

ENTRY = """\
- criterion: AC-1.2
  kind: accepted-risk
  owner: Head of Operations
  reason: The drill account has no second Region yet.
  expires: {expires}
"""


def signed(suite: Suite, expires: str) -> Suite:
    (suite.root / "features" / sign_offs.FILE).write_text(ENTRY.format(expires=expires), encoding="utf-8")
    return suite.scenario("Then nothing is wrong")


@pytest.mark.parametrize(("expires", "expired", "code"), [("2999-12-31", False, 0), ("2020-01-31", True, 1)])
def test_it_stands_beside_the_state_and_expires(suite: Suite, expires: str, expired: bool, code: int) -> None:
    judged = signed(suite, expires).run()
    row = next(row for row in judged.coverage["criteria"] if row["id"] == "1.2")
    assert row["state"] == "no_scenario"
    assert row["sign_off"]["expired"] is expired
    assert judged.coverage["totals"]["proven"] == 1
    assert (judged.coverage["totals"]["signed_off"], judged.coverage["totals"]["expired"]) == (1, int(expired))
    assert exit_code(judged, [], strict=False) == code
    said = f"{'EXPIRED on' if expired else 'until'} {expires}"
    out = Console(file=io.StringIO(), width=200)
    console.summary(out, judged.coverage, suite.catalogue)
    for text in (
        out.file.getvalue(),
        suite.places.matrix.read_text(encoding="utf-8"),
        (suite.places.reports / "coverage.csv").read_text(encoding="utf-8"),
    ):
        assert said in text
        assert "Head of Operations" in text


def test_the_last_day_still_holds() -> None:
    one = sign_offs.SignOff("1.1", "accepted-risk", "QA lead", "because of this", date(2026, 5, 31))
    assert not one.row(date(2026, 5, 31))["expired"]
    assert one.row(date(2026, 6, 1))["expired"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (ENTRY.format(expires="soon"), "entry 0.expires: 'soon' does not match"),
        (ENTRY.format(expires="2026-02-30"), "expires '2026-02-30' is no date"),
        (ENTRY.format(expires="2027-01-01") * 2, "AC-1.2 is signed off twice"),
        (ENTRY.format(expires="2027-01-01").replace("AC-1.2", "AC-13.1"), "AC-13.1 is not in the catalogue"),
        ("- criterion: AC-1.2\n", "entry 0: 'owner' is a required property"),
        ("a: b\n", "entry list: {'a': 'b'} is not of type"),
        ("a: [\n", "not valid YAML"),
    ],
)
def test_a_bad_entry_is_named(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / sign_offs.FILE).write_text(content, encoding="utf-8")
    with pytest.raises(sign_offs.BadSignOffs) as refused:
        sign_offs.load(tmp_path, catalogue.load())
    assert problem in str(refused.value)
    assert sign_offs.FILE in str(refused.value)


def test_the_file_of_this_project_can_be_read() -> None:
    assert sign_offs.load(Path(__file__).parents[3] / "features", catalogue.load()) is not None
