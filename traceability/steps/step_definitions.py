"""The sentences for scenarios, as the step definitions state them.

behave loads them into its registry, as for a run; no step is run. The formatters steps.catalog, steps.usage and
steps.bad read the same registry. They print patterns for programmers, cannot search and have no data for an editor, so
the phrase book has its own form; a test compares its content with theirs.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from behave.configuration import Configuration
from behave.exception import ConfigError
from behave.matchers import MatchWithError, ParseMatcher
from behave.runner import Runner
from behave.runner import the_step_registry as registry
from behave.step_registry import AmbiguousStep

from traceability.model.feature_files import Scenario, Step, SuiteProblem
from traceability.model.paths import Places
from traceability.model.settings import Settings

GAP = re.compile(r"\{(?P<name>\w*)(?::(?P<type>[^}]+))?\}")
"""A gap of a pattern."""
_WHOLE_NUMBER = re.compile(r"[-+]?\d+")
KINDS = ("given", "when", "then")
ANY = "step"
"""The kind of a phrase that serves behind every keyword."""
SIMULATED = "Simulated AWS only."
"""In the docstring of a step file: none of its phrases is for real AWS."""


@dataclass(frozen=True)
class Parameter:
    """A gap of a phrase. `type` is "" for any text, "d" for a whole number, else the name of a registered type."""

    name: str
    type: str

    @property
    def shown(self) -> str:
        """The gap as shown to a reader: its registered type, which is more informative than a name, or its name."""
        return self.type if self.type not in ("", "d") else self.name

    def takes(self, value: str) -> bool:
        """Say whether `value` may stand in the gap."""
        if self.type == "d":
            return bool(_WHOLE_NUMBER.fullmatch(value))
        known = ParseMatcher.TYPE_REGISTRY.get(self.type)
        return known is None or re.fullmatch(known.pattern, value) is not None


@dataclass(frozen=True)
class Phrase:
    """One step definition. `kind` is given, when or then; `pattern` is as its author wrote it."""

    kind: str
    pattern: str
    file: str
    line: int
    note: str = ""
    matcher: Any = field(default=None, compare=False, repr=False)
    _judged: dict[str, bool] = field(default_factory=dict, init=False, compare=False, repr=False)

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return tuple(Parameter(found["name"], found["type"] or "") for found in GAP.finditer(self.pattern))

    @property
    def sentence(self) -> str:
        """The phrase for readers, its gaps as <name> or <Type>."""
        gaps = iter(self.parameters)
        return GAP.sub(lambda _: f"<{next(gaps).shown}>", self.pattern)

    @property
    def shown(self) -> str:
        return self.sentence if self.kind == ANY else f"{self.kind.capitalize()} {self.sentence}"

    def matches(self, text: str) -> bool:
        if text not in self._judged:  # scenarios share many steps
            found = self.matcher.match(text)
            self._judged[text] = found is not None and not isinstance(found, MatchWithError)
        return self._judged[text]

    def values(self, text: str) -> list[tuple[Parameter, str]] | None:
        """Return the values in the gaps of a text with the phrase's words, valid or not; for other texts None."""
        words = [re.escape(part) for part in GAP.sub("\0", self.pattern).split("\0")]
        found = re.fullmatch("(.+?)".join(words), text)
        return list(zip(self.parameters, found.groups(), strict=True)) if found else None


@dataclass(frozen=True)
class Use:
    """Where a scenario says a phrase."""

    text: str
    file: str
    line: int
    scenario: str

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"


def load(places: Places) -> tuple[list[Phrase], list[SuiteProblem]]:
    """Return all phrases below the features' `steps` folder, and a problem for each that cannot be used."""
    clashes: list[SuiteProblem] = []
    registry.clear()
    registry.error_handler.file = StringIO()  # behave prints a bad definition over many lines; it is a problem here
    add = registry.add_step_definition
    registry.add_step_definition = _collecting(add, clashes, places.root)
    try:
        _load_as_behave_does(places)
    except ConfigError:
        return [], [SuiteProblem(f"{places.features}/steps", 1, "no step definitions found; define steps there")]
    except Exception as problem:  # noqa: BLE001 - a step module may raise any exception at import
        return [], [_unloadable(problem, places)]
    finally:
        registry.add_step_definition = add
    return loaded(places.root), [*clashes, *_bad(places.root)]


def loaded(root: Path) -> list[Phrase]:
    """Return the phrases that behave has loaded, in the order of the step files.

    They are those of the runner: behave's command line puts an empty registry into `behave.step_registry` before a run.
    """
    return [
        Phrase(kind, matcher.pattern, *_where(matcher, root), _note(matcher.func), matcher)
        for kind, matchers in registry.steps.items()
        for matcher in matchers
    ]


def types() -> dict[str, str]:
    """Return the description of each registered type by its author."""
    known = sorted(ParseMatcher.TYPE_REGISTRY.items())
    return {name: " ".join((convert.__doc__ or convert.pattern).split()) for name, convert in known}


def uses(phrases: Sequence[Phrase], scenarios: Sequence[Scenario]) -> dict[Phrase, list[Use]]:
    """Return where each phrase is said, each wording once, in the order of the features."""
    found: dict[Phrase, dict[str, Use]] = {phrase: {} for phrase in phrases}
    for scenario, step in steps_of(scenarios):
        for phrase in candidates(phrases, step):
            if phrase.matches(step.name):
                use = Use(f"{step.kind.capitalize()} {step.name}", scenario.file, step.line, scenario.name)
                found[phrase].setdefault(use.text, use)
    return {phrase: list(said.values()) for phrase, said in found.items()}


def steps_of(scenarios: Sequence[Scenario]) -> Iterator[tuple[Scenario, Step]]:
    """Yield each step once; the rows of an outline share those that say the same."""
    seen: set[tuple[str, int, str]] = set()
    for scenario in scenarios:
        for step in scenario.steps:
            key = (scenario.file, step.line, step.name)
            if key not in seen:
                seen.add(key)
                yield scenario, step


def candidates(phrases: Sequence[Phrase], step: Step) -> list[Phrase]:
    """Return the phrases that behave would try for a step; one defined with @step serves every kind."""
    return [phrase for phrase in phrases if phrase.kind in (step.kind, ANY)]


def subjects(phrases: Sequence[Phrase], root: Path) -> dict[str, str]:
    """Return the subject of each step file: the first sentence of its docstring, without the kind in front."""
    return {file: _subject(root / file) for file in dict.fromkeys(phrase.file for phrase in phrases)}


def simulator_only(phrases: Sequence[Phrase], root: Path, rules: Settings) -> list[Phrase]:
    """Return the phrases that need the simulator: their code reads it, or the docstring of their step file says so."""
    files = {phrase.file for phrase in phrases}
    limited = {one for one in files if SIMULATED in _docstring(root / one)}
    names = frozenset(rules.simulator_names)
    return [
        phrase
        for phrase in phrases
        if phrase.pattern not in rules.also_on_aws
        and (phrase.file in limited or _reads(phrase.matcher.func, names, set()))
    ]


def _reads(function: FunctionType, names: Set[str], seen: set[FunctionType]) -> bool:
    """Return whether a step, or a function of its file that it uses, reads one of the names."""
    seen.add(function)
    said = set(_names(function.__code__))
    used = [one for name in said if isinstance(one := function.__globals__.get(name), FunctionType)]
    own = [one for one in used if one not in seen and one.__code__.co_filename == function.__code__.co_filename]
    return bool(said & names) or any(_reads(one, names, seen) for one in own)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)


def _load_as_behave_does(places: Places) -> None:
    runner = Runner(Configuration([str(places.root / places.features)], load_config=False))
    with runner.path_manager:
        runner.path_manager.add(str(places.root))
        runner.setup_paths()
        # The hooks come first: they may register the types that the steps use. None of them is called.
        runner.load_hooks()
        runner.load_step_definitions()


def _collecting(
    add: Callable[[str, str, Any], None], clashes: list[SuiteProblem], root: Path
) -> Callable[[str, str, Any], None]:
    """behave stops at the first definition that clashes; a check names all of them."""

    def collect(keyword: str, text: str, function: Any) -> None:
        try:
            add(keyword, text, function)
        except AmbiguousStep:
            made = function.__code__
            old = next(one for one in registry.steps[keyword.lower()] if one.matches(text))
            where = ":".join(map(str, _where(old, root)))
            message = (
                f"{keyword} {text!r} is also what {where} answers to ({old.pattern!r}); reword or remove one of them"
            )
            clashes.append(SuiteProblem(_relative(made.co_filename, root), made.co_firstlineno, message))

    return collect


def _bad(root: Path) -> Iterator[SuiteProblem]:
    """Name the definitions that behave ignores because their pattern does not compile, as its steps.bad does."""
    for matcher in registry.error_handler.bad_step_definitions:
        message = (
            f"behave ignores the step {matcher.pattern!r}: it, or a type in its gaps, is no valid regular expression; "
            "mend the pattern"
        )
        yield SuiteProblem(*_where(matcher, root), message)


def _unloadable(problem: Exception, places: Places) -> SuiteProblem:
    """Name the line of the features' own code at which loading broke."""
    file, line = f"{places.features}/steps", 1
    trace = problem.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if Path(name).resolve().is_relative_to(places.root / places.features):
            file, line = _relative(name, places.root), trace.tb_lineno
        trace = trace.tb_next
    if isinstance(problem, SyntaxError) and problem.filename:
        file, line = _relative(problem.filename, places.root), problem.lineno or 1
    return SuiteProblem(file, line, f"the step definitions cannot be loaded: {type(problem).__name__}: {problem}")


def _where(matcher: Any, root: Path) -> tuple[str, int]:
    return _relative(matcher.location.filename, root), matcher.location.line


def _relative(file: str, root: Path) -> str:
    path = Path(file).resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else file


def _note(function: Any) -> str:
    return " ".join((function.__doc__ or "").split())


def _subject(file: Path) -> str:
    text = _docstring(file) or file.stem
    text = re.sub(r"^(?:(?:Given|When|Then)[:,]\s*(?:and\s+)?)+", "", text)
    return text[:1].upper() + text[1:]


def _docstring(file: Path) -> str:
    return " ".join((ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").split())
