"""The steps of docs/qa.md, followed to the letter, give the results on the page: scenario, defect, proof."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from traceability.mutation import defects

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "qa.md").read_text(encoding="utf-8")
FEATURE = "features/r04_error_handling_and_recovery.feature"


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def test_its_example_is_proven_by_its_defect_as_shown(tmp_path: Path) -> None:
    defects.overlay(None, ROOT, tmp_path)
    feature = tmp_path / FEATURE
    text = feature.read_text(encoding="utf-8") + "\n" + block("gherkin")
    # A new file takes the name: the copy's files are links to the project's own.
    feature.unlink()
    feature.write_text(text, encoding="utf-8")
    (name,) = re.findall(r"`features/defects/(AC-\S+)\.yaml`:$", PAGE, re.MULTILINE)
    (tmp_path / "features" / "defects" / f"{name}.yaml").write_text(block("yaml"), encoding="utf-8")
    assert _told(tmp_path, "check").endswith("no problem found.\n")

    shown = re.search(r"```\n\$ python -m traceability (prove --only \S+)\n(.*?)```", PAGE, re.DOTALL)
    assert shown is not None
    assert shown[1] == f"prove --only {name}"
    told = _told(tmp_path, *shown[1].split()).splitlines()
    for wanted in shown[2].splitlines():
        # The page marks its omissions; lines move when scenarios are added above.
        pattern = re.sub(r"feature:\\?\d+", r"feature:\\d+", re.escape(wanted).replace("…", ".*"))
        assert any(re.fullmatch(pattern, line) for line in told), (wanted, told)


def _told(root: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "traceability", *arguments, "--root", str(root)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
