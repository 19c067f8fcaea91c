"""Compares the inputs in an archive with the commit that its manifest names, in a checkout that the auditor trusts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from traceability.bundle import git
from traceability.model.tree import INPUTS

_NAMED = 5
"""Number of differing files that a line names."""


@dataclass(frozen=True)
class Comparison:
    """`problem` is the reason why no comparison was possible, "" if it was; the lists have names of files."""

    commit: str
    problem: str = ""
    equal: int = 0
    differing: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    head: str = ""
    """The commit that the checkout has checked out."""
    in_history: bool = True
    """Whether the commit is in the history of `head`."""

    @property
    def good(self) -> bool:
        return not (self.problem or self.names)

    @property
    def objection(self) -> str:
        """The reason why the run does not count, in one line."""
        if self.problem:
            return f"its inputs cannot be compared with its commit: {self.problem}"
        more = f" and {len(self.names) - _NAMED} more" if len(self.names) > _NAMED else ""
        return f"its inputs are not those of commit {self.commit[:12]}: {', '.join(self.names[:_NAMED])}{more}"

    @property
    def names(self) -> tuple[str, ...]:
        """The inputs that are not those of the commit."""
        return (*self.differing, *self.missing, *self.extra)


def compare(sums: Mapping[str, str], commit: str, checkout: Path, expected: str | None = None) -> Comparison:
    """Compare the inputs of a run with a commit; `sums` has the SHA-256 of each file of the archive.

    `expected` is a revision of the checkout, such as a tag, that must mean the same commit.
    """
    if expected is not None and (problem := _other(commit, checkout, expected)):
        return Comparison(commit, problem)
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
        head := git.commit(checkout),
        head == commit or git.is_before(checkout, commit, head),
    )


def _other(commit: str, checkout: Path, expected: str) -> str:
    """Return why a commit is not the expected revision, "" if it is."""
    wanted = git.resolve(checkout, expected)
    if not wanted:
        return f"the checkout has no commit {expected}; fetch it, or name another with --commit"
    return "" if wanted == commit else f"the manifest names {commit[:12] or 'no commit'}, expected was {wanted[:12]}"


def _is_input(name: str) -> bool:
    return any(name == one or name.startswith(f"{one}/") for one in INPUTS)


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names))
