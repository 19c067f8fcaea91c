"""`--help` imports no command, and says the same as the commands."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from engine.cli import main
from engine.cli.lazy import COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_the_sentence_of_a_command_is_that_of_its_help(name):
    command = main.get_command(click.Context(main), name)
    assert (command.name, command.get_short_help_str(500)) == (name, COMMANDS[name][2])


def test_help_imports_neither_aws_nor_a_command():
    code = (
        "import sys; from engine.cli import main; main(['--help'], standalone_mode=False); "
        "print(sorted(name for name in sys.modules if name.split('.')[0] in ('boto3', 'botocore', 'rich', 'jinja2')))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "[]"
    assert all(f"\n  {name} " in ended.stdout for name in COMMANDS)


def test_an_unknown_command_is_one_line():
    ended = subprocess.run([sys.executable, "-m", "engine", "begin"], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "No such command 'begin'" in ended.stderr


def test_a_mistyped_command_suggests_the_one_that_was_meant():
    ended = subprocess.run([sys.executable, "-m", "engine", "statsu"], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    last = ended.stderr.strip().splitlines()[-1]
    assert last.startswith("Error: No such command 'statsu'.")
    assert "'status'" in last
