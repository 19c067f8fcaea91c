"""The report in a real browser: it opens from disk, makes no network request, and leads to the evidence."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.traceability.conftest import small_suite
from tests.traceability.reporting.test_allure_report import FIVE
from traceability.reporting import pdf
from traceability.reporting.allure_report import target_words
from traceability.running import run as runs

ROOT = Path(__file__).resolve().parents[2]
REPORT = ROOT / "reports" / "allure-report" / "index.html"
CHROMIUM = pdf.browser()

Coverage = dict[str, Any]

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine (Debian: apt-get install chromium)"
)
of_last_run = pytest.mark.skipif(not REPORT.exists(), reason="no report to open; `make acceptance` makes one")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=pdf.OPTIONS)
        yield started
        started.close()


@pytest.fixture
def requests() -> list[str]:
    return []


@pytest.fixture
def page(browser: Browser, requests: list[str]) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1280, "height": 1000})
    opened.set_default_timeout(10_000)
    opened.on("request", lambda request: requests.append(request.url))
    opened.goto(REPORT.as_uri())
    opened.get_by_text("criteria proven on").first.wait_for()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def coverage() -> Coverage:
    content: Coverage = json.loads((ROOT / "reports" / "coverage.json").read_text(encoding="utf-8"))
    return content


@of_last_run
def test_the_first_page_counts_criteria(page: Page, coverage: Coverage) -> None:
    totals = coverage["totals"]
    expected = [
        f"{totals['proven']} of 60 criteria proven on {target_words(coverage['target'])}",
        "60 criteria, not scenarios",
    ]
    page.get_by_text(expected[0]).first.wait_for(state="visible")
    more = page.get_by_text("Show more", exact=True)
    if more.count():
        more.first.click()
    for text in (*expected, "Proven", "Violated", "Suite defect", "Not run", "No scenario"):
        page.get_by_text(text).first.wait_for(state="visible")


@of_last_run
def test_the_tree_leads_from_requirement_to_evidence(page: Page, requests: list[str], coverage: Coverage) -> None:
    row = next(row for row in coverage["criteria"] if any(one["status"] == "passed" for one in row["scenarios"]))
    scenario = next(one for one in row["scenarios"] if one["status"] == "passed")
    open_branch(page, f"AC-{row['id']} ", inside=requirement_title(row["requirement"]))
    open_branch(page, scenario["name"].strip(), inside=f"AC-{row['id']} ")
    page.get_by_text(scenario["name"].strip(), exact=True).first.click()
    page.get_by_text("AWS calls in order", exact=True).first.wait_for()
    page.get_by_text("AWS calls in order", exact=True).first.click()
    page.wait_for_timeout(500)
    assert outward(requests) == []


@of_last_run
def test_a_criterion_without_a_scenario_is_in_the_tree(page: Page, coverage: Coverage) -> None:
    missing = [row["id"] for row in coverage["criteria"] if row["state"] == "no_scenario"]
    if not missing:
        pytest.skip("every criterion has a scenario")
    page.get_by_text("Unknown", exact=True).last.click()
    open_branch(page, f"AC-{missing[0]} ", inside=requirement_title(missing[0].split(".")[0]))
    open_branch(page, "No scenario", inside=f"AC-{missing[0]} ")


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports of a run with one criterion proven, one violated, one suite defect, one not run, the rest without."""
    suite = small_suite(tmp_path_factory.mktemp("five"))
    (suite.root / "node_modules").symlink_to(ROOT / "node_modules")
    judged = suite.feature(FIVE).run()
    runs.write_report(suite.places, suite.catalogue, judged)
    return suite.places.reports


@pytest.fixture
def summary(browser: Browser, requests: list[str], five: Path) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1280, "height": 1000})
    opened.set_default_timeout(10_000)
    opened.on("request", lambda request: requests.append(request.url))
    opened.goto((five / "allure-report" / "index.html").as_uri())
    opened.get_by_text("1 of 60 criteria proven on simulated AWS").first.wait_for()
    yield opened
    opened.close()


def test_three_clicks_lead_from_the_summary_to_the_evidence_of_a_violation(summary: Page, requests: list[str]) -> None:
    for sign in ("✓ proven", "✗ violated", "! suite defect", "– not run", "· no scenario"):
        summary.get_by_text(re.compile(rf"^AC-1\.\d {re.escape(sign)} · WHEN")).first.wait_for(state="visible")
    clicks = [
        summary.get_by_text("is violated", exact=True).first,
        summary.get_by_text("Judged on", exact=True).first,
    ]
    assert len(clicks) <= 3
    for one in clicks:
        one.click()
    for text in ("Looked at the execution record", "expected: 3 waves", "found: 2 waves"):
        summary.get_by_text(text).first.wait_for(state="visible")
    assert outward(requests) == []


def test_the_matrix_links_to_the_scenario_without_network_requests(
    browser: Browser, requests: list[str], five: Path
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.on("request", lambda request: requests.append(request.url))
    page.goto((five / "matrix.html").as_uri())
    assert page.locator(".cell").count() == 60 + 25
    assert page.locator("script").count() == 0
    # Nothing is wider than a phone.
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("#AC-1\\.2 a").click()
    page.get_by_text("expected 3 waves, but there were 2").first.wait_for(state="visible")
    page.close()
    assert outward(requests) == []


def test_the_report_is_readable_on_a_phone(browser: Browser, five: Path) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.set_default_timeout(10_000)
    page.goto((five / "allure-report" / "index.html").as_uri())
    page.get_by_text("1 of 60 criteria proven on simulated AWS").first.wait_for()
    page.get_by_text(re.compile(r"^AC-1\.2 ")).first.wait_for()
    ring = page.locator("article:has(> svg)").bounding_box()
    assert ring is not None
    assert ring["width"] >= 60, "the ring holds its figure"
    page.wait_for_timeout(300)
    scrolled = "[...document.querySelectorAll('*')].filter((one) => one.scrollTop > 0).length"
    assert page.evaluate(scrolled) == 0, "the page begins with its figures"
    _is_whole(page, re.compile(r"^AC-1\.2 "))
    page.get_by_text("is violated", exact=True).first.click()
    _is_whole(page, re.compile("^Then the expectation fails"))
    page.get_by_text("Judged on", exact=True).first.wait_for()
    _is_whole(page, re.compile("^Judged on$"))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()


def _is_whole(page: Page, text: re.Pattern[str]) -> None:
    """A text is neither cut nor broken into letters: it has at least 12 letters a line, or one line."""
    box = page.get_by_text(text).first.evaluate(
        "(one) => ({width: one.scrollWidth, shown: one.offsetWidth, letters: one.innerText.length,"
        " lines: Math.round(one.offsetHeight / parseFloat(getComputedStyle(one).lineHeight))})"
    )
    assert box["width"] <= box["shown"], box
    assert box["lines"] == 1 or box["letters"] / box["lines"] >= 12, box


def test_the_matrix_prints_on_two_pages_and_the_extensions_on_a_third(browser: Browser, five: Path) -> None:
    last = ROOT / "reports" / "matrix.html"
    for path in [five / "matrix.html", *([last] if last.exists() else [])]:
        page = browser.new_page()
        page.goto(path.as_uri())
        printed = page.pdf(prefer_css_page_size=True)
        page.close()
        assert len(re.findall(rb"/Type\s*/Page\b(?!s)", printed)) == 3, path


def outward(requests: list[str]) -> list[str]:
    return [url for url in requests if not url.startswith(("file:", "data:", "blob:"))]


def requirement_title(requirement: str) -> str:
    """Return the start of a label on the tree's first level, such as "03 "."""
    return f"{int(requirement):02} "


def open_branch(page: Page, wanted: str, *, inside: str) -> None:
    """Make `wanted` visible: branches with only green results are closed at first."""
    target = page.get_by_text(re.compile(f"^{re.escape(wanted)}")).last
    if not target.is_visible():
        page.get_by_text(re.compile(f"^{re.escape(inside)}")).first.click()
    target.wait_for(state="visible")
