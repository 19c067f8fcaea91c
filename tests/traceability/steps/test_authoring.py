"""Help for authors of scenarios: each mistake in one line with its remedy, a phrase book, a skeleton."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.traceability.command_line import PROJECT
from tests.traceability.conftest import KNOWN, Suite
from tests.traceability.steps.test_check import command

STEPS = """
from behave import given, register_type, then, when
import parse

@parse.with_pattern(r"[A-Z]+")
def status(text):
    '''A word in capitals: DONE.'''
    return text

register_type(Status=status)

@given('the "{name}" plan')
def plan(context, name):
    pass

@given("DRS fails {count:d} times")
def fails(context, count):
    pass

@when("the plan is run")
def run(context):
    '''From its start to its end.'''

@then("wave {number:d} is {word:Status}")
def wave_is(context, number, word):
    pass
"""
WHOLE = ('Given the "small" plan', "And DRS fails 2 times", "When the plan is run", "Then wave 1 is DONE")


@pytest.fixture
def writing(suite: Suite) -> Suite:
    return suite.steps(STEPS).scenario(*WHOLE)


def mistake(writing: Suite, wrong: str, right: str) -> list[str]:
    steps = [wrong if step == right else step for step in WHOLE]
    ended = command(writing.scenario(*steps, *([right] if right.startswith("Then") else [])), "check")
    assert (ended.returncode, ended.stdout) == (2, "")
    return ended.stderr.splitlines()


def behave(suite: Suite, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "behave", "--no-color", *arguments],
        cwd=suite.root,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_suite_in_its_own_words_is_fine(writing: Suite) -> None:
    assert command(writing, "check").stdout.endswith("in the words of 4 phrases; no problem found.\n")


@pytest.mark.parametrize(
    ("right", "wrong", "line"),
    [
        (
            WHOLE[3],
            "Then wave 1 is done",
            'features/r01.feature:7: no phrase says "Then wave 1 is done"; "Then wave <number> is <Status>" does, '
            "but 'done' is not what <Status> takes (Status: A word in capitals: DONE); "
            'in capitals: "Then wave 1 is DONE"',
        ),
        (
            WHOLE[1],
            "And DRS fails two times",
            'features/r01.feature:5: no phrase says "Given DRS fails two times"; "Given DRS fails <count> times" does, '
            "but 'two' is not what <count> takes (a whole number)",
        ),
        (
            WHOLE[2],
            "When the plan is runn",
            'features/r01.feature:6: no phrase says "When the plan is runn"; '
            'the nearest that exists: "When the plan is run"',
        ),
        (
            WHOLE[2],
            "When DRS fails 2 times",
            'features/r01.feature:6: no phrase says "When DRS fails 2 times"; '
            "it is a Given: put it there, or say it as a When",
        ),
        (
            WHOLE[3],
            "Then penguins can fly",
            'features/r01.feature:7: no phrase says "Then penguins can fly", and none comes near; '
            "search for a word of it: python -m traceability phrases WORD",
        ),
    ],
)
def test_a_step_that_no_phrase_says_is_answered_with_the_nearest(
    writing: Suite, right: str, wrong: str, line: str
) -> None:
    assert line in mistake(writing, wrong, right)


def test_a_run_names_the_phrase_that_the_check_names(writing: Suite) -> None:
    writing.environment("""
        from traceability.recording import failure_story

        def after_scenario(context, scenario):
            print(failure_story.describe(scenario, [], [], {}))
        """)
    steps = [line.replace("fails", "failes").replace("is run", "is runned") for line in WHOLE]
    checked = command(writing.scenario(*steps), "check").stderr.splitlines()
    said = [line.partition(": ")[2] for line in checked]
    assert [line.partition("; ")[2] for line in said] == [
        'the nearest that exists: "Given DRS fails <count> times"',
        'the nearest that exists: "When the plan is run"',
    ]
    shown = behave(writing, "features/r01.feature:3").stdout
    assert [line.removeprefix("Seen:      ") for line in shown.splitlines() if line.startswith("Seen: ")] == said
    (reason,) = writing.reasons(writing.run())
    assert reason.endswith(said[0].partition("; ")[2])


def test_a_phrase_without_a_use_is_named_with_its_definition(writing: Suite) -> None:
    ended = command(writing.scenario(WHOLE[0], *WHOLE[2:]), "check")
    assert (ended.returncode, ended.stderr.splitlines()) == (
        2,
        [
            'features/steps/small.py:16: no feature says "Given DRS fails <count> times"; use it or remove it',
        ],
    )


def test_a_misspelt_step_does_not_make_its_phrase_seem_unused(writing: Suite) -> None:
    (line,) = mistake(writing, "When the plan is runn", WHOLE[2])
    assert line.startswith("features/r01.feature:6: ")


def test_a_scenario_without_a_then_proves_nothing(writing: Suite) -> None:
    ended = command(writing.scenario(*WHOLE[:3]), "run")
    assert ended.returncode == 2
    assert ended.stderr == (
        'features/r01.feature:3: scenario "only" has no Then; say what must be visible outside the engine\n'
    )


def test_definitions_that_answer_to_the_same_sentence_are_all_named(writing: Suite) -> None:
    again = "\n@given('the \"{other}\" plan')\ndef again(context, other):\n    pass\n"
    ended = command(writing.steps(STEPS + again + again), "check")
    assert ended.stderr.splitlines() == [
        f"features/steps/small.py:{line}: given 'the \"{{other}}\" plan' is also what "
        "features/steps/small.py:12 answers to ('the \"{name}\" plan'); reword or remove one of them"
        for line in (28, 32)
    ]


def test_a_step_that_two_definitions_answer_to_is_named(writing: Suite) -> None:
    other = '\n@when("the plan {what}")\ndef anything(context, what):\n    pass\n'
    (line,) = command(writing.steps(STEPS + other), "check").stderr.splitlines()
    assert line == (
        'features/r01.feature:6: "When the plan is run" is said by "When the plan is run" (features/steps/small.py:20) '
        'and "When the plan <what>" (features/steps/small.py:28); behave takes the first: reword one of them'
    )


def test_step_definitions_that_do_not_load_are_named_with_the_line(writing: Suite) -> None:
    (line,) = command(writing.steps(STEPS + "\nimport nothing_of_the_kind\n"), "check").stderr.splitlines()
    assert line.startswith("features/steps/small.py:28: the step definitions cannot be loaded: ModuleNotFoundError:")


def test_a_step_definition_that_behave_ignores_is_named(writing: Suite) -> None:
    writing.steps(STEPS.replace('r"[A-Z]+"', 'r"[A-"'))
    ended = command(writing, "check")
    assert ended.returncode == 2
    line = 1 + STEPS.splitlines().index("def wave_is(context, number, word):")
    assert f"small.py:{line - 1}: behave ignores the step 'wave {{number:d}} is {{word:Status}}': " in ended.stderr
    assert "BAD-STEP-DEFINITION" not in ended.stderr


def test_the_phrase_book_shows_each_phrase_with_its_uses(writing: Suite) -> None:
    found = json.loads(command(writing, "phrases", "--json").stdout)
    assert [(one["kind"], one["phrase"], one["uses"]) for one in found["phrases"]] == [
        ("given", 'the "<name>" plan', 1),
        ("given", "DRS fails <count> times", 1),
        ("when", "the plan is run", 1),
        ("then", "wave <number> is <Status>", 1),
    ]
    last = found["phrases"][-1]
    assert last["examples"] == [
        {"text": "Then wave 1 is DONE", "file": "features/r01.feature", "line": 7, "scenario": "only"}
    ]
    assert [one["accepts"] for one in last["parameters"]] == ["a whole number", "A word in capitals: DONE."]


def test_the_phrase_book_agrees_with_the_step_formatters_of_behave(writing: Suite) -> None:
    """behave's own formatters are an independent witness of the definitions, their uses, and those without a use."""
    suite = writing.steps(STEPS + '\n@then("the plan has ended")\ndef ended(context):\n    pass\n')
    book = json.loads(command(suite, "phrases", "--json").stdout)["phrases"]
    catalog = behave(suite, "--dry-run", "--no-summary", "--format", "steps.catalog").stdout
    listed = [line for line in catalog.splitlines() if line.startswith(("Given ", "When ", "Then "))]
    assert sorted(listed) == sorted(f"{one['kind'].capitalize()} {one['pattern']}" for one in book)
    usage = behave(suite, "--dry-run", "--no-summary", "--format", "steps.usage").stdout
    used, _, unused = usage.partition("UNUSED STEP DEFINITIONS")
    for one in book:
        place = f"# {one['file']}:{one['line']}"
        assert (place in used, place in unused) == (one["uses"] > 0, one["uses"] == 0), place
        assert all(f"# {use['file']}:{use['line']}" in used for use in one["examples"])
    assert "BAD" not in behave(suite, "--dry-run", "--no-summary", "--format", "steps.bad").stdout


def test_the_phrase_book_can_be_searched(writing: Suite) -> None:
    found = command(writing, "phrases", "--search", "wave").stdout
    assert "    Then wave <number> is <Status>\n        Then wave 1 is DONE   features/r01.feature:7\n" in found
    assert "<count>" not in found
    nothing = command(writing, "phrases", "--search", "penguin")
    assert (nothing.returncode, nothing.stderr.count("\n")) == (1, 1)


def test_the_page_is_current_until_a_phrase_changes(writing: Suite) -> None:
    assert command(writing, "phrases", "--check").returncode == 2
    assert command(writing, "phrases", "--write").returncode == 0
    assert command(writing, "phrases", "--check").returncode == 0
    writing.steps(STEPS.replace("capitals", "big letters"))
    stale = command(writing, "phrases", "--check")
    assert stale.stderr == ("docs/phrases.md: out of date; run `make phrases`\n")


def test_the_editor_is_told_what_every_gap_takes(writing: Suite) -> None:
    command(writing, "phrases", "--write")
    settings = json.loads((writing.root / ".vscode" / "settings.json").read_text())
    assert settings["cucumber.parameterTypes"] == [
        {"name": "count:d", "regexp": r"\d+"},
        {"name": "name", "regexp": '[^"]+'},
        {"name": "number:d", "regexp": r"\d+"},
        {"name": "word:Status", "regexp": "[A-Z]+"},
    ]


def feature(writing: Suite) -> Path:
    return writing.root / "features" / "r01_waves.feature"


@pytest.fixture
def requirement(writing: Suite) -> Suite:
    """Two criteria, the first with an outline whose Examples stand behind a blank line."""
    (writing.root / "features" / "r01.feature").unlink()
    return writing.feature(
        """
        Feature: Waves
          Why it matters.

          @AC-1.1 @moto
          Scenario Outline: one <n>
            Given the "small" plan
            And DRS fails <n> times
            When the plan is run
            Then wave 1 is DONE

            Examples:
              | n |
              | 1 |

          @AC-1.3 @moto
          Scenario: three
            Given the "small" plan
            When the plan is run
            Then wave 1 is DONE
        """,
        "r01_waves.feature",
    )


def test_a_skeleton_stands_behind_its_neighbours_without_a_comment(requirement: Suite) -> None:
    before = feature(requirement).read_text()
    ended = command(requirement, "new", "AC-1.2", "--name", "A new promise")
    assert ended.returncode == 0, ended.stderr
    text = feature(requirement).read_text()
    place, criterion, *_ = ended.stdout.splitlines()
    file, line = place.split(":")
    assert (requirement.root / file).read_text().splitlines()[int(line) - 1] == "  Scenario: A new promise"
    assert criterion.startswith("AC-1.2: ")
    assert text.index("| 1 |") < text.index("@AC-1.2 @moto") < text.index("@AC-1.3")
    assert "#" not in text  # an author would have to delete a comment
    kept = text.split("\n")
    begun = kept.index("  @AC-1.2 @moto")
    while kept[begun - 1].startswith("  #"):
        begun -= 1
    del kept[begun - 1 : int(line) + 5]
    assert "\n".join(kept) == before.rstrip("\n") + "\n"


def test_a_skeleton_of_an_extension_stands_in_a_feature_of_its_own(requirement: Suite) -> None:
    requirement.feature("Feature: Protection\n", "x01_protection.feature")
    ended = command(requirement, "new", "ex-1.2", "--name", "A kept server")
    assert ended.returncode == 0, ended.stderr
    text = (requirement.root / "features" / "x01_protection.feature").read_text()
    assert "  @EX-1.2 @moto" in text
    assert "  @EX-1.2 @moto\n  Scenario: A kept server\n" in text


def test_a_skeleton_is_no_scenario_until_it_is_written(requirement: Suite) -> None:
    command(requirement, "new", "@ac-1.3")
    said = command(requirement, "check").stderr.splitlines()
    assert len(said) == 6
    assert all(": left to write: " in line for line in said)
    assert requirement.state(requirement.run(), "1.3") == "suite_defect"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("AC-1.9", f"AC-1.9: no such criterion; they go from {KNOWN.spans}. The nearest is AC-1."),
        ("13.1", f"13.1: no such criterion; they go from {KNOWN.spans}. The nearest is AC-"),
        ("EX-1.9", f"EX-1.9: no such criterion; they go from {KNOWN.spans}. The nearest is EX-1."),
        ("EX-1.1", "features/x01_*.feature: no such file; create it with a line `Feature:` and a title"),
        ("AC-2.1", "features/r02_*.feature: no such file; create it with a line `Feature:` and a title"),
    ],
)
def test_what_cannot_be_begun_is_refused_and_nothing_changes(requirement: Suite, asked: str, said: str) -> None:
    before = feature(requirement).read_text()
    ended = command(requirement, "new", asked)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert ended.stderr.startswith(said)
    assert feature(requirement).read_text() == before


def test_a_name_is_given_once(requirement: Suite) -> None:
    ended = command(requirement, "new", "AC-1.3", "--name", "three")
    assert (ended.returncode, ended.stderr) == (
        2,
        'features/r01_waves.feature:17: a scenario is called "three" already; give the new one a name of its own\n',
    )
