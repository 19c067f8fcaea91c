"""`python -m engine validate`, as an operator sees it."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from engine.cli import main
from tests.engine.core.simulated_aws import server, wave
from tests.engine.core.test_validation import GROUPS, plan


@pytest.fixture
def run(tmp_path):
    def run(*arguments, **files):
        for name, content in files.items():
            text = content if isinstance(content, str) else json.dumps(content)
            (tmp_path / f"{name}.json").write_text(text, encoding="utf-8")
        paths = [str(tmp_path / a) if a.endswith(".json") else a for a in arguments]
        result = CliRunner().invoke(main, ["validate", *paths])
        return result.exit_code, result.output.replace(str(tmp_path) + "/", "")

    return run


GOOD = plan(wave(1, [server(1)], Partial=True), wave(2, [server(2)], Partial=True))


def test_a_valid_plan(run):
    assert run("plan.json", "--groups", "groups.json", plan=GOOD, groups=list(GROUPS.values())) == (
        0,
        "plan.json: valid, 2 waves\n",
    )


def test_every_problem_in_one_go(run):
    bad = plan(wave(1, ["s-123"], DependsOn=[5]))
    code, output = run("plan.json", "--groups", "groups.json", plan=bad, groups=list(GROUPS.values()))
    assert code == 2
    assert 'plan.json: wave 1 (Tier 1), ExecutionOrder: "s-123" is malformed' in output
    assert "plan.json: wave 1 (Tier 1), DependsOn: wave 5 does not exist" in output


def test_without_groups_the_plan_alone_is_judged_and_that_is_said(run):
    code, output = run("plan.json", plan=GOOD)
    assert code == 0
    assert "were not checked" in output
    assert run("plan.json", plan=plan(wave(1, [server(1)], WaitTimeSeconds=-1)))[0] == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "plan.json:1:2: not JSON"),
        ("[]", "a recovery plan is a JSON object, this is a list; validate takes one plan"),
        ("3", "a recovery plan is a JSON object, this is a number"),
        ('{"GroupId": "g"}', "this is a protection group; give it with --groups"),
        ('[{"GroupId": "g"}]', "this is a list of protection groups; give it with --groups"),
        ('{"ExecutionId": "e"}', "this is an execution record, not a recovery plan"),
        ("", "plan.json: the file is empty"),
        (" \n", "plan.json: the file is empty"),
        ("PlanId: p1\nWaves: []\n", "plan.json:1:1: not JSON: Expecting value; it looks like YAML"),
        ("---\n- a\n", "it looks like YAML"),
        (
            '{"PlanId": "p1", "Waves": [], "Waves": []}',
            "key Waves is given more than once (in the object with PlanId p1)",
        ),
        (
            '{"Waves": [{"WaveNumber": 2, "DependsOn": [1], "DependsOn": []}]}',
            "key DependsOn is given more than once (in the object with WaveNumber 2)",
        ),
        ('{"Waves": [{"RecoverySnapshots": {"s-1": "a", "s-1": "b"}}]}', "key s-1 is given more than once"),
        ("{}", "plan, Waves: is missing"),
        ('{"Waves": 3}', "plan, Waves: must be a list, is 3"),
        ('{"Waves": [3]}', "wave at position 1"),
        ('{"Waves": [{"ProtectionGroupId": "g", "ExecutionOrder": 3}]}', "ExecutionOrder: must be a list, is 3"),
        ('{"TimeoutSeconds": 90.5}', "plan, TimeoutSeconds: must be a whole number, is 90.5"),
        ('{"TimeoutSeconds": 1e400}', "plan.json: the number 1e400 cannot be stored: at most 38 digits"),
        ('{"TimeoutSeconds": NaN}', "plan.json: the number NaN cannot be stored"),
        ('{"TimeoutSeconds": ' + "9" * 5000 + "}", "999... cannot be stored"),
        ("[" * 100_000, "plan.json: nested too deeply"),
        ('{"PlanId": "\\ud800"}', "half a character: '\\ud800'"),
    ],
)
def test_anything_else_is_one_clear_line_and_exit_code_two(run, content, message):
    code, output = run("plan.json", plan=content)
    assert code == 2
    assert message in output
    assert "Traceback" not in output


def test_the_files_of_windows_editors(run, tmp_path):
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        (tmp_path / "windows.json").write_bytes(json.dumps(GOOD).encode(encoding))
        code, output = run("windows.json")
        assert (code, output) == (
            2,
            "Error: windows.json: the text is not UTF-8 but UTF-16 or UTF-32; save it as UTF-8\n",
        )
    (tmp_path / "windows.json").write_bytes(json.dumps(GOOD).encode("utf-8-sig"))
    assert run("windows.json")[0] == 0


def test_members_that_no_wave_recovers_are_named_unless_the_wave_is_partial(run):
    groups = [GROUPS["group-1"]]
    code, output = run("plan.json", "--groups", "groups.json", plan=plan(wave(1, [server(1)])), groups=groups)
    assert code == 0
    assert f"Warning: wave 1 (Tier 1), ExecutionOrder: leaves out {server(11)} of protection group group-1" in output
    meant = plan(wave(1, [server(1)], Partial=True))
    assert run("plan.json", "--groups", "groups.json", plan=meant, groups=groups) == (0, "plan.json: valid, 1 wave\n")
    shared = plan(wave(1, [server(1)]), wave(2, [server(11)], ProtectionGroupId="group-1"))
    assert "Warning" not in run("plan.json", "--groups", "groups.json", plan=shared, groups=groups)[1]


def test_a_plan_among_the_groups_is_told(run):
    code, output = run("plan.json", "--groups", "plan.json", plan=GOOD)
    assert (code, "this is a recovery plan; give it first" in output) == (2, True)


def test_a_missing_file(run):
    code, output = run("none.json")
    assert (code, output) == (2, "Error: none.json: No such file or directory\n")


def test_json_for_other_programs(run):
    bad = plan(wave(1, ["s-123"]))
    code, output = run("plan.json", "--json", plan=bad)
    assert code == 2
    verdict = json.loads(output)
    assert (verdict["Valid"], verdict["GroupsChecked"]) == (False, False)
    assert '"s-123" is malformed' in verdict["Problems"][0]
    code, output = run("plan.json", "--groups", "groups.json", "--json", plan=GOOD, groups=list(GROUPS.values()))
    assert (code, json.loads(output)["Valid"], json.loads(output)["Problems"]) == (0, True, [])
