"""The committed result of the last whole mutation run: a sample, its score, and the numbers by criterion.

`mutate --keep` writes it beside the features, `mutation.yaml`. It holds for the commit that it names; who shows a
number says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from traceability.model import yaml_text
from traceability.model.catalogue import Catalogue, id_of, tag_of
from traceability.model.problems import UserProblem

FILE = "mutation.yaml"
BEGIN, END = "<!-- mutation score: written by `make mutate KEEP=1` -->", "<!-- end of the mutation score -->"
"""Between these lines of a page `table` has its place."""
_HEAD = """\
# The last whole mutation run, written by `python -m traceability mutate --keep`. It holds for its commit.
# By criterion: how many mutants its own scenarios noticed, of those that they met beyond a plain drill.
"""
_WIDTH = 1000
_Z = 1.96
"""Standard deviations on both sides that hold 95 % of a normal distribution."""
_COUNT = {"type": "integer", "minimum": 0}
_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": [
        "commit",
        "date",
        "seed",
        "mutants",
        "tried",
        "noticed",
        "by_error",
        "timed_out",
        "criteria",
        "not_executed",
        "never_red",
    ],
    "properties": {
        "commit": {"type": "string", "pattern": "^[0-9a-f]{40}$"},
        "date": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
        "seed": {"type": "string"},
        **dict.fromkeys(("mutants", "tried", "noticed", "by_error", "timed_out", "equal"), _COUNT),
        "criteria": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": _COUNT, "minItems": 2, "maxItems": 2},
        },
        "not_executed": {"type": "object", "additionalProperties": {"type": "string"}},
        "never_red": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": {"type": "array", "items": {"type": "string"}},
            },
        },
    },
}


class BadScore(UserProblem):
    """The kept result cannot be used; the message names the file, the mistake and the remedy."""


@dataclass(frozen=True)
class KeptScore:
    """A sample of `tried` of all `mutants`; `noticed` includes those that ended in an error or by their time.
    `equal` of the others cannot change a run; they count as tried.

    `criteria` has, by criterion id, how many its own scenarios noticed, and met. `not_executed` has, by file, the lines
    that mutants could change and no scenario executes. `never_red` has, by file and scenario, the Thens that neither a
    mutant nor a seeded defect turned red.
    """

    commit: str
    date: str
    seed: str
    mutants: int
    tried: int
    noticed: int
    by_error: int
    timed_out: int
    criteria: Mapping[str, Sequence[int]]
    not_executed: Mapping[str, str]
    never_red: Mapping[str, Mapping[str, Sequence[str]]]
    equal: int = 0

    @property
    def as_of(self) -> str:
        return f"as of commit {self.commit[:7]}, {self.date}"

    @property
    def sentence(self) -> str:
        """The score as a sentence, with the size and the interval of the sample."""
        low, high = interval(self.noticed, self.tried)
        return (
            f"The scenarios noticed {self.noticed} of {self.tried} mutants (small changes of the code), "
            f"{self.noticed / max(self.tried, 1):.1%} "
            f"(a random sample of {self.mutants}; 95 % confidence interval {low:.1%} to {high:.1%}), {self.as_of}."
        )

    @property
    def without_equal(self) -> str:
        """The score without the mutants that cannot change a run, "" if there are none."""
        tried = self.tried - self.equal
        if not self.equal or not tried:
            return ""
        return f"Without {self.equal} that no run can notice: {self.noticed} of {tried}, {self.noticed / tried:.1%}."

    def of(self, criterion: str) -> str:
        """Return the number of a criterion for a reader, "" if its own scenarios met no mutant."""
        noticed, tried = self.criteria.get(criterion, (0, 0))
        return f"noticed {noticed} of {tried} {'mutant' if tried == 1 else 'mutants'}" if tried else ""


def interval(noticed: int, tried: int) -> tuple[float, float]:
    """Return Wilson's 95 % confidence interval of a proportion; 0 to 1 without a trial.

    https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval#Wilson_score_interval
    """
    if not tried:
        return 0.0, 1.0
    part, spread = noticed / tried, _Z**2 / tried
    middle = (part + spread / 2) / (1 + spread)
    half = math.sqrt(part * (1 - part) * spread + spread**2 / 4) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def load(folder: Path) -> KeptScore | None:
    """Read the result of a folder with features, None without a file. Raises BadScore."""
    path = folder / FILE
    if not path.exists():
        return None
    remedy = "take it back from git, or remove it"
    try:
        content = yaml_text.load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as problem:
        raise BadScore(f"{path}: not valid YAML: {' '.join(str(problem).split())}; {remedy}") from problem
    error = next(Draft202012Validator(_SCHEMA).iter_errors(content), None)
    if error is not None:
        where = "".join(f"{one}: " for one in error.absolute_path)
        raise BadScore(f"{path}: {where}{error.message}; {remedy}")
    criteria = {id_of(tag): tuple(row) for tag, row in content["criteria"].items()}
    return KeptScore(**content | {"criteria": criteria})


def write(folder: Path, score: KeptScore, catalogue: Catalogue) -> Path:
    """Write the result, its criteria in the order of the catalogue; return its path."""
    content: dict[str, Any] = asdict(score)
    content["criteria"] = {
        tag_of(one): list(score.criteria[one]) for one in catalogue.criteria if one in score.criteria
    }
    path = folder / FILE
    # One Then a line, and the two numbers of a criterion in one: so a diff can be read.
    lines = [
        yaml.safe_dump({key: value}, sort_keys=False, allow_unicode=True, width=_WIDTH, default_flow_style=flow)
        for key, value in content.items()
        for flow in [None if key == "criteria" else False]
    ]
    path.write_text(_HEAD + "".join(lines), encoding="utf-8")
    return path


def table(score: KeptScore, catalogue: Catalogue) -> str:
    """Return the score and the numbers by criterion as Markdown, a row for each requirement."""
    rows = []
    for document in catalogue.documents:
        for requirement in document.requirements:
            found = [(one.id, score.criteria.get(one.id, (0, 0))) for one in requirement.criteria]
            cells = "; ".join(
                f"{tag_of(one)} {row[0]}/{row[1]}" if row[1] else f"{tag_of(one)} –" for one, row in found
            )
            noticed, tried = (sum(row[number] for _, row in found) for number in (0, 1))
            whole = f"{noticed}/{tried}" if tried else "–"
            rows.append(f"| {requirement.id}. {requirement.title} | {whole} | {cells} |")
    head = "| requirement | noticed/met | by criterion |\n|---|---|---|"
    sentences = [
        score.sentence,
        *([score.without_equal] if score.without_equal else []),
        f"Of the noticed ones, {score.by_error} ended in an error and {score.timed_out} by their time.",
        f"Seed: `{score.seed[:12]}`.",
        f"{count(score.never_red)} Thens were never red: `never_red` in `features/{FILE}` lists them.",
        f"Its `not_executed` lists the lines that no scenario executes, in {len(score.not_executed)} files.",
    ]
    return "\n".join([*sentences, "", head, *rows])


def count(never_red: Mapping[str, Mapping[str, Sequence[str]]]) -> int:
    """Return the number of Thens, which are grouped by file and scenario."""
    return sum(len(thens) for scenarios in never_red.values() for thens in scenarios.values())


def write_table(page: Path, score: KeptScore, catalogue: Catalogue) -> bool:
    """Write the table into a page between its two lines; False if the page has none."""
    if not page.exists() or BEGIN not in (text := page.read_text(encoding="utf-8")):
        return False
    before, rest = text.split(BEGIN, 1)
    page.write_text(f"{before}{BEGIN}\n\n{table(score, catalogue)}\n\n{END}{rest.split(END, 1)[1]}", encoding="utf-8")
    return True
