"""A run as OSCAL assessment results (NIST, JSON), for the tools of auditors.

One result for each document of the catalogue, so that no total mixes two of them. Each criterion is an objective with
one finding; each scenario that ran is an observation. OSCAL knows only *satisfied* and *not satisfied*: a criterion is
satisfied if it is proven on the target that the title names; the prop `state` keeps the state itself.

Equal runs give equal bytes: each UUID follows from the coverage document. The ids of the criteria begin with
`criterion-`, because NIST SP 800-53 has controls that are called ac-1 as well.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid5

from traceability.evaluation.coverage import first_reason, sections
from traceability.model import sign_offs
from traceability.model.catalogue import MAIN, Catalogue, Criterion, DocumentKind
from traceability.model.states import PROVEN, STATE_WORDS
from traceability.model.verdict import VIOLATED
from traceability.reporting import proof_summary
from traceability.reporting.allure_report import section_headline, target_words

VERSION = "1.2.3"
"""The version of OSCAL whose schema the tests use."""
_NAMESPACE = UUID("6f0a3d5e-6c53-5d0b-9c0b-1f0c5a3b7d21")
_NS = "urn:drs-execution-engine:oscal"
_STATUS = {PROVEN: ("satisfied", "pass"), VIOLATED: ("not-satisfied", "fail")}
_NO_JUDGEMENT = ("not-satisfied", "other")
_NOT_OBSERVED = ("skipped", "missing")

Json = dict[str, Any]


@dataclass(frozen=True)
class _Run:
    """`href` returns the reference to a file of the project from the place of the document."""

    coverage: Mapping[str, Any]
    manifest: Mapping[str, Any]
    catalogue: Catalogue
    href: Callable[[str], str]
    namespace: UUID = field(init=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha256(json.dumps(self.coverage, sort_keys=True).encode()).hexdigest()
        object.__setattr__(self, "namespace", uuid5(_NAMESPACE, digest))

    def uuid(self, *names: object) -> str:
        return str(uuid5(self.namespace, " ".join(map(str, names))))


def document(
    coverage: Mapping[str, Any],
    manifest: Mapping[str, Any],
    catalogue: Catalogue,
    href: Callable[[str], str],
    differences: Sequence[str] = (),
) -> Json:
    """Return the document. `href` turns the path of a file, from the project's root, into a reference.

    `differences` are those between the records of the run: with any, no criterion is satisfied.
    """
    run = _Run(coverage, manifest, catalogue, href)
    files = manifest["files"]
    suite = [name for name in files if name.startswith(("features/", "traceability/model/"))]
    records = [name for name in files if name.startswith("reports/") and name.count("/") == 1]
    return {
        "assessment-results": {
            "uuid": run.uuid("document", *differences),
            "metadata": {
                "title": _line(f"{coverage['document']}: results on {_target(coverage)}"),
                "last-modified": coverage["finished"],
                "version": _line(coverage["commit"] or "commit not known"),
                "oscal-version": VERSION,
            },
            "import-ap": {
                "href": f"#{run.uuid('suite')}",
                "remarks": "The scenarios and criteria of the commit are the assessment plan.",
            },
            "local-definitions": {"objectives-and-methods": [_objective(one) for one in catalogue.criteria.values()]},
            "results": [_result(run, kind, section, differences) for kind, section in sections(coverage)],
            "back-matter": {
                "resources": [
                    _resource(run, "suite", "Scenarios, steps and criteria", suite),
                    _resource(run, "records", "Summaries of the run", records),
                ]
            },
        }
    }


def encode(content: Json) -> bytes:
    """Return the bytes of the file."""
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def control_of(criterion: Criterion) -> str:
    """Return the id of a criterion as a control."""
    return f"criterion-{criterion.id}"


def _result(run: _Run, kind: DocumentKind, section: Mapping[str, Any], differences: Sequence[str]) -> Json:
    rows = section["criteria"]
    known = [run.catalogue.criteria[row["id"]] for row in rows]
    scenarios = {_key(one): one for row in rows for one in row["scenarios"] if one["status"] not in _NOT_OBSERVED}
    remarks = [
        *(["The criteria of this document are counted separately."] if kind is not MAIN else []),
        *(["The records of the run disagree, so it proves no criterion."] if differences else []),
        *differences,
        *(proof_summary.lines(run.coverage, []) if kind is MAIN else []),
    ]
    return {
        "uuid": run.uuid(kind.key),
        "title": _line(f"{section['document']}: {section_headline(kind, section, run.coverage['target'])}"),
        "description": f"Each criterion of the document, tested by scenarios on {_target(run.coverage)}.",
        "start": run.coverage["started"],
        "end": run.coverage["finished"],
        "props": [
            *_props(target=run.coverage["target"], account=run.manifest["account"], run_by=run.manifest["who"]),
            *_props(uncommitted_changes=_yes_or_no(run.manifest["dirty"])),
            *_props(**{f"total-{name}": total for name, total in section["totals"].items()}),
        ],
        "reviewed-controls": {
            "control-selections": [{"include-controls": [{"control-id": control_of(one)} for one in known]}],
            "control-objective-selections": [
                {"include-objectives": [{"objective-id": _objective_id(one)} for one in known]}
            ],
        },
        **_unless_empty("observations", [_observation(run, kind, one) for one in scenarios.values()]),
        "findings": [_finding(run, kind, one, row) for one, row in zip(known, rows, strict=True)],
        **_unless_empty("remarks", "\n\n".join(remarks)),
    }


def _observation(run: _Run, kind: DocumentKind, scenario: Mapping[str, Any]) -> Json:
    place = f"{scenario['file']}:{scenario['line']}"
    evidence = scenario.get("report")
    reason = f": {scenario['reason']}" if scenario["reason"] else ""
    return {
        "uuid": run.uuid(kind.key, *_key(scenario)),
        "title": _line(scenario["name"]),
        "description": f"Scenario {place}, {scenario['verdict'].replace('_', ' ')}{reason}",
        "props": _props(scenario=place, verdict=scenario["verdict"], seconds=scenario["seconds"]),
        "methods": ["TEST"],
        "collected": run.coverage["finished"],
        **_unless_empty(
            "relevant-evidence",
            [{"href": run.href(f"reports/{evidence}"), "description": "Steps, expected and found values, AWS calls"}]
            if evidence
            else [],
        ),
    }


def _finding(run: _Run, kind: DocumentKind, criterion: Criterion, row: Mapping[str, Any]) -> Json:
    state, reason = _STATUS.get(row["state"], _NO_JUDGEMENT)
    words = [STATE_WORDS[row["state"]], *filter(None, [first_reason(row), sign_offs.describe(row)])]
    observed = [one for one in row["scenarios"] if one["status"] not in _NOT_OBSERVED]
    return {
        "uuid": run.uuid("finding", criterion.id),
        "title": criterion.tag,
        "description": f"{'. '.join(words)}.",
        "props": _props(
            state=row["state"], can_fail=_yes_or_no(row["can_fail"]), rehearsed=str(row["rehearsed"]).lower()
        ),
        "target": {
            "type": "objective-id",
            "target-id": _objective_id(criterion),
            "description": criterion.text,
            "status": {"state": state, "reason": reason},
        },
        **_unless_empty(
            "related-observations", [{"observation-uuid": run.uuid(kind.key, *_key(one))} for one in observed]
        ),
    }


def _objective(criterion: Criterion) -> Json:
    return {
        "control-id": control_of(criterion),
        "props": _props(label=criterion.tag, revision=criterion.revision),
        "parts": [{"id": _objective_id(criterion), "name": "assessment-objective", "prose": criterion.text}],
    }


def _resource(run: _Run, name: str, title: str, files: Iterable[str]) -> Json:
    listed = [
        {"href": run.href(one), "hashes": [{"algorithm": "SHA-256", "value": run.manifest["files"][one]["sha256"]}]}
        for one in sorted(files)
    ]
    return {"uuid": run.uuid(name), "title": title, **_unless_empty("rlinks", listed)}


def _objective_id(criterion: Criterion) -> str:
    return f"{control_of(criterion)}_objective"


def _key(scenario: Mapping[str, Any]) -> tuple[str, int, str]:
    return scenario["file"], scenario["line"], scenario["name"]


def _target(coverage: Mapping[str, Any]) -> str:
    return target_words(coverage["target"])


def _yes_or_no(value: bool | None) -> str:
    return "unknown" if value is None else str(value).lower()


def _props(**values: object) -> list[Json]:
    """Return the props that have a value; "_" in a name stands for "-"."""
    lines = {name.replace("_", "-"): _line(str(value)) for name, value in values.items() if str(value).strip()}
    return [{"name": name, "ns": _NS, "value": line} for name, line in lines.items()]


def _line(text: str) -> str:
    """Return a text as OSCAL's strings and titles are: on one line, without spaces around it."""
    return " ".join(text.split())


def _unless_empty(name: str, value: Any) -> Json:
    """Return the field; OSCAL has no empty lists and no empty texts."""
    return {name: value} if value else {}
