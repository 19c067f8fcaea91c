"""Reads the records of the two reporters of a run: behave's JUnit files and the Allure results.

The two records are independent on purpose: a result lost in one of them is still in the other.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree import ElementTree

import yaml

from traceability.model import redaction, tree, yaml_text
from traceability.model.feature_files import Scenario
from traceability.model.problems import UserProblem
from traceability.model.states import ALLURE_STATUS
from traceability.model.verdict import JUDGED_ON, StepEnd, verdict

# What XML 1.0 cannot hold, as a character or as a reference; behave writes both.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_REFERENCE = re.compile(r"&#(\d{1,7});")

Key = tuple[str, str]
NOTICED = "noticed"
"""The outcome of a defect that a violated expectation revealed."""
_VERDICTS = {status: name for name, status in ALLURE_STATUS.items()}


class UnreadableResult(UserProblem):
    """A results file does not have the format of its reporter; the message names the file."""


@dataclass(frozen=True)
class JUnitCase:
    """One `<testcase>`: the scenario's status in behave's own word; `listing` is its text of the steps."""

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
    """One Allure result; `verdict` is its status translated to a verdict."""

    file: str
    name: str
    verdict: str
    message: str
    seconds: float
    features: tuple[str, ...]
    attachments: tuple[str, ...]
    steps: tuple[tuple[str, bool], ...]
    """The steps of the scenario itself: (keyword and text, whether an attachment is present)."""
    path: Path
    started: float
    ended: float
    """Seconds since 1970, from the machine's clock, never from a virtual one."""
    report_id: str = ""
    """The result's id in the URLs of the Allure report."""

    @property
    def key(self) -> Key:
        return self.file, self.name


def junit_key(scenario: Scenario, features: str) -> Key:
    """Return the key under which behave's JUnit reporter records a scenario of the folder `features`."""
    path = PurePosixPath(scenario.file).relative_to(features).with_suffix("")
    return f"{'.'.join(path.parts)}.{_legal(scenario.feature)}", _legal(scenario.name)


def read_junit(directory: Path) -> list[JUnitCase]:
    """Return all cases of all files. Raises UnreadableResult."""
    return [_junit_case(case) for path in sorted(directory.glob("*.xml")) for case in _root(path).iter("testcase")]


def read_allure(directory: Path) -> list[AllureCase]:
    """Return all results. Raises UnreadableResult."""
    return [_allure_case(path) for path in sorted(directory.glob("*-result.json"))]


def redact_junit(directory: Path) -> None:
    """Remove credentials from the JUnit files, which behave writes without redaction."""
    for path in directory.glob("*.xml"):
        root = _root(path)
        for element in root.iter():
            element.text = redaction.text(element.text or "")
            element.attrib.update({name: redaction.text(value) for name, value in element.attrib.items()})
        ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def junit_verdict(case: JUnitCase, scenario: Scenario) -> str:
    """Return the verdict of a scenario from JUnit and the feature file alone."""
    return verdict(case.status, step_ends(case, scenario))


def step_ends(case: JUnitCase, scenario: Scenario) -> list[StepEnd]:
    """Return the end of each step in the order of the feature; shorter if JUnit lists fewer steps."""
    ends: list[StepEnd] = []
    position = 0
    for step in scenario.steps:
        line = re.compile(
            rf"^\s*{re.escape(step.keyword)} {re.escape(_legal(step.name))} \.\.\. (\w+) in [\d.]+s$", re.MULTILINE
        )
        found = line.search(case.listing, position)
        if found is None:
            break
        position = found.end()
        ends.append(StepEnd(step.is_expectation, found[1], case.message if found[1] in ("failed", "error") else ""))
    return ends


class _WithoutEntities(ElementTree.TreeBuilder):
    """Rejects a document type: behave declares none, and its entities could expand until memory is full."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ElementTree.ParseError(f"it declares a document type, {name}")


def _root(path: Path) -> ElementTree.Element:
    try:
        parser = ElementTree.XMLParser(target=_WithoutEntities())  # noqa: S314 - it rejects entities
        text = path.read_bytes().decode("utf-8", "backslashreplace")
        return ElementTree.fromstring(_legal(_REFERENCE.sub(_escaped_reference, text)), parser)  # noqa: S314 - as above
    except ElementTree.ParseError as problem:
        raise UnreadableResult(f"{path}: not a JUnit file: {problem}") from problem


def _legal(text: str) -> str:
    """Return the text with each character that XML cannot hold as its escape, such as \\x1b."""
    return _ILLEGAL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _escaped_reference(found: re.Match[str]) -> str:
    """Return a reference to a character that XML cannot hold as the escape of this character; others stay."""
    number = int(found[1])
    illegal = number > sys.maxunicode or _ILLEGAL.match(chr(number))
    return f"\\u{number:04x}" if illegal else found[0]


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
            steps=tuple((item["name"], _is_judged(item)) for item in result.get("steps", [])),
            path=path,
            started=result["start"] / 1000,
            ended=result["stop"] / 1000,
            # Allure names a result by the MD5 of its uuid; the hash protects no data.
            report_id=hashlib.md5(result["uuid"].encode(), usedforsecurity=False).hexdigest(),
        )
    except (ValueError, KeyError) as problem:
        raise UnreadableResult(f"{path}: not an Allure result: {problem!r}") from problem


def _is_judged(step: dict[str, Any]) -> bool:
    """Whether a step has a comparison below it; a picture or a message that it attached proves nothing."""
    return any(one.get("name") == JUDGED_ON for one in step.get("attachments", []))


def _labels(result: dict[str, Any], name: str) -> tuple[str, ...]:
    labels: Sequence[dict[str, str]] = result.get("labels", [])
    return tuple(label["value"] for label in labels if label["name"] == name)


def read_can_fail(path: Path, root: Path) -> dict[str, bool]:
    """Return can_fail by criterion from the results of the defects in `prove.json`, never from its own summary.

    A result counts only for the criterion that its defect names in the tree. Empty if the file is missing or was made
    on another tree.
    """
    if not path.exists():
        return {}
    content = json.loads(path.read_text(encoding="utf-8"))
    found: dict[str, bool] = {}
    for one in content["defects"] if content["tree"] == tree.digest(root) else []:
        criterion = one["criterion"]
        if criterion == _criterion_of_defect(root, one["source"]):
            found[criterion] = found.get(criterion, False) or one["outcome"] == NOTICED
    return found


def _criterion_of_defect(root: Path, source: str) -> str:
    """Return the criterion that the file of a defect names, "" if the tree has no such defect."""
    path = PurePosixPath(source)
    if path.is_absolute() or ".." in path.parts or path.parent.name != "defects":
        return ""
    try:
        return str(yaml_text.load((root / path).read_text(encoding="utf-8"))["criterion"])
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        return ""
