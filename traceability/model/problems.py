"""The problems that a user can fix. The command line prints their lines, never a traceback."""

from __future__ import annotations

from collections.abc import Sequence

BAD_INPUT = 2
"""The exit code for input that cannot be used."""


class UserProblem(Exception):
    """The message says what is wrong and what to do."""

    exit_code = BAD_INPUT

    @property
    def lines(self) -> Sequence[str]:
        """One line for each problem."""
        return [str(self)]
