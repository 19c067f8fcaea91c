"""The commands in a refusal are ready to paste: with the stack and the options that the operator gave."""

from __future__ import annotations

import json

import click
import pytest

from engine.cli.pasting import complete, note_options, note_stack
from tests.engine.cli.operator import operator_of_engine
from tests.engine.deployed import TESTDATA

START = "  python -m engine start p --recovery --cancel-drills"


def completed(text, stack="engine-test", options=()):
    context = click.Context(click.Command("start"))
    with context:
        note_options(options)
        note_stack(stack)
    return complete(text, context).splitlines()


@pytest.mark.parametrize(
    ("text", "options", "lines"),
    [
        (START, [], [f"{START} --stack engine-test"]),
        (f"{START} --take-over e1234", [], [f"{START} --take-over e1234 \\", "    --stack engine-test"]),
        ("  python -m engine cancel e1", [("--as-of", "T")], ["  python -m engine cancel e1 --stack engine-test"]),
        ("To resume: python -m engine resume e1", [], ["To resume: python -m engine resume e1 --stack engine-test"]),
        ("no command here", [], ["no command here"]),
        (
            "  python -m engine start p --recovery \\\n    --take-over e1",
            [("--as-of", "2026-01-05T09:00:00+00:00"), ("--cancel-drills",), ("--take-over", "e1"), ("--token", "a b")],
            [
                "  python -m engine start p --recovery --take-over e1 \\",
                "    --as-of 2026-01-05T09:00:00+00:00 --cancel-drills --token 'a b' \\",
                "    --stack engine-test",
            ],
        ),
        (
            "  python -m engine start p --recovery --existing keep",
            [("--existing", "replace=s-1:i-1")],
            ["  python -m engine start p --recovery --existing keep --stack engine-test"],
        ),
    ],
)
def test_each_command_gets_what_the_operator_gave(text, options, lines):
    assert completed(text, options=options) == lines
    assert max(map(len, lines)) <= 80


def test_the_default_stack_needs_no_option():
    assert completed(START, stack="drs-execution-engine") == [START]


def test_a_long_command_is_broken_without_options_as_well():
    long = "  python -m engine start plan-three-tier --recovery --existing replace=s-3578f52ef3bdd58b4"
    lines = completed(long, stack="drs-execution-engine")
    assert lines == [
        "  python -m engine start plan-three-tier --recovery \\",
        "    --existing replace=s-3578f52ef3bdd58b4",
    ]


def test_a_refused_recovery_is_started_by_the_pasted_command():
    """The refusals of instances and of a drill keep the point in time, the token and the stack."""
    with operator_of_engine() as at:
        client = at.client
        for group in json.loads((TESTDATA / "groups.json").read_text()):
            for server in group["SourceServerIds"]:
                at.aws.drs.add_snapshot(server)
        drill = client.start("plan-three-tier", "DRILL")
        at.aws.advance(60)
        as_of = at.aws.clock.now().isoformat()
        refused = at.run("start", "plan-three-tier", "--recovery", "--yes", "--token", "friday", "--as-of", as_of)
        assert refused.exit_code == 1
        lines = refused.stderr.splitlines()
        assert max(map(len, lines)) <= 80
        text = "\n".join(lines).replace("\\\n", "")
        [pasted] = [line.split() for line in text.splitlines() if "--cancel-drills" in line]
        assert pasted[:3] == ["python", "-m", "engine"]
        started = at.run(*pasted[3:], "--yes", ENGINE_STACK=None)
        assert started.exit_code == 0, started.output
        record = client.get(started.stdout.strip())
        assert record["ExecutionType"] == "RECOVERY"
        assert "AsOf" in record
        assert client.get(drill)["CancelRequest"]["SupersededBy"] == record["ExecutionId"]
