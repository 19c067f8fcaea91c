"""The terminal output: progress, one line for each requirement, each red scenario with its place."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from traceability.bundle.archive import printable
from traceability.bundle.manifest import uncommitted_of
from traceability.evaluation import partial_run
from traceability.evaluation.coverage import ScenarioOutcome, first_reason, judgement, rows_of, sections, short
from traceability.evaluation.diff import KINDS
from traceability.model import sign_offs
from traceability.model.catalogue import Catalogue, tag_of
from traceability.model.states import DESELECTED, NO_SCENARIO, PROVEN, RECORDS_DIFFER, STATE_SIGNS, STATE_WORDS
from traceability.model.verdict import NOT_RUN, SUITE_DEFECT, VIOLATED
from traceability.reporting.allure_report import scope, section_headline, target_words

if TYPE_CHECKING:
    from traceability.bundle.attestation import Signature
    from traceability.bundle.bundle import Verification
    from traceability.bundle.commit_comparison import Comparison
    from traceability.mutation.prove import DefectResult

REHEARSED = "rehearsed"
"""Shown instead of "not run"; not a state of its own, and never proven."""
_REHEARSED_SIGN = "○"
_SHOWN = (PROVEN, VIOLATED, SUITE_DEFECT, NOT_RUN, REHEARSED, NO_SCENARIO)
_STYLES = {
    REHEARSED: "blue",
    PROVEN: "green",
    VIOLATED: "bold red",
    SUITE_DEFECT: "yellow",
    NOT_RUN: "cyan",
    NO_SCENARIO: "dim",
}
_OUTCOME_WORDS = {"noticed": "noticed", "unnoticed": "not noticed", "not_by_expectation": "not by expectation"}
_PLAIN_EVERY = 5.0
_ALIKE = 3
_DIFFERENCES = 10
_LISTED = 20


@contextmanager
def progress(console: Console) -> Iterator[Any]:
    """Yield a function (done, total) that shows the progress: a bar on a terminal, otherwise a line every 5 s."""
    if console.is_terminal:
        columns = (TextColumn("Running the scenarios"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("")
            yield lambda done, total: bar.update(task, completed=done, total=total)
        return
    last: float | None = None

    def line(done: int, total: int) -> None:
        nonlocal last
        if last is None:
            last = time.monotonic()
            console.print("Running the scenarios ...")
        elif time.monotonic() - last >= _PLAIN_EVERY:
            last = time.monotonic()
            console.print(f"  {done} of {total} scenarios")

    yield line


def summary(console: Console, coverage: Mapping[str, Any], catalogue: Catalogue) -> None:
    """Print one line for each requirement, the totals of each document, and the criteria that are not proven."""
    states = {row["id"]: REHEARSED if row["rehearsed"] else row["state"] for row in rows_of(coverage)}
    width = max(len(one.title) for one in catalogue.requirements)
    id_width = max(len(one.id) for one in catalogue.requirements)
    for one in catalogue.requirements:
        mine = [states[criterion.id] for criterion in one.criteria]
        signs = " ".join(_sign(state) for state in mine)
        planned = f"; planned: {', '.join(criterion.tag for criterion in one.planned)}" if one.planned else ""
        console.print(f"{one.id:>{id_width}}  {one.title:<{width}}  {signs}  {_counts(mine)}{planned}", highlight=False)
    console.print()
    console.print("  ".join(f"{_sign(state)} {_word(state)}" for state in _SHOWN))
    for kind, section in sections(coverage):
        five = _counts([row["state"] for row in section["criteria"]])
        rehearsed = section["totals"]["rehearsed"]
        of_them = f" ({rehearsed} of them rehearsed)" if rehearsed else ""
        headline = section_headline(kind, section, coverage["target"])
        console.print(f"[bold]{headline}[/]: {five}{of_them}", highlight=False, soft_wrap=True)
    for line in (*_partial(coverage), *_not_proven(coverage), *_signed_off(coverage)):
        console.print(line, highlight=False, soft_wrap=True)


def stories(console: Console, coverage: Mapping[str, Any], texts: Mapping[str, str]) -> None:
    """Print the failure stories of the first red scenarios; the report has all of them."""
    places = [f"{one['file']}:{one['line']}" for row in rows_of(coverage) for one in row["scenarios"]]
    known = [texts[place] for place in dict.fromkeys(places) if place in texts]
    for text in known[:_ALIKE]:
        console.print(f"\n{escape(text)}", highlight=False, soft_wrap=True)
    if len(known) > _ALIKE:
        console.print(f"\nand {len(known) - _ALIKE} more; see the report", highlight=False)
    if known:
        console.print()


def shard(console: Console, outcomes: Sequence[ScenarioOutcome], texts: Mapping[str, str]) -> None:
    """Print the outcomes of a shard: the counts, each red scenario, and the first failure stories."""
    counts = Counter(one.verdict for one in outcomes)
    console.print(", ".join(f"{count} {verdict.replace('_', ' ')}" for verdict, count in counts.most_common()))
    red = [one for one in outcomes if one.verdict in (VIOLATED, SUITE_DEFECT)]
    for one in red:
        line = f"{_sign(one.verdict)} {escape(one.scenario.name)} ({one.scenario.place}): {escape(short(one.reason))}"
        console.print(line, highlight=False, soft_wrap=True)
    for text in [texts[one.scenario.place] for one in red if one.scenario.place in texts][:_ALIKE]:
        console.print(f"\n{escape(text)}", highlight=False, soft_wrap=True)


def difference(console: Console, found: Mapping[str, Any]) -> None:
    """Print the changes between two runs, regressions first."""
    before, after = ({**found[side], "commit": found[side]["commit"][:7] or "none"} for side in ("from", "to"))
    for word, run in (("from", before), ("to", after)):
        console.print(f"{word:<4} {run['finished'][:16]} on {run['target']}, commit {run['commit']}", highlight=False)
    if before["target"] != after["target"]:
        console.print("The targets differ: a criterion that only one of them can run is not lost.", highlight=False)
    styles = {"regressed": "bold red", "lost": "yellow", "newly_proven": "green", "reworded": "cyan"}
    for kind, meaning in KINDS.items():
        rows = found[kind]
        heading = f"[{styles[kind] if rows else 'dim'}]{kind.replace('_', ' ')}: {len(rows)}[/]"
        console.print(f"{heading}{f'  ({meaning})' if rows else ''}", highlight=False)
        for row in rows:
            reason = f"  {escape(row['reason'])}" if row["reason"] and kind != "newly_proven" else ""
            change = f"{row['before'].replace('_', ' ')} → {row['after'].replace('_', ' ')}"
            console.print(f"  {tag_of(row['id'])}  {change}{reason}", highlight=False, soft_wrap=True)


def verification(console: Console, found: Verification, expected: str | None) -> None:
    """Print the verification of a bundle: its changed files, its contradictions, and its result if it passed."""
    is_the_one = expected in (None, found.digest)
    signature(console, found.signature)
    if not is_the_one:
        console.print(f"[bold red]Not the archive that was bundled[/]: expected SHA-256 {expected}", soft_wrap=True)
    if not found.good:
        console.print(f"[bold red]Verification failed[/]: {_failure(found)}.", soft_wrap=True)
    for kind, style in (
        ("contradicting", "bold red"),
        ("changed", "bold red"),
        ("missing", "bold red"),
        ("added", "yellow"),
    ):
        _print_names(console, kind, getattr(found, kind), style)
    if found.compared is not None:
        _print_comparison(console, found.compared)
    if is_the_one and found.good:
        _print(console, _description(found.run))
        _print(console, scope(found.run))
        _print(console, "The coverage matches the archive's own records, which were evaluated again.")
    else:
        _print(console, f"It claims to be {_description(found.run)[0].lower()}{_description(found.run)[1:]}")
    _print_names(console, "uncommitted", uncommitted_of(found.run), "yellow")
    console.print(
        f"{len(found.intact)} intact, {len(found.changed)} changed, "
        f"{len(found.missing)} missing, {len(found.added)} added",
        highlight=False,
    )
    console.print(f"SHA-256 of the archive: {found.digest}", highlight=False, soft_wrap=True)
    if expected is None and not found.signature.verified:
        _print(
            console,
            "An attacker who can change the archive can also change its manifest and records. Compare this number "
            "with the one that `make bundle` printed, or pass that one with --digest.",
        )
    elif expected is not None and is_the_one:
        console.print("[green]The archive is the one that was bundled.[/]")


def _failure(found: Verification) -> str:
    if not found.consistent:
        return "the archive does not match its records"
    if found.signature.problem:
        return f"its signature is not accepted: {found.signature.problem}"
    if found.compared is not None and found.compared.problem:
        return "its inputs could not be compared with the commit that it names"
    return "its inputs are not those of the commit that it names"


def signature(console: Console, found: Signature, place: str = "") -> None:
    """Print the state of the signature: it comes first in every verification. `place` precedes it."""
    if place:
        console.print(escape(printable(place)), end="", highlight=False, soft_wrap=True)
    if not found.signed:
        console.print("[bold]Unsigned[/]: the archive names no maker who vouches for it.", soft_wrap=True)
    elif not found.verified:
        what = found.problem or "name the maker's public key with --key"
        console.print(f"[bold]Signature not verified[/]: {escape(printable(what))}", highlight=False, soft_wrap=True)
    else:
        console.print(f"[green]Signed[/] with the key {found.keys[0]}", highlight=False, soft_wrap=True)


def _print_comparison(console: Console, found: Comparison) -> None:
    """Print each input that is not the one of the commit."""
    if found.problem:
        _print(console, f"Not compared with its commit: {found.problem}")
        return
    for kind, names in (("differs", found.differing), ("missing", found.missing), ("extra", found.extra)):
        _print_names(console, kind, names, "bold red")
    others = f", {len(found.differing)} differ, {len(found.missing)} missing, {len(found.extra)} extra"
    _print(console, f"{found.equal} inputs are equal to commit {found.commit[:12]}{'' if found.good else others}")
    if found.head != found.commit:
        relation = "a later commit" if found.in_history else "a commit without it in its history"
        _print(
            console,
            f"The checkout is at {found.head[:12]}, {relation}: demand the commit that you expect with --commit.",
        )


def _print_names(console: Console, kind: str, names: Sequence[str], style: str) -> None:
    for name in names[:_LISTED]:
        console.print(f"[{style}]{kind:<8}[/] {escape(printable(name))}", highlight=False, soft_wrap=True)
    if len(names) > _LISTED:
        console.print(f"  and {len(names) - _LISTED} more {kind}", highlight=False)


def _description(run: Mapping[str, Any]) -> str:
    tree = {
        True: ", with changes that were not committed",
        False: ", without changes",
        None: ", not known whether changed",
    }
    return (
        f"A run on {target_words(run['target'])} of {run['started'][:16]}, by {run['who']}, account {run['account']}, "
        f"commit {run['commit'][:12] or 'not known'}{tree[run['dirty']]}"
    )


def _print(console: Console, line: str) -> None:
    console.print(escape(printable(line)), highlight=False, soft_wrap=True)


def defect_result(console: Console, one: DefectResult) -> None:
    """Print the result of one defect, and the scenario that noticed it."""
    sign = "[green]✓[/]" if one.noticed else "[bold red]✗[/]"
    line = f"{tag_of(one.defect.criterion)}  {one.defect.mistake}: {_OUTCOME_WORDS[one.outcome]}, {one.story}"
    console.print(f"{sign} {escape(line)}", highlight=False, soft_wrap=True)
    for outcome, scenario, why in one.each:
        sign = "[green]✓[/]" if outcome == "noticed" else "[dim]–[/]"
        reason = f", {why}" if outcome == "not_by_expectation" else ""
        line = f"{scenario.place} {scenario.name}: {_OUTCOME_WORDS[outcome]}{reason}"
        console.print(f"    {sign} {escape(line)}", highlight=False, soft_wrap=True)


def proof_summary(
    console: Console, content: Mapping[str, Any], catalogue: Catalogue, provable: set[str], lacking: Sequence[str]
) -> None:
    """Print how many criteria of each document can fail, and the criteria without a defect."""
    can_fail = {one for one, noticed in content["can_fail"].items() if noticed}
    tried = {*content["can_fail"], *lacking}
    counts = [
        f"{len(can_fail & mine)} of {len(provable & mine)} {document.kind.key} can fail"
        for document in catalogue.documents
        if tried & (mine := set(document.criteria))
    ]
    outcomes = [row["outcome"] for row in content["defects"]]
    console.print(
        f"[bold]{' · '.join(counts)}[/]: {outcomes.count('noticed')} of {len(outcomes)} defects noticed",
        highlight=False,
    )
    if lacking:
        console.print(f"Without a defect: {', '.join(map(tag_of, lacking))}", highlight=False, soft_wrap=True)


def differences(console: Console, lines: Sequence[str], log: Path) -> None:
    """Print the differences between the records, and behave's last line, which often names the cause."""
    if not lines:
        return
    shown = [f"The records disagree: {line}" for line in lines[:_DIFFERENCES]]
    more = [f"  and {len(lines) - _DIFFERENCES} more differences"] if len(lines) > _DIFFERENCES else []
    output = [line for line in log.read_text(encoding="utf-8").splitlines() if line.strip()]
    problems(console, [*shown, *more, f"behave's last line: {output[-1] if output else '(none)'} ({log})"])


def problems(console: Console, lines: Iterable[str]) -> None:
    """Print each problem on its own line, unwrapped, so that an editor can open its file and line."""
    for line in lines:
        console.print(escape(line), highlight=False, soft_wrap=True)


def relative_path(path: Path, root: Path) -> str:
    return str(path.relative_to(root) if path.is_relative_to(root) else path)


def _counts(states: list[str]) -> str:
    return ", ".join(f"{states.count(one)} {_word(one)}" for one in _SHOWN if one in states)


def _word(state: str) -> str:
    return STATE_WORDS[state].lower() if state in STATE_WORDS else state


def _partial(coverage: Mapping[str, Any]) -> Iterator[str]:
    """Yield the size of a partial run, and its green scenarios: their criteria may have others that did not run."""
    if not (sentence := partial_run.sentence(coverage)):
        return
    yield f"[bold]{sentence}[/]"
    green = [f"{one['file']}:{one['line']}  {one['name'].strip()}" for one in partial_run.green_ones(coverage)]
    yield from (f"{_sign(PROVEN)} {escape(one)}" for one in green[:_LISTED])
    if len(green) > _LISTED:
        yield f"  and {len(green) - _LISTED} more green scenarios"


def _not_proven(coverage: Mapping[str, Any]) -> Iterator[str]:
    """Yield lines for the red scenarios, and one for each reason why criteria were not run."""
    for state in (VIOLATED, SUITE_DEFECT):
        for reason, places in _red(coverage, state).items():
            yield from (f"{_sign(state)} {escape(f'{place}: {reason}')}" for place in places[:_ALIKE])
            if len(places) > _ALIKE:
                yield f"  and {len(places) - _ALIKE} more scenarios for the same reason"
    why: dict[tuple[str, str], list[str]] = {}
    for row in rows_of(coverage):
        if row["state"] == NOT_RUN:
            sign = REHEARSED if row["rehearsed"] else NOT_RUN
            why.setdefault((sign, first_reason(row)), []).append(tag_of(row["id"]))
    for (sign, reason), criteria in why.items():
        if reason == DESELECTED:
            # The user chose the part; a list of the other criteria would hide the results.
            yield f"{_sign(sign)} {len(criteria)} deselected by this run's tags or files"
            continue
        text = reason if reason.startswith(REHEARSED) else f"{'rehearsed, ' * (sign == REHEARSED)}not run, {reason}"
        yield f"{_sign(sign)} {escape(text)}: {', '.join(criteria)}"


def _signed_off(coverage: Mapping[str, Any]) -> Iterator[str]:
    for row in rows_of(coverage):
        if row["sign_off"]:
            style = "bold red" if row["sign_off"]["expired"] else "magenta"
            yield f"[{style}]◇ {tag_of(row['id'])} {escape(sign_offs.describe(row))}[/]"


def _red(coverage: Mapping[str, Any], state: str) -> dict[str, list[str]]:
    """Return the places of the red scenarios of a state, by reason."""
    alike: dict[str, list[str]] = {}
    for row in rows_of(coverage):
        # A passed scenario has a reason only if the whole run is in doubt; `differences` prints that.
        for one in row["scenarios"] if row["state"] == state else ():
            red = one["verdict"] in (VIOLATED, SUITE_DEFECT)
            if red and one["reason"] and not (one["status"] == "passed" and one["reason"].startswith(RECORDS_DIFFER)):
                place = f"{tag_of(row['id'])}  {one['file']}:{one['line']}  {one['name'].strip()}"
                alike.setdefault(judgement(one["reason"]), []).append(place)
    return alike


def _sign(state: str) -> str:
    return f"[{_STYLES[state]}]{_REHEARSED_SIGN if state == REHEARSED else STATE_SIGNS[state]}[/]"
