"""What the README shows is what a reader gets: files, lines and step locations move, and the sample has to follow."""

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
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120).stdout
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


def test_every_file_that_the_documents_link_to_exists() -> None:
    documents = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    missing = []
    for document in documents:
        links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8"))
        local = [link for link in links if not re.match(r"\w+:", link)]
        missing += [f"{document.name}: {link}" for link in local if not (document.parent / link).exists()]
    assert missing == []
