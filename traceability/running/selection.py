"""A partial run: takes the named files and lines out of behave's arguments.

`SelectionRunner` still loads all features and skips each scenario that was not named, with the reason. So every
scenario has its place in both records of the run, and a lost scenario shows.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NoReturn

from behave.configuration import setup_parser
from behave.parser import ParserError
from behave.runner import Runner
from behave.runner_util import collect_feature_locations, parse_features

from traceability.model.feature_files import Scenario
from traceability.model.paths import Places
from traceability.model.states import DESELECTED

NAMED = "TRACEABILITY_NAMED"
"""The environment variable that tells `SelectionRunner` which scenarios were named: a JSON list of their places."""


class BadSelection(ValueError):
    """behave's arguments name a file or line that does not exist; the message says which names are possible."""


def split(
    arguments: Sequence[str], scenarios: Sequence[Scenario], places: Places
) -> tuple[list[str], frozenset[str] | None]:
    """Return the arguments without files, and the places of the scenarios that the files name; None without files.

    A file, FILE:LINE, a folder and @LIST have the meaning that behave gives them. Raises BadSelection.
    """
    parser = setup_parser()
    parser.error = _refuse
    paths = parser.parse_intermixed_args(list(arguments)).paths
    if not paths:
        return list(arguments), None
    rest = list(arguments)
    for path in paths:
        rest.remove(path)
    named = {place for path in paths for place in _named(path, places)}
    if unknown := sorted(named - {one.place for one in scenarios}):
        raise BadSelection(f"{unknown[0]}: no scenario of {places.features}/")
    return rest, frozenset(named)


def is_named(scenario: Scenario, named: Collection[str] | None) -> bool:
    return named is None or scenario.place in named


def environment(named: Collection[str]) -> dict[str, str]:
    """Return the environment variables that a behave process needs for the selection."""
    return {NAMED: json.dumps(sorted(named))}


class SelectionRunner(Runner):
    """behave's runner, for `--runner`: skips every scenario that was not named."""

    def run_model(self, features: object = None) -> bool:
        named = set(json.loads(os.environ[NAMED]))
        for feature in self.features:
            for scenario in feature.walk_scenarios():
                if f"{scenario.filename}:{scenario.line}" not in named:
                    scenario.skip(DESELECTED)
        return bool(super().run_model(features))


def _named(path: str, places: Places) -> list[str]:
    mark = "@" if path.startswith("@") else ""
    try:
        found = parse_features(collect_feature_locations([f"{mark}{places.root / path.removeprefix(mark)}"]))
    except (OSError, ValueError, ParserError) as problem:
        raise BadSelection(f"{path}: {_MEANT.format(features=places.features)}") from problem
    named = [one for feature in found for one in feature.walk_scenarios() if not one.should_skip]
    if not named:
        raise BadSelection(f"{path}: {_MEANT.format(features=places.features)}")
    return [f"{Path(os.path.relpath(one.filename, places.root)).as_posix()}:{one.line}" for one in named]


_MEANT = "no feature found; name one below {features}/, as FILE, FILE:LINE or a folder"


def _refuse(message: str) -> NoReturn:
    raise BadSelection(f"behave rejects the arguments after --: {message}; see behave --help")
