"""The documents agree with the tree: the README's scenario and its output, every link, every named path."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_scenario_that_the_readme_runs_stands_where_it_says() -> None:
    (place,) = re.findall(r"^\$ behave (features/\S+:\d+)$", README, re.MULTILINE)
    shown = README.partition(f"$ behave {place}\n")[2].partition("```")[0]
    command = [sys.executable, "-m", "behave", place, "--dry-run", "--no-color", "--no-skipped"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600).stdout
    lines = [line for line in shown.splitlines() if "# features/" in line]
    assert len(lines) == 5
    assert [line for line in lines if line not in said] == []
    counted = re.search(r"^(\d+) steps passed, 0 failed, (\d+) skipped$", shown, re.MULTILINE)
    assert counted is not None
    assert f"{counted[2]} skipped, {counted[1]} untested" in said


def test_the_scenario_that_the_readme_quotes_is_the_one_in_the_feature() -> None:
    quoted = README.partition("```gherkin\n")[2].partition("```")[0].splitlines()
    feature = (ROOT / "features" / "r01_wave_orchestration.feature").read_text(encoding="utf-8")
    assert [line.strip() for line in quoted if line.strip() not in feature] == []


DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
FOLDERS = ("docs", "engine", "features", "infra", "simulator", "testdata", "tests", "traceability")
# Files that a document tells the reader to write.
TO_BE_WRITTEN = {"features/defects/AC-4.2_last_wave.yaml"}


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub derives them."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_of_the_documents_leads_to_a_file_and_a_heading() -> None:
    missing = []
    for document in DOCUMENTS:
        for path, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)]*))?\)", document.read_text(encoding="utf-8")):
            if re.match(r"\w+:", path):
                continue
            target = document.parent / path if path else document
            if not target.exists() or (anchor and anchor not in anchors(target)):
                missing.append(f"{document.name}: {path}#{anchor}")
    assert missing == []


def test_every_path_that_the_documents_name_exists() -> None:
    named = re.compile(rf"`((?:{'|'.join(FOLDERS)})/[\w./*-]*)(?::\d+)?`")
    missing = [
        f"{document.name}: {path}"
        for document in DOCUMENTS
        for path in named.findall(document.read_text(encoding="utf-8"))
        if path not in TO_BE_WRITTEN and not list(ROOT.glob(path.rstrip("/")))
    ]
    assert missing == []
