"""Compares the inputs in an archive with the commit that its manifest names, in a checkout that the auditor trusts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from traceability.bundle import git
from traceability.model.tree import INPUTS


@dataclass(frozen=True)
class Comparison:
    """`problem` is the reason why no comparison was possible, "" if it was; the lists have names of files."""

    commit: str
    problem: str = ""
    equal: int = 0
    differing: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        return not (self.problem or self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """The inputs that are not those of the commit."""
        return (*self.differing, *self.missing, *self.extra)


def compare(sums: Mapping[str, str], commit: str, checkout: Path) -> Comparison:
    """Compare the inputs of a run with a commit; `sums` has the SHA-256 of each file of the archive."""
    if not commit:
        return Comparison(commit, "the manifest names no commit")
    if not checkout.is_dir():
        return Comparison(commit, f"the folder {checkout} does not exist; name a clone of the project")
    if not git.is_checkout(checkout):
        return Comparison(commit, f"{checkout.resolve()} is no git clone of the project")
    committed = git.files_of(checkout, commit, INPUTS)
    if committed is None:
        return Comparison(
            commit,
            f"its commit is not in this checkout, or damaged there: {commit[:12]}; fetch it",
        )
    found = {name: one for name, one in sums.items() if _is_input(name)}
    wanted = {name: hashlib.sha256(body).hexdigest() for name, body in committed}
    both = found.keys() & wanted.keys()
    return Comparison(
        commit,
        "",
        sum(found[one] == wanted[one] for one in both),
        _sorted(one for one in both if found[one] != wanted[one]),
        _sorted(wanted.keys() - found.keys()),
        _sorted(found.keys() - wanted.keys()),
    )


def _is_input(name: str) -> bool:
    return any(name == one or name.startswith(f"{one}/") for one in INPUTS)


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names))
