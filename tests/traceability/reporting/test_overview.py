"""Head and foot of the matrix: what is not proven and why, since when the rest is, and the runs behind the figures."""

from __future__ import annotations

import re

from tests.traceability.bundle.test_run_loader import run
from tests.traceability.conftest import KNOWN, Suite
from traceability.bundle import run_loader
from traceability.bundle.run_loader import CoverageDocument
from traceability.evaluation.coverage import sections
from traceability.reporting import matrix, overview, provenance
from traceability.reporting.provenance import Provenance

MIXED = """
    Feature: Small
      @AC-1.1 @AC-1.2 @moto
      Scenario: green
        Then nothing is wrong

      @AC-1.3 @moto
      Scenario: red
        Then the expectation fails

      @AC-10.1 @aws
      Scenario: on AWS only
        Then nothing is wrong

      @EX-1.1 @moto
      Scenario: of an extension
        Then nothing is wrong
    """
REVISIONS = {one.id: one.revision for one in KNOWN.criteria.values()}


def known_of(*runs: CoverageDocument) -> Provenance:
    return Provenance(run_loader.latest_by_target(runs, REVISIONS, runs[-1]), runs, [], [], 0)


def test_the_head_says_which_criteria_are_not_proven_and_why(suite: Suite) -> None:
    judged = suite.feature(MIXED).run()
    known = provenance.gather(suite.places, suite.catalogue, judged.coverage)
    page = matrix.page(judged.coverage, suite.catalogue, known)
    head = re.sub(r"<[^>]+>", "", page[page.index("<h1>") : page.index('<ul class="legend">')])
    assert "✗ violated AC-1.3: " in head
    assert "3 waves" in head
    assert "· no scenario AC-1.4, " in head
    assert " and 44 more\n" in head
    assert "– not run AC-10.1: needs AWS or rehearsal" in head
    assert "Proven without a break since" in head
    assert '<a href="#AC-10.1">AC-10.1</a>' in page
    assert 'id="AC-10.1"' in page


def test_each_printed_page_names_run_commit_and_page(suite: Suite) -> None:
    judged = suite.feature(MIXED).run()
    known = provenance.gather(suite.places, suite.catalogue, judged.coverage)
    hostile = judged.coverage | {"commit": '"}</style>abc'}
    page = matrix.page(hostile, suite.catalogue, known)
    moment = judged.coverage["finished"][:16].replace("T", " ")
    assert f'"Execution Engine Testing, run of {moment} UTC on simulated AWS, commit    ' in page
    assert '"page " counter(page) " of " counter(pages)' in page
    assert page.count("</style>") == 1


def test_criteria_share_a_line_for_the_same_reason_and_the_list_has_an_end() -> None:
    section = next(content for _, content in sections(run("moto", 1, {})))
    for number, row in enumerate(section["criteria"]):
        row["state"] = "violated"
        row["scenarios"] = [{"verdict": "violated", "status": "failed", "reason": f"cause {number // 2}"}]
    found = overview.open_criteria(section)
    assert (found[0].tags, found[0].reason) == (["AC-1.1", "AC-1.2"], "cause 0")
    assert (len(found), found[-1].reason, len(found[-1].tags)) == (9, "for other reasons, named below", 44)


def test_since_when_the_criteria_are_proven() -> None:
    first, last = run("moto", 1, {"1.1": "proven"}), run("moto", 3, {"1.1": "proven", "1.2": "proven"})
    (_, section), *_ = sections(last)
    one, both = known_of(first), known_of(first, last)
    assert overview.proven_since(section, both.found, "moto") == (
        "Proven without a break since 2026-05-01; the newest since 2026-05-03: AC-1.2."
    )
    (_, of_first), *_ = sections(first)
    assert overview.proven_since(of_first, one.found, "moto") == "Proven without a break since 2026-05-01."
    assert overview.proven_since(section, both.found, "aws") == ""


def test_the_list_names_each_run_and_never_adds_the_two_documents(suite: Suite) -> None:
    judged = suite.feature(MIXED).run()
    known = provenance.gather(suite.places, suite.catalogue, judged.coverage)
    (row,), unlisted = overview.run_list(judged.coverage, suite.catalogue, known)
    assert (row.finished, row.target) == (judged.coverage["finished"], "moto")
    assert row.scenarios == "2 passed, 1 violated, 1 not run"
    assert row.use == "3 criteria, 1 extension"
    assert unlisted == 0


def test_runs_for_dates_alone_follow_and_the_list_has_an_end() -> None:
    runs = [run("moto", day, {"1.1": "proven"}) for day in range(1, 26)]
    rows, unlisted = overview.run_list(runs[-1], KNOWN, known_of(*runs))
    assert [row.use for row in rows] == ["1 criterion", *["dates and trend only"] * 20]
    assert [row.finished[:10] for row in rows[:2]] == ["2026-05-25", "2026-05-24"]
    assert unlisted == 4
