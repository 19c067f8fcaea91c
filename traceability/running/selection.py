"""The scenarios of one behave process: its share of the run, and of these the ones that the user named.

`SelectionRunner` leaves out the scenarios of other processes: they have their place in the records of their own
process. It skips each scenario of its share that was not named, with the reason. So every scenario has one place in
both records of the run, and a lost scenario shows.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import NoReturn

from behave.configuration import setup_parser
from behave.model import Feature, ScenarioOutline
from behave.model import Scenario as BehaveScenario
from behave.parser import ParserError
from behave.runner import Runner
from behave.runner_util import collect_feature_locations, parse_features

from traceability.model.feature_files import Scenario
from traceability.model.paths import Places
from traceability.model.states import DESELECTED

SHARE, NAMED = "TRACEABILITY_SHARE", "TRACEABILITY_NAMED"
"""The environment variables that tell `SelectionRunner` its share and the named scenarios: JSON lists of places."""


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
    parsed = parser.parse_intermixed_args(list(arguments))
    _require_selection(vars(parsed), vars(parser.parse_intermixed_args([])))
    paths = parsed.paths
    if not paths:
        return list(arguments), None
    rest = list(arguments)
    for path in paths:
        rest.remove(path)
    named = {place for path in paths for place in _named(path, places)}
    if unknown := sorted(named - {one.place for one in scenarios}):
        raise BadSelection(f"{unknown[0]}: no scenario of {places.features}/")
    return rest, frozenset(named)


def _require_selection(parsed: Mapping[str, object], without: Mapping[str, object]) -> None:
    """Raise BadSelection for an option that decides which code runs, or what is recorded."""
    for name in sorted(parsed.keys() - _SELECTING):
        if parsed[name] != without[name]:
            option = _OPTIONS.get(name, f"--{name.replace('_', '-')}")
            raise BadSelection(
                f"{option} is no option of a run: after --, a run takes files, FILE:LINE, --tags, --name, --include, "
                "--exclude, --stop and -D; use behave itself for the others"
            )
    for name, _ in parsed["userdata_defines"] or ():  # type: ignore[attr-defined]  # behave's parser is untyped
        if name == "target":
            raise BadSelection("-D target is no option of a run: name the target with --target, before --")


def is_named(scenario: Scenario, named: Collection[str] | None) -> bool:
    return named is None or scenario.place in named


def environment(share: Iterable[str], named: Collection[str] | None) -> dict[str, str]:
    """Return the environment variables that a behave process needs for its share and the named scenarios."""
    wanted = {} if named is None else {NAMED: json.dumps(sorted(named))}
    return {SHARE: json.dumps(list(share)), **wanted}


class SelectionRunner(Runner):
    """behave's runner, for `--runner`: runs the scenarios of its share, and skips those that were not named."""

    def run_model(self, features: object = None) -> bool:
        share = set(json.loads(os.environ[SHARE]))
        named = set(json.loads(os.environ[NAMED])) if NAMED in os.environ else share
        self.features[:] = [feature for feature in self.features if _keep(feature, share)]
        for feature in self.features:
            for scenario in feature.walk_scenarios():
                if _place(scenario) not in named or not scenario.should_run_with_name_select(self.config):
                    scenario.skip(DESELECTED)
        # behave's own selection by name would pass over the others: no formatter would record them.
        self.config.name = []
        return bool(super().run_model(features))


def _keep(feature: Feature, share: Set[str]) -> bool:
    """Leave in `feature` only the scenarios of `share`; return whether there is one."""
    for item in feature.run_items:
        if isinstance(item, ScenarioOutline):
            item.scenarios[:] = [one for one in item.scenarios if _place(one) in share]
    feature.run_items[:] = [
        item
        for item in feature.run_items
        if (item.scenarios if isinstance(item, ScenarioOutline) else _place(item) in share)
    ]
    return bool(feature.run_items)


def _place(scenario: BehaveScenario) -> str:
    return f"{scenario.filename}:{scenario.line}"


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


_SELECTING = frozenset(
    {"paths", "tags", "name", "include_re", "exclude_re", "stop", "userdata_defines", "verbose", "color"}
)
_OPTIONS = {"userdata_defines": "-D", "junit": "--no-junit"}
_MEANT = "no feature found; name one below {features}/, as FILE, FILE:LINE or a folder"


def _refuse(message: str) -> NoReturn:
    raise BadSelection(f"behave rejects the arguments after --: {message}; see behave --help")
