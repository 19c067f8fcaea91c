"""The report in a real browser: it opens from disk, asks the network for nothing, and leads to the evidence."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
REPORT = ROOT / "reports" / "allure-report" / "index.html"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

Coverage = dict[str, Any]

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (Debian: apt-get install chromium)"),
    pytest.mark.skipif(not REPORT.exists(), reason="no report to open; `make acceptance` makes one"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
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


def test_the_first_page_says_what_counts(page: Page, coverage: Coverage) -> None:
    totals = coverage["totals"]
    expected = [f"{totals['proven']} of 60 criteria proven on {coverage['target']}", "60 criteria, not scenarios"]
    for text in (*expected, "Proven", "Violated", "Suite defect", "Not run", "No scenario"):
        page.get_by_text(text).first.wait_for(state="visible")


def test_the_tree_leads_from_requirement_to_evidence(page: Page, requests: list[str], coverage: Coverage) -> None:
    row = next(row for row in coverage["criteria"] if any(one["status"] == "passed" for one in row["scenarios"]))
    scenario = next(one for one in row["scenarios"] if one["status"] == "passed")
    open_branch(page, f"AC-{row['id']} ", inside=requirement_title(row["requirement"]))
    open_branch(page, scenario["name"].strip(), inside=f"AC-{row['id']} ")
    page.get_by_text(scenario["name"].strip(), exact=True).first.click()
    page.get_by_text("AWS calls in order", exact=True).first.wait_for()
    page.get_by_text("AWS calls in order", exact=True).first.click()
    page.wait_for_timeout(500)
    outward = [url for url in requests if not url.startswith(("file:", "data:", "blob:"))]
    assert outward == []


def test_a_criterion_without_a_scenario_is_in_the_tree(page: Page, coverage: Coverage) -> None:
    missing = [row["id"] for row in coverage["criteria"] if row["state"] == "no_scenario"]
    if not missing:
        pytest.skip("every criterion has a scenario")
    page.get_by_text("Unknown", exact=True).last.click()
    open_branch(page, f"AC-{missing[0]} ", inside=requirement_title(missing[0].split(".")[0]))
    open_branch(page, "No scenario", inside=f"AC-{missing[0]} ")


def requirement_title(requirement: str) -> str:
    """The start of the tree's first level, such as "03 "."""
    return f"{int(requirement):02} "


def open_branch(page: Page, wanted: str, *, inside: str) -> None:
    """Make `wanted` visible: branches in which all is well are closed at first."""
    target = page.get_by_text(re.compile(f"^{re.escape(wanted)}")).last
    if not target.is_visible():
        page.get_by_text(re.compile(f"^{re.escape(inside)}")).first.click()
    target.wait_for(state="visible")
