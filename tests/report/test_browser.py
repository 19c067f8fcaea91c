"""The report in a real browser: it opens from disk, asks the network for nothing, and leads to the evidence."""

from __future__ import annotations

import json
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
    assert page.get_by_text(f"{totals['proven']} of 60 criteria proven on {coverage['target']}").first.is_visible()
    assert page.get_by_text("60 criteria, not scenarios").is_visible()
    for state in ("Proven", "Violated", "Suite defect", "Not run", "No scenario"):
        assert page.get_by_text(state, exact=True).first.is_visible()


def test_the_tree_leads_from_requirement_to_evidence(page: Page, requests: list[str], coverage: Coverage) -> None:
    row = next(row for row in coverage["criteria"] if any(one["status"] == "passed" for one in row["scenarios"]))
    scenario = next(one for one in row["scenarios"] if one["status"] == "passed")
    assert page.get_by_text(f"AC-{row['id']} ").first.is_visible()
    page.get_by_text(scenario["name"], exact=True).first.click()
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
    assert page.get_by_text(f"AC-{missing[0]} ").first.is_visible()
