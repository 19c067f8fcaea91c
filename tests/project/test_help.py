"""The command lines beside the engine's: help on -h, and input that cannot be meant is refused in one line."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from tests.least_privilege.__main__ import main as privileges
from tests.simulation.__main__ import main as simulation


@pytest.mark.parametrize("command", [privileges, simulation], ids=["privileges", "simulation"])
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help(command, flag):
    ended = CliRunner().invoke(command, [flag])
    assert ended.exit_code == 0
    assert ended.output.startswith("Usage: ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--seeds", "0"], "'--seeds': 0 is not in the range x>=1"),
        (["--seeds", "-3"], "'--seeds': -3 is not in the range x>=1"),
        (["--seeds", "many"], "'--seeds': 'many' is not a valid integer"),
        (["--first", "-1"], "'--first': -1 is not in the range x>=0"),
        (["--processes", "0"], "'--processes': 0 is not in the range x>=1"),
        (["--seconds", "0"], "'--seconds': 0.0 is not in the range x>0"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_invalid_numbers_are_usage_errors(arguments, words):
    ended = CliRunner().invoke(simulation, arguments)
    assert ended.exit_code == 2
    assert words in ended.stderr
