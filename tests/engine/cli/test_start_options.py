"""A refused `start` repeats its options in the commands that it offers, so each option of the command is noted."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from engine.cli import commands, main

SERVER, SNAPSHOT = "s-3578f52ef3bdd58b4", "pit-0123456789abcdef0"
EXAMPLES = {
    "--token": "friday",
    "--existing": f"replace={SERVER}:i-0123456789abcdef0",
    "--as-of": "2026-01-05T09:00:00+00:00",
    "--snapshot": f"{SERVER}={SNAPSHOT}",
    "--cancel-drills": None,
    "--take-over": "e1234",
}
# The refusal writes --recovery itself; it repeats no --yes; the stack is noted by its own option.
NOT_REPEATED = {"--drill", "--recovery", "--yes", "--watch", "--json", "--stack"}


class Noted(Exception):
    """Ends the command before it asks AWS."""


def noted(monkeypatch: pytest.MonkeyPatch, *words: str) -> list[tuple[str, ...]]:
    """Return the options that `start p --recovery WORDS` has noted."""
    found: list[tuple[str, ...]] = []

    def note(options: list[tuple[str, ...]]) -> None:
        found.extend(options)
        raise Noted

    monkeypatch.setattr(commands, "note_options", note)
    ended = CliRunner().invoke(main, ["start", "p", "--recovery", *words])
    assert isinstance(ended.exception, Noted), ended.output
    return found


def option_names() -> set[str]:
    options = [one for one in commands.start.params if isinstance(one, click.Option)]
    return {name for one in options for name in (*one.opts, *one.secondary_opts)}


def test_each_option_of_start_has_an_example_here_or_a_reason() -> None:
    assert option_names() == set(EXAMPLES) | NOT_REPEATED, (
        "note a new option of `start` by note_options, and add it here"
    )


@pytest.mark.parametrize(("name", "value"), EXAMPLES.items())
def test_an_option_is_noted_as_the_operator_typed_it(
    name: str, value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = (name,) if value is None else (name, value)
    assert noted(monkeypatch, *typed) == [typed]


def test_without_options_none_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert noted(monkeypatch) == []
