"""The command `apply`: stores recovery plans and protection groups in the engine's tables, all of them or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from engine.cli.options import InputError, client, json_option, read_json, stack_option
from engine.cli.terminal import print_json
from engine.client import EngineClient
from engine.core.validation import group_problems

_KINDS = {"GroupId": "protection group", "PlanId": "recovery plan"}


@dataclass(frozen=True)
class _Given:
    """One document of a file; `key` is the name of its id, GroupId or PlanId."""

    path: Path
    key: str
    document: dict[str, Any]

    @property
    def id(self) -> Any:
        return self.document[self.key]


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Load invalid documents too; `start` will refuse them.")
@json_option
@stack_option
def apply(files: tuple[Path, ...], force: bool, as_json: bool, stack: str) -> None:
    """Load recovery plans and protection groups from JSON FILES (one document or a list).

    A document with GroupId is a protection group, one with PlanId a recovery plan. The command first checks all plans,
    with the groups of these files and those loaded before. It reports all errors, and loads nothing if any document is
    invalid. It replaces an existing document and reports that. Only `start` checks whether the servers exist in DRS.
    """
    # Groups first: if the connection fails in between, no plan is loaded without its groups.
    given = sorted((one for path in files for one in _documents(path)), key=lambda one: one.key)
    engine = client(stack)
    if not _report_problems(engine, given, force):
        _warn(engine, given)
    loaded = []
    for one in given:
        result = _load(engine, one)
        loaded.append({"File": str(one.path), one.key: one.id, "Result": result})
        if not as_json:
            click.echo(f"{one.path}: {_KINDS[one.key]} {one.id}{'' if result == 'loaded' else f', {result}'}")
    if as_json:
        print_json(loaded)


def _documents(path: Path) -> Iterator[_Given]:
    content = read_json(path)
    documents = content if isinstance(content, list) else [content]
    if not documents:
        raise InputError(f"{path}: the list is empty; nothing was loaded")
    for document in documents:
        key = next((key for key in _KINDS if isinstance(document, dict) and key in document), None)
        if key is None:
            raise InputError(f"{path}: neither a protection group (GroupId) nor a recovery plan (PlanId)")
        yield _Given(path, key, document)


def _warn(engine: EngineClient, given: list[_Given]) -> None:
    """Print the warnings about plans without problems."""
    groups = [one.document for one in given if one.key == "GroupId"]
    for one in given:
        if one.key == "PlanId":
            for warning in engine.warnings(one.document, groups):
                click.echo(f"{one.path}: Warning: {warning}", err=True)


def _report_problems(engine: EngineClient, given: list[_Given], force: bool) -> bool:
    """Print all problems; returns whether there are any.

    Raises InputError if there are any; with `force`, only if an id is invalid.
    """
    problems, without_id = _problems(engine, given)
    for problem in problems:
        click.echo(problem, err=True)
    if not problems:
        return False
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    if without_id or not force:
        cure = "correct the ids" if force else "correct them, or load anyway with --force"
        raise InputError(f"{count}; nothing was loaded: {cure}")
    click.echo(f"{count}; loaded anyway, but `start` will refuse the plan.", err=True)
    return True


def _problems(engine: EngineClient, given: list[_Given]) -> tuple[list[str], bool]:
    """All problems with their files, and whether one concerns an id, without which no document can be stored."""
    groups = [one.document for one in given if one.key == "GroupId"]
    of_groups = {problem for group in groups for problem in group_problems(group)}
    found: list[str] = []
    without_id = False
    for (key, name), count in Counter((one.key, str(one.id)) for one in given).items():
        if count > 1:
            without_id = True
            found.append(f"{_KINDS[key]} {name} is given {count} times; give it once")
    for one in given:
        if one.key == "GroupId":
            problems = group_problems(one.document)
        else:
            # Problems of a group in these files are reported with the file of the group.
            problems = [each for each in engine.problems(one.document, groups) if each not in of_groups]
        without_id = without_id or any(problem.field == one.key for problem in problems)
        found += [f"{one.path}: {problem}" for problem in problems]
    return list(dict.fromkeys(found)), without_id


def _load(engine: EngineClient, one: _Given) -> str:
    """Store the document; returns loaded, replaced or unchanged."""
    is_group = one.key == "GroupId"
    before = engine.get_group(one.id) if is_group else engine.get_plan(one.id)
    if before == one.document:
        return "unchanged"
    (engine.put_group if is_group else engine.put_plan)(one.document)
    return "loaded" if before is None else "replaced"
