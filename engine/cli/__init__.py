"""The operators' command line: `python -m engine`."""

from __future__ import annotations

from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError

from engine.cli.apply import apply
from engine.cli.check import check
from engine.cli.commands import cancel, history, start
from engine.cli.errors import local_failure, refusal
from engine.cli.holding import approve, continue_, pause, reject
from engine.cli.plans import plans, remove, show
from engine.cli.report import report
from engine.cli.resuming import resume
from engine.cli.stack import deploy, destroy
from engine.cli.sweep import sweep
from engine.cli.terminal import replace_missing_characters
from engine.cli.validate import validate
from engine.cli.watching import status
from engine.client import EngineError
from engine.deploy.deployment import DeploymentFailed
from engine.deploy.packaging import PackagingFailed

_EPILOG = """
\b
Exit codes:
  0    success; a watched execution is COMPLETED
  1    the engine or AWS refused the command; a watched execution is FAILED or CANCELLED
  2    invalid input, no Region in the environment, or the wrong account
  130  interrupted with Ctrl-C; the operation on AWS continues
"""


class _Commands(click.Group):
    """Turns errors of AWS and the engine into one clear line; only defects show a traceback."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        replace_missing_characters()
        return super().main(*arguments, **options)

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except (EngineError, DeploymentFailed, PackagingFailed) as error:
            raise click.ClickException(str(error)) from error
        except ClientError as error:
            raise click.ClickException(refusal(error)) from error
        except BotoCoreError as error:
            raise click.ClickException(local_failure(error)) from error
        except ValueError as error:
            # botocore refuses a malformed endpoint of ~/.aws/config with a plain ValueError.
            if not str(error).startswith("Invalid endpoint"):
                raise
            raise click.ClickException(f"{error}; an endpoint is a URL like http://127.0.0.1:4599") from error
        except KeyboardInterrupt:
            click.echo(
                "\nInterrupted: the operation on AWS continues; watch it with `status --watch` or the same command.",
                err=True,
            )
            raise click.exceptions.Exit(130) from None

    def list_commands(self, context: click.Context) -> list[str]:
        """The commands in the order in which an operator needs them."""
        return list(self.commands)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EPILOG)
def main() -> None:
    """Run recovery plans with AWS Elastic Disaster Recovery, wave by wave.

    Credentials and Region come from the environment, as for the AWS CLI. NO_COLOR turns colours off.
    """


for command in (
    validate,
    deploy,
    apply,
    plans,
    show,
    remove,
    check,
    start,
    status,
    approve,
    reject,
    pause,
    continue_,
    cancel,
    resume,
    history,
    report,
    sweep,
    destroy,
):
    main.add_command(command)
