"""Bad input: one clear line with file, line and cure, before anything runs; no traceback, exit code 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.traceability.command_line import Ended, run_command
from tests.traceability.conftest import EXTENSIONS, KNOWN, Suite, with_planned
from traceability.model import feature_files, settings
from traceability.steps import scaffold

STEPS = ("Given nothing is wrong", "When nothing is wrong", "Then nothing is wrong")
WHOLE = "".join(f"    {step}\n" for step in STEPS)

# The feature file and the one line that must be said about it.
BAD = {
    "unknown criterion": (
        f"Feature: Small\n  @AC-1.9 @moto\n  Scenario: only\n{WHOLE}",
        f'r01.feature:3: scenario "only" names an unknown criterion @AC-1.9; known are {KNOWN.spans}',
    ),
    "no criterion": (
        f"Feature: Small\n  @moto\n  Scenario: only\n{WHOLE}",
        'r01.feature:3: scenario "only" names no criterion; '
        "tag it @AC-<requirement>.<criterion> or @EX-<requirement>.<criterion>",
    ),
    "no target": (
        f"Feature: Small\n  @AC-1.1\n  Scenario: only\n{WHOLE}",
        'r01.feature:3: scenario "only" does not say where it runs; tag it @moto, @aws or both',
    ),
    "empty scenario": (
        "Feature: Small\n  @AC-1.1 @moto\n  Scenario: only\n",
        'r01.feature:3: scenario "only" has no step; write its steps or remove it',
    ),
    "no Given": (
        f"Feature: Small\n  @AC-1.1 @moto\n  Scenario: only\n{WHOLE}".replace("Given", "When"),
        'r01.feature:3: scenario "only" has no Given; state the facts that it begins with',
    ),
    "no When": (
        f"Feature: Small\n  @AC-1.1 @moto\n  Scenario: only\n{WHOLE}".replace("When", "And"),
        'r01.feature:3: scenario "only" has no When; say the one event that its Then judges',
    ),
    "a tag misspelt": (
        f"Feature: Small\n  @AC-1.1 @moto @aw\n  Scenario: only\n{WHOLE}",
        'r01.feature:3: scenario "only" has an unknown tag, @aw; the nearest known is @aws',
    ),
    "a criterion misspelt": (
        f"Feature: Small\n  @AC-1.1 @ac-1.2 @moto\n  Scenario: only\n{WHOLE}",
        'r01.feature:3: scenario "only" has an unknown tag, @ac-1.2; the nearest known is @AC-1.2',
    ),
    "a tag of somebody's own": (
        f"Feature: Small\n  @AC-1.1 @moto @nightly\n  Scenario: only\n{WHOLE}",
        'r01.feature:3: scenario "only" has an unknown tag, @nightly; '
        "known are @AC-<requirement>.<criterion>, @EX-<requirement>.<criterion>, @moto, @aws",
    ),
    "equal names": (
        "Feature: Small\n" + f"  @AC-1.1 @moto\n  Scenario: only\n{WHOLE}" * 2,
        'r01.feature:8: scenario "only" has the name of the one at features/r01.feature:3; give it a name of its own',
    ),
    "not Gherkin": (
        f"Feature: Small\n  @AC-1.1 @moto\n  Scenario: only\n{WHOLE}    Perhaps it is\n",
        "r01.feature:7: not valid Gherkin",
    ),
    "a Rule": (
        f"Feature: Small\n  Rule: One\n    @AC-1.1 @moto\n    Scenario: only\n{WHOLE}",
        "r01.feature:2: Rule: hides its scenarios from the report; put them directly below the Feature",
    ),
    "a scenario without a name": (
        f"Feature: Small\n  @AC-1.1 @moto\n  Scenario:\n{WHOLE}",
        "r01.feature:3: a scenario without a name; say in its name what it shows",
    ),
    "an outline without Examples": (
        f"Feature: Small\n  @AC-1.1 @moto\n  Scenario Outline: only\n{WHOLE}",
        'r01.feature:3: scenario outline "only" has no Examples, so it never runs; add rows',
    ),
    "Examples with a header alone": (
        f"Feature: Small\n  @AC-1.1 @moto\n  Scenario Outline: only\n{WHOLE}    Examples:\n      | a |\n",
        'r01.feature:7: Examples of "only" have no row, so they never run; add rows or remove them',
    ),
    "a When behind a Then": (
        f"Feature: Small\n  @AC-1.1 @moto\n  Scenario: only\n{WHOLE}    When nothing is wrong\n",
        'r01.feature:3: scenario "only" has a When too late; order: Given, When, Then',
    ),
    "a step that is indented wrongly": (
        f"Feature: Small\n  @AC-1.1 @moto\n  Scenario: only\n{WHOLE}".replace("    When", "   When"),
        "r01.feature:5: indented by 3 spaces; indent When by 4",
    ),
    "a tab": (
        f"Feature: Small\n  @AC-1.1 @moto\n  Scenario: only\n{WHOLE}".replace("    When", "\tWhen"),
        "r01.feature:5: a tab in the indentation; indent with spaces",
    ),
    "a missing cell": (
        f"Feature: Small\n  @AC-1.1 @moto\n  Scenario: only\n{WHOLE}      | a | b |\n      | c |\n",
        "r01.feature:8: not valid Gherkin: a table row has 1 cells, the first row has 2; add or remove cells",
    ),
    "an empty file": ("", "r01.feature:1: no Feature in this file; write one or remove the file"),
}


@pytest.fixture
def suite(suite: Suite) -> Suite:
    """A suite with one phrase, so that none is without a use."""
    return suite.steps('from behave import step\n\n@step("nothing is wrong")\ndef nothing(context):\n    pass\n')


def command(suite: Suite, *arguments: str) -> Ended:
    return run_command(*arguments, "--root", suite.root)


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("name", ["check", "run"])
def test_bad_input_is_one_line_and_nothing_runs(suite: Suite, name: str, case: str) -> None:
    text, line = BAD[case]
    ended = command(suite.feature(text), name)
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"features/{line}")
    assert ended.stderr.count("\n") == 1
    assert ended.stdout == ""
    assert not (suite.root / "reports").exists()


def test_a_criterion_of_another_requirement_is_in_the_wrong_file(suite: Suite) -> None:
    text = f"Feature: Small\n  @AC-1.1 @moto\n  Scenario: only\n{WHOLE}"
    ended = command(suite.feature(text, "r04_errors.feature"), "check")
    assert ended.returncode == 2
    assert "names no criterion of the requirement of this file; move it to the file of @AC-1.1" in ended.stderr
    both = text.replace("@AC-1.1", "@AC-1.1 @AC-4.2")
    assert command(suite.feature(both, "r04_errors.feature"), "check").returncode == 0


@pytest.mark.parametrize(
    ("phrase", "text", "words"),
    [
        ('server "{name}" is there', 'server "web-9" is there', "'web-9' is not known; the nearest known is 'web-1'"),
        ("the result is {status:Status}", "the result is DONE", "'DONE' is not known; known are FAILED, COMPLETED"),
        ('the "{plan}" plan of {n:d}', 'the "tree-tier" plan of 3', "'tree-tier' is not known; the nearest known is"),
    ],
)
def test_a_value_that_no_list_has_is_named_with_the_nearest(suite: Suite, phrase: str, text: str, words: str) -> None:
    (suite.root / "plans").mkdir()
    (suite.root / "plans" / "three-tier.json").write_text("{}")
    (suite.root / "pyproject.toml").write_text(
        """[tool.traceability.values]
'server "{name}"' = ["web-1", "database-1"]
"{status:Status}" = ["FAILED", "COMPLETED"]
'the "{plan}" plan' = "plans/*.json"
"""
    )
    suite.steps(
        "from behave import register_type, step\n"
        "def status(text):\n    return text\n"
        'status.pattern = "[A-Z]+"\n'
        "register_type(Status=status)\n"
        f'@step("nothing is wrong")\n@step({phrase!r})\ndef nothing(context, **values):\n    pass\n'
    )
    suite.feature(f"Feature: Small\n  @AC-1.1 @moto\n  Scenario: only\n{WHOLE}    And {text}\n")
    ended = command(suite, "check")
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1), ended.stderr
    assert ended.stderr.startswith(f'features/r01.feature:7: "And {text}": {words}')


def test_a_planned_criterion_has_no_scenario_yet(suite: Suite) -> None:
    suite.feature(f"Feature: Small\n  @EX-1.5 @moto\n  Scenario: only\n{WHOLE}")
    known = with_planned(suite.catalogue, "EX-1.5")
    scenarios, _ = feature_files.read(suite.root / "features", suite.root)
    [problem] = feature_files.check(scenarios, known)
    assert "names @EX-1.5, which is only planned; move it to the criteria of its document first" in str(problem)
    with pytest.raises(scaffold.UnknownCriterion, match=r"EX-1.5: only planned; move it to the criteria"):
        scaffold.find("EX-1.5", known)


def test_all_problems_are_named_at_once(suite: Suite) -> None:
    suite.feature(BAD["unknown criterion"][0], "r01.feature").feature(
        BAD["no target"][0].replace("only", "b"), "r02.feature"
    )
    ended = command(suite, "check")
    assert [line.split(":")[0] for line in ended.stderr.splitlines()] == [
        "features/r01.feature",
        "features/r02.feature",
    ]


def test_a_missing_folder_is_one_line(suite: Suite) -> None:
    ended = command(suite, "run", "--features", "specs")
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert ended.stderr.startswith("specs/: no such folder")


def test_good_features_are_counted(suite: Suite) -> None:
    ended = command(suite.scenario(*STEPS), "check")
    assert (ended.returncode, ended.stdout) == (
        0,
        f"1 scenarios cover 1 of 60 criteria and 0 of {EXTENSIONS} extensions "
        "in the words of 1 phrases; no problem found.\n",
    )


def test_the_report_tool_missing_is_one_line_that_names_the_cure(suite: Suite) -> None:
    ended = command(suite.scenario(*STEPS), "run")
    assert ended.returncode == 2
    assert ended.stderr == "node_modules/allure/cli.js is missing; run `make setup`\n"


@pytest.mark.parametrize("value", ['"report"', '"fail"'])
def test_the_setting_is_read(tmp_path: Path, value: str) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.traceability]\nno_scenario = {value}\n")
    assert settings.load(tmp_path).no_scenario == value.strip('"')


def test_a_tag_that_the_settings_name_is_known(suite: Suite) -> None:
    (suite.root / "pyproject.toml").write_text('[tool.traceability]\ntags = ["nightly"]\n')
    suite.scenario(*STEPS, tags="@AC-1.1 @moto @nightly")
    assert command(suite, "check").returncode == 0
    (suite.root / "pyproject.toml").write_text('[tool.traceability]\ntags = ["@nightly"]\n')
    refused = command(suite, "check")
    assert (refused.returncode, refused.stderr) == (
        2,
        "pyproject.toml: [tool.traceability] tags is ['@nightly']; write a list of tags without the @\n",
    )


def test_a_setting_that_means_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.traceability]\nno_scenario = "ignore"\n')
    with pytest.raises(settings.BadSettings, match="no_scenario is 'ignore'"):
        settings.load(tmp_path)


def test_without_a_setting_a_missing_scenario_fails(tmp_path: Path) -> None:
    assert settings.load(tmp_path).no_scenario == "fail"
