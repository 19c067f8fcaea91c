"""The operators' command line: `python -m engine`.

Start with `lazy.py`, which lists the commands and prints their errors; `commands.py` has `start`.
"""

from __future__ import annotations

import click

from engine.cli.lazy import Commands

_EPILOG = """
\b
Exit codes:
  0    success; a watched execution is COMPLETED
  1    the engine or AWS refused the command; a watched execution is FAILED or CANCELLED
  2    invalid input, no Region in the environment, or the wrong account
  130  interrupted with Ctrl-C; the operation on AWS continues
"""


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EPILOG)
def main() -> None:
    """Run recovery plans with AWS Elastic Disaster Recovery, wave by wave.

    Credentials and Region come from the environment, as for the AWS CLI. NO_COLOR turns colours off.
    """
