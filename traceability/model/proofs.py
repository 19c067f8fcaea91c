"""The committed list of proofs: how many scenarios prove each criterion on each target.

Invariant: a run that proves less than the list says fails. `keep` writes the list to a lock file beside the features,
`proven.yaml`, so that a review shows each gain and each accepted loss as a change of that file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from traceability.model import yaml_text
from traceability.model.catalogue import Catalogue, id_of, tag_of
from traceability.model.problems import UserProblem
from traceability.model.states import REHEARSAL

FILE = "proven.yaml"
TARGETS = ("moto", REHEARSAL, "aws")
_HEAD = """\
# How many scenarios prove each criterion on each target, written by `python -m traceability keep` from the last run.
# A run that proves less fails. To accept a loss: `python -m traceability keep --accept-loss AC-8.1="reason"`.
"""
_COUNTS = {"type": ["object", "null"], "additionalProperties": {"type": "integer", "minimum": 1}}
_ACCEPTED = {
    "type": "object",
    "required": ["criterion", "target", "before", "now", "reason", "on"],
    "additionalProperties": False,
    "properties": {
        "criterion": {"type": "string"},
        "target": {"enum": list(TARGETS)},
        "before": {"type": "integer"},
        "now": {"type": "integer"},
        "reason": {"type": "string", "minLength": 10},
        "on": {"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
    },
}
_SCHEMA = {
    "type": ["object", "null"],
    "additionalProperties": False,
    "properties": {**dict.fromkeys(TARGETS, _COUNTS), "accepted": {"type": "array", "items": _ACCEPTED}},
}


class BadProofs(UserProblem):
    """The list cannot be used; the message names the file, the mistake and the remedy."""


@dataclass(frozen=True)
class Loss:
    """A criterion that fewer scenarios prove than before; `reason` and the ISO date `on` are "" until accepted."""

    criterion: str
    target: str
    before: int
    now: int
    reason: str = ""
    on: str = ""

    def row(self) -> dict[str, Any]:
        """Return its entry in `coverage.json`."""
        row = {"criterion": tag_of(self.criterion), "target": self.target, "before": self.before, "now": self.now}
        return row | ({"reason": self.reason, "on": self.on} if self.reason else {})


@dataclass(frozen=True)
class Proofs:
    """`counts` has, by target and criterion id, the number of scenarios that prove it."""

    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    accepted: Sequence[Loss] = ()

    def of(self, target: str) -> Mapping[str, int]:
        return self.counts.get(target, {})

    def with_run(self, target: str, counts: Mapping[str, int], accepted: Sequence[Loss]) -> Proofs:
        """Return the list after a run on `target`: larger counts replace the old ones, and so do accepted losses.

        An accepted loss stays in the list until as many scenarios prove the criterion again.
        """
        now = dict(self.of(target)) | {one: n for one, n in counts.items() if n > self.of(target).get(one, 0)}
        now |= {one.criterion: one.now for one in accepted}
        kept = [
            one
            for one in self.accepted
            if one.target != target or (now.get(one.criterion, 0) < one.before and one.criterion not in _ids(accepted))
        ]
        return Proofs({**self.counts, target: {one: n for one, n in now.items() if n}}, [*kept, *accepted])


def load(folder: Path) -> Proofs:
    """Read the list of a folder with features; without a file no proof can be lost. Raises BadProofs."""
    path = folder / FILE
    if not path.exists():
        return Proofs()
    remedy = "take it back from git, or write it anew with `python -m traceability keep`"
    try:
        content = yaml_text.load(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as problem:
        raise BadProofs(f"{path}: not valid YAML: {' '.join(str(problem).split())}; {remedy}") from problem
    error = next(Draft202012Validator(_SCHEMA).iter_errors(content), None)
    if error is not None:
        where = "".join(f"{one}: " for one in error.absolute_path)
        raise BadProofs(f"{path}: {where}{error.message}; {remedy}")
    counts = {one: {id_of(tag): n for tag, n in (content.get(one) or {}).items()} for one in TARGETS}
    accepted = [Loss(**one | {"criterion": id_of(one["criterion"])}) for one in content.get("accepted", ())]
    return Proofs(counts, accepted)


def write(folder: Path, proofs: Proofs, catalogue: Catalogue) -> Path:
    """Write the list, in the order of the catalogue; return its path."""
    order = list(catalogue.criteria)
    content: dict[str, Any] = {}
    for target in TARGETS:
        known = proofs.of(target)
        ids = sorted(known, key=lambda one: (order.index(one) if one in order else len(order), one))
        content[target] = {tag_of(one): known[one] for one in ids}
    content["accepted"] = [one.row() for one in proofs.accepted]
    path = folder / FILE
    path.write_text(_HEAD + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110), encoding="utf-8")
    return path


def losses(known: Proofs, target: str, counts: Mapping[str, int], open_ones: Mapping[str, int]) -> list[Loss]:
    """Return the criteria that fewer scenarios prove on `target` than the list says.

    `open_ones` has, by criterion, the scenarios that a partial run did not select: they are no loss.
    """
    return [
        Loss(one, target, before, counts.get(one, 0))
        for one, before in known.of(target).items()
        if counts.get(one, 0) + open_ones.get(one, 0) < before
    ]


def gains(known: Proofs, target: str, counts: Mapping[str, int]) -> list[str]:
    """Return the criteria that more scenarios prove on `target` than the list says."""
    return [one for one, now in counts.items() if now > known.of(target).get(one, 0)]


def parse_accepted(values: Sequence[str]) -> dict[str, str]:
    """Return the reasons of `--accept-loss AC-8.1=reason`, by criterion id. Raises BadProofs."""
    found = {}
    for one in values:
        tag, _, reason = one.partition("=")
        reason = " ".join(reason.split())
        if len(reason) < 10:
            raise BadProofs(f'--accept-loss {one}: write AC-8.1="reason", with a reason of at least 10 characters')
        found[id_of(tag)] = reason
    return found


def accept(found: Sequence[Loss], reasons: Mapping[str, str], today: str) -> list[Loss]:
    """Return the losses with a reason, accepted on the ISO date `today`. Raises BadProofs if another has a reason."""
    unknown = sorted(set(reasons) - _ids(found))
    if unknown:
        raise BadProofs(f"--accept-loss {tag_of(unknown[0])}: this criterion lost no proof in the run; leave it out")
    return [replace(one, reason=reasons[one.criterion], on=today) for one in found if one.criterion in reasons]


def _ids(found: Sequence[Loss]) -> set[str]:
    return {one.criterion for one in found}
