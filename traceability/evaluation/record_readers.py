"""Reads what the two reporters of a run wrote down: behave's JUnit files and the Allure results.

They are kept apart on purpose: neither knows of the other, so a loss in one of them shows.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree import ElementTree

from traceability.model import redaction, tree
from traceability.model.feature_files import Scenario
from traceability.model.states import ALLURE_STATUS
from traceability.model.verdict import StepEnd, verdict

Key = tuple[str, str]
_VERDICTS = {status: name for name, status in ALLURE_STATUS.items()}


class UnreadableResult(ValueError):
    """A results file is not what its reporter writes; the message names it."""


@dataclass(frozen=True)
class JUnitCase:
    """One `<testcase>`: behave's own word for how the scenario ended, and the steps as it listed them."""

    suite: str
    name: str
    status: str
    message: str
    listing: str

    @property
    def key(self) -> Key:
        return self.suite, self.name


@dataclass(frozen=True)
class AllureCase:
    """One Allure result. `verdict` is what its status says in the words of `verdict`."""

    file: str
    name: str
    verdict: str
    message: str
    seconds: float
    features: tuple[str, ...]
    attachments: tuple[str, ...]
    steps: tuple[tuple[str, bool], ...]
    """The steps of the scenario itself: what each is called, and whether it left evidence."""
    path: Path
    began: float
    ended: float
    """Seconds since 1970: by the machine's own clock, never by a virtual one."""
    report_id: str = ""
    """What Allure calls the result in the report's own addresses."""

    @property
    def key(self) -> Key:
        return self.file, self.name


def junit_key(scenario: Scenario, features: str) -> Key:
    """Return how behave's JUnit reporter names a scenario of the folder `features`."""
    path = PurePosixPath(scenario.file).relative_to(features).with_suffix("")
    return f"{'.'.join(path.parts)}.{scenario.feature}", scenario.name


def read_junit(directory: Path) -> list[JUnitCase]:
    """Return all cases of all files. Raises UnreadableResult."""
    return [_junit_case(case) for path in sorted(directory.glob("*.xml")) for case in _root(path).iter("testcase")]


def read_allure(directory: Path) -> list[AllureCase]:
    """Return all results. Raises UnreadableResult."""
    return [_allure_case(path) for path in sorted(directory.glob("*-result.json"))]


def redact_junit(directory: Path) -> None:
    """Take credentials out of the JUnit files, which behave writes without asking anybody."""
    for path in directory.glob("*.xml"):
        root = _root(path)
        for element in root.iter():
            element.text = redaction.text(element.text or "")
            element.attrib.update({name: redaction.text(value) for name, value in element.attrib.items()})
        ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def junit_verdict(case: JUnitCase, scenario: Scenario) -> str:
    """Judge a scenario from JUnit and the feature file alone."""
    return verdict(case.status, step_ends(case, scenario))


def step_ends(case: JUnitCase, scenario: Scenario) -> list[StepEnd]:
    """Return how each step ended, found in the order of the feature; the list is short where JUnit's is."""
    ends: list[StepEnd] = []
    position = 0
    for step in scenario.steps:
        line = re.compile(
            rf"^\s*{re.escape(step.keyword)} {re.escape(step.name)} \.\.\. (\w+) in [\d.]+s$", re.MULTILINE
        )
        found = line.search(case.listing, position)
        if found is None:
            break
        position = found.end()
        ends.append(StepEnd(step.is_expectation, found[1], case.message if found[1] in ("failed", "error") else ""))
    return ends


class _WithoutEntities(ElementTree.TreeBuilder):
    """behave declares no document type; whoever does may have entities expand to more than memory holds."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ElementTree.ParseError(f"it declares a document type, {name}")


def _root(path: Path) -> ElementTree.Element:
    try:
        parser = ElementTree.XMLParser(target=_WithoutEntities())  # noqa: S314 - no entity gets through it
        return ElementTree.parse(path, parser).getroot()  # noqa: S314 - as above
    except ElementTree.ParseError as problem:
        raise UnreadableResult(f"{path}: not a JUnit file: {problem}") from problem


def _junit_case(case: ElementTree.Element) -> JUnitCase:
    problem = case.find("failure") if case.find("failure") is not None else case.find("error")
    return JUnitCase(
        suite=case.get("classname", ""),
        name=case.get("name", ""),
        status=case.get("status", ""),
        message=_problem_message(problem),
        listing=case.findtext("system-out", ""),
    )


def _problem_message(problem: ElementTree.Element | None) -> str:
    if problem is None:
        return ""
    message = problem.get("message", "")
    return message if message not in ("", "None") else (problem.text or "").strip()


def _allure_case(path: Path) -> AllureCase:
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        file, _, name = result["fullName"].partition(":")
        return AllureCase(
            file=file,
            name=name,
            verdict=_VERDICTS[result["status"]],
            message=result.get("statusDetails", {}).get("message", "").strip(),
            seconds=(result["stop"] - result["start"]) / 1000,
            features=_labels(result, "feature"),
            attachments=tuple(
                item["source"] for one in [result, *result.get("steps", [])] for item in one.get("attachments", [])
            ),
            steps=tuple((item["name"], bool(item.get("attachments"))) for item in result.get("steps", [])),
            path=path,
            began=result["start"] / 1000,
            ended=result["stop"] / 1000,
            # Allure names a result by the MD5 of its uuid; nothing is protected by it.
            report_id=hashlib.md5(result["uuid"].encode(), usedforsecurity=False).hexdigest(),
        )
    except (ValueError, KeyError) as problem:
        raise UnreadableResult(f"{path}: not an Allure result of this suite: {problem!r}") from problem


def _labels(result: dict[str, Any], name: str) -> tuple[str, ...]:
    labels: Sequence[dict[str, str]] = result.get("labels", [])
    return tuple(label["value"] for label in labels if label["name"] == name)


def read_can_fail(path: Path, root: Path) -> dict[str, bool]:
    """Return can_fail by criterion from `prove.json`; empty if the file is missing or was made on another tree."""
    if not path.exists():
        return {}
    content = json.loads(path.read_text(encoding="utf-8"))
    found: dict[str, bool] = content["can_fail"] if content["tree"] == tree.digest(root) else {}
    return found
