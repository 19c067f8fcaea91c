"""Mistakes that testers make in feature files: each gets one line that names the place, the cause and the remedy."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.traceability.command_line import PROJECT
from tests.traceability.conftest import Suite
from tests.traceability.steps.test_check import WHOLE, command
from traceability.model import settings
from traceability.model.settings import Settings
from traceability.steps import phrase_book, step_definitions

STEPS = '''"""The behaviour of servers. Simulated AWS only."""
import parse
from behave import given, register_type, then, when

@parse.with_pattern(r"\\d+ minutes?")
def duration(text):
    """A duration: 1 minute, 3 minutes."""
    return text

@parse.with_pattern(r"[A-Z]+")
def status(text):
    """A word in capitals: DONE."""
    return text

register_type(Duration=duration, Status=status)

@given('the "{name}" plan')
def plan(context, name):
    pass

@when("the execution is cancelled")
def cancelled(context):
    pass

@when("{time:Duration} pass")
def passes(context, time):
    pass

@then("the execution is {word:Status}")
def execution_is(context, word):
    pass

@then("wave {number:d} is {word:Status}")
def wave_is(context, number, word):
    pass

@then("the requests were these")
def requests(context):
    for row in context.table:
        print(row["server"], row["snapshot"])

@then("the tags are these")
def tags(context):
    print([row["server"] for row in context.table], context.table.headings)

@then("the message reads")
def message(context):
    print(context.text)
'''
GIVEN, WHEN, THEN = 'Given the "small" plan', "When 2 minutes pass", "Then wave 1 is DONE"
TABLE = ("      | server | snapshot |", "      | web-1  | latest   |")
TEXT = ('      """', "      text", '      """')
ALL = (
    *("And the execution is DONE", "And the requests were these", *TABLE),
    *("And the tags are these", *TABLE, "And the message reads", *TEXT),
)
STATUSES = """
class WaveStatus(StrEnum):
    PENDING = "PENDING"
    COMPLETED = "COMPLETED"
    SKIPPED = "SKIPPED"

class ServerStatus(StrEnum):
    RECOVERED = "RECOVERED"
"""


def scenario(*lines: str, name: str = "only", tags: str = "@AC-1.1 @moto", kind: str = "Scenario") -> str:
    steps = "".join(f"{line if line.startswith(' ') else f'    {line}'}\n" for line in lines)
    return f"  {tags}\n  {kind}: {name}\n{steps}\n"


def told(suite: Suite, *scenarios: str, name: str = "check") -> list[str]:
    """Return the lines of the check, each without its file; a last scenario uses every phrase once."""
    whole = scenario(GIVEN, "When the execution is cancelled", "And 2 minutes pass", THEN, *ALL, name="whole")
    suite.steps(STEPS).feature("Feature: Small\n" + "".join(scenarios) + whole)
    ended = command(suite, name)
    assert "Traceback" not in ended.stderr
    assert (ended.returncode, ended.stdout) in ((2, ""), (0, ended.stdout))
    return [line.removeprefix("features/r01.feature:") for line in ended.stderr.splitlines()]


def test_the_suite_itself_is_fine(suite: Suite) -> None:
    assert told(suite) == []


UTF_8 = f"Feature: Small\n  @AC-1.1 @moto\n  Scenario: für alle\n{WHOLE}"


@pytest.mark.parametrize("name", ["check", "new", "run"])
@pytest.mark.parametrize(
    ("content", "line"),
    [
        (UTF_8.encode("latin-1"), "3: not UTF-8; save it as UTF-8"),
        (UTF_8.encode("utf-16"), "1: not UTF-8; save it as UTF-8"),
        (UTF_8.encode("utf-16-le"), "1: not UTF-8; save it as UTF-8"),
        (UTF_8.encode("utf-8-sig"), "1: begins with a byte-order mark; save it as UTF-8 without BOM"),
        (UTF_8.replace("\n", "\r\n").encode(), "1: ends with CR; save the file with LF line ends"),
    ],
    ids=["latin-1", "utf-16", "utf-16 without mark", "byte-order mark", "CR LF"],
)
def test_another_encoding_is_one_line(suite: Suite, name: str, content: bytes, line: str) -> None:
    path = suite.root / "features" / "r01.feature"
    path.write_bytes(content)
    suite.steps('from behave import step\n\n@step("nothing is wrong")\ndef nothing(context):\n    pass\n')
    ended = command(suite, *(["new", "AC-1.1"] if name == "new" else [name]))
    assert (ended.returncode, ended.stderr) == (2, f"features/r01.feature:{line}\n")
    assert path.read_bytes() == content


@pytest.mark.parametrize("text", ["AC-1.1 @moto", "@AC-1.1 moto"])
@pytest.mark.parametrize("before", ["", scenario(GIVEN, WHEN, THEN, name="first")])
def test_a_tag_without_its_sign(suite: Suite, text: str, before: str) -> None:
    lines = told(suite, before, scenario(GIVEN, WHEN, THEN, tags=text))
    bare = next(word for word in text.split() if not word.startswith("@"))
    assert lines == [f"{8 if before else 2}: a tag begins with @; write @{bare}"]


def test_names_that_differ_in_capitals_alone(suite: Suite) -> None:
    two = [scenario(GIVEN, WHEN, THEN, name=name) for name in ("A wave fails", "a Wave fails")]
    assert told(suite, *two) == [
        '9: scenario "a Wave fails" has, but for capitals, the name of the one at features/r01.feature:3; '
        "give it a name of its own"
    ]


def outline(*rows: str, step: str = 'Given the "<plan>" plan') -> str:
    examples = ("    Examples:", "      | plan  |", *(f"      | {row} |" for row in rows))
    return scenario(step, WHEN, THEN, "", *examples, kind="Scenario Outline")


def test_two_equal_rows(suite: Suite) -> None:
    assert told(suite, outline("small", "large", "small")) == [
        "12: the row of line 10 again; change or remove one of them"
    ]


def test_a_gap_without_a_column(suite: Suite) -> None:
    assert told(suite, outline("small", step='Given the "<plann>" plan')) == [
        """4: "Given the "<plann>" plan" has <plann>, but its Examples have no column 'plann'; """
        "the nearest is 'plan'; they have plan"
    ]


def test_a_gap_in_a_plain_scenario(suite: Suite) -> None:
    assert told(suite, scenario(GIVEN, WHEN, "Then wave <wave> is DONE")) == [
        '6: "Then wave <wave> is DONE" has <wave>, but gaps work only in a Scenario Outline; '
        "write a value, or an outline with Examples"
    ]


@pytest.mark.parametrize(
    ("step", "end"),
    [
        ("Then wave\u00a01 is DONE", ' has a non-breaking space (U+00A0) behind "wave"; write a space'),
        ("Then wave 1\tis DONE", ' has a tab (U+0009) behind "1"; write a space'),
        ("Then wave 1 is\u200b DONE", ' has a zero width space (U+200B) behind "is"; remove it'),
    ],
)
def test_an_unseen_character(suite: Suite, step: str, end: str) -> None:
    shown = re.sub("[\u00a0\t\u200b]", " ", step)
    assert told(suite, scenario(GIVEN, WHEN, step)) == [f'6: "{shown}"{end}']


@pytest.mark.parametrize(
    ("steps", "line"),
    [
        (
            ("Given the \u201csmall\u201d plan", WHEN, THEN),
            '4: no phrase says "Given the \u201csmall\u201d plan"; use straight quotes: Given the "small" plan',
        ),
        (
            ("Given the three-tier plan", WHEN, THEN),
            '4: no phrase says "Given the three-tier plan"; put the name in quotes: Given the "three-tier" plan',
        ),
        (
            (GIVEN, WHEN, "Then the execution is cancelled"),
            '6: no phrase says "Then the execution is cancelled"; "Then the execution is <Status>" does, '
            "but 'cancelled' is not what <Status> takes (Status: A word in capitals: DONE); "
            'in capitals: "Then the execution is CANCELLED"',
        ),
        (
            (GIVEN, "When 1 minute passes", THEN),
            '5: no phrase says "When 1 minute passes"; the nearest that exists: "When <Duration> pass"',
        ),
    ],
)
def test_a_step_that_is_almost_right(suite: Suite, steps: tuple[str, ...], line: str) -> None:
    assert told(suite, scenario(*steps)) == [line]


@pytest.mark.parametrize(
    ("lines", "end"),
    [
        (["Then the requests were these"], "needs a table | server | snapshot |"),
        (
            ["Then the requests were these", "      | server | copy |", "      | web-1  | one  |"],
            "needs a table | server | snapshot |; its table has | server | copy |",
        ),
        (
            ["Then the tags are these", "      | name  |", "      | web-1 |"],
            "needs a table | server |; its table has | name |",
        ),
        ([THEN, *TABLE], "takes no table; remove the table below it"),
        ([THEN, *TEXT], "takes no doc string; remove the text below it"),
        (["Then the message reads"], "needs a doc string below it, between lines of three quotation marks"),
    ],
)
def test_a_table_or_text_that_the_phrase_does_not_read(suite: Suite, lines: list[str], end: str) -> None:
    assert told(suite, scenario(GIVEN, WHEN, *lines)) == [f'6: "{lines[0]}" {end}']


def test_each_subject_has_its_own_statuses(suite: Suite) -> None:
    (suite.root / "statuses.py").write_text(STATUSES)
    (suite.root / "pyproject.toml").write_text(
        "[tool.traceability.values]\n"
        """'wave {number:d} is {word:Status}' = "statuses.py:WaveStatus"\n"""
        """'{word:Status}' = ["DONE", "RECOVERED"]\n"""
    )
    lines = told(suite, scenario(GIVEN, WHEN, "Then wave 3 is RECOVERED", "And the execution is RECOVERED"))
    assert lines[0] == (
        """6: "Then wave 3 is RECOVERED": 'RECOVERED' is not known; known are PENDING, COMPLETED, SKIPPED"""
    )
    assert not [line for line in lines if line.startswith("7:")]


def test_the_projects_own_subjects(tmp_path: Path) -> None:
    allowed = settings.load(PROJECT).values
    assert "RECOVERED" not in allowed["wave {number:d} is {status:Status}"]
    assert "STALLED" not in allowed["the execution is {status:Status}"]
    assert "COMPLETED" not in allowed['server "{name}" is {status:Status}']


@pytest.mark.parametrize("said", ["nowhere.py:Status", "statuses.py:Other"])
def test_an_enumeration_that_is_missing(tmp_path: Path, said: str) -> None:
    (tmp_path / "statuses.py").write_text(STATUSES)
    (tmp_path / "pyproject.toml").write_text(f"[tool.traceability.values]\n'x' = \"{said}\"\n")
    with pytest.raises(settings.BadSettings, match="has no enumeration"):
        settings.load(tmp_path)


RULE = """
[[tool.traceability.required_tags]]
tag = "costs"
beside = "aws"
phrases = ["{time:Duration} pass"]
unless = "the execution is REFUSED"
"""


def test_a_tag_that_follows_from_a_step(suite: Suite) -> None:
    (suite.root / "pyproject.toml").write_text(
        f"[tool.traceability]\ntags = ['costs']\nalso_on_aws = {[*_PATTERNS]!r}\n{RULE}"
    )
    tagged = scenario(GIVEN, WHEN, THEN, name="tagged", tags="@AC-1.1 @aws @costs")
    refused = scenario(GIVEN, WHEN, THEN, "And the execution is REFUSED", name="refused", tags="@AC-1.1 @aws")
    simulated = scenario(GIVEN, WHEN, THEN, name="simulated")
    bare = scenario(GIVEN, WHEN, THEN, tags="@AC-1.1 @aws")
    assert told(suite, tagged, refused, simulated) == []
    assert told(suite, bare) == ['3: scenario "only" has @aws and "When 2 minutes pass"; tag it @costs as well']


_PATTERNS = (
    'the "{name}" plan',
    "{time:Duration} pass",
    "wave {number:d} is {word:Status}",
    "the execution is {word:Status}",
)


def test_a_step_of_the_simulator_alone_is_no_step_on_aws(suite: Suite) -> None:
    (suite.root / "pyproject.toml").write_text(f"[tool.traceability]\nalso_on_aws = {[*_PATTERNS[1:]]!r}\n")
    assert told(suite, scenario(GIVEN, WHEN, THEN, tags="@AC-1.1 @moto @aws")) == [
        f'4: "{GIVEN}": only the simulator can do it; remove @aws from the scenario'
    ]


def test_a_step_that_reads_the_simulator_is_known_by_its_code(suite: Suite) -> None:
    """No docstring says so here: the step itself, or a function of its file, reads the simulator."""
    suite.scenario("Given a fault is set").steps("""
        from behave import given, then

        @given("a fault is set")
        def fault(context):
            _set(context)

        def _set(context):
            [one.fail() for one in context.world.simulator.services]

        @then("the simulator has no name")
        def named(context):
            context.simulators = None
    """)
    phrases, _ = step_definitions.load(suite.places)
    rules = Settings(simulator_names=("simulator",))
    limited = step_definitions.simulator_only(phrases, suite.root, rules)
    assert [one.pattern for one in limited] == ["a fault is set"]
    entries = phrase_book.entries(
        {one: [] for one in phrases}, dict.fromkeys({one.file for one in phrases}, ""), {}, limited
    )
    assert [one.notes for one in entries] == [["Simulated AWS only."], []]
    served = replace(rules, also_on_aws=("a fault is set",))
    assert step_definitions.simulator_only(phrases, suite.root, served) == []


def test_the_projects_own_rules_name_phrases_that_exist() -> None:
    rules = settings.load(PROJECT)
    text = "".join(path.read_text(encoding="utf-8") for path in (PROJECT / "features" / "steps").glob("*.py"))
    parts = [*rules.also_on_aws, *(part for rule in rules.required_tags for part in (*rule.phrases, rule.unless))]
    assert [part for part in parts if part not in text] == []
    assert [part for part in rules.values if part not in text] == []
