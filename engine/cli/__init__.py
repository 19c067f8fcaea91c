"""The operators' command line: `python -m engine`.

Exit codes: 0 done, 1 the engine or AWS said no, 2 the input is wrong.
"""

from __future__ import annotations

import click
from botocore.exceptions import BotoCoreError, ClientError

from engine.cli.commands import cancel, history, put, start, status
from engine.cli.stack import deploy, destroy
from engine.cli.sweep import sweep
from engine.cli.validate import validate
from engine.client import EngineError
from engine.deployment import DeploymentFailed


class _Commands(click.Group):
    """Turns what AWS or the engine refuse into one clear line; a traceback is for defects only."""

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except (EngineError, DeploymentFailed) as error:
            raise click.ClickException(str(error)) from error
        except ClientError as error:
            answer = error.response.get("Error", {})
            raise click.ClickException(f"AWS refused {error.operation_name}: {answer.get('Message', error)}") from error
        except BotoCoreError as error:
            raise click.ClickException(f"{error}. Check credentials, Region (AWS_REGION) and network.") from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Run recovery plans with AWS Elastic Disaster Recovery, wave by wave.

    Credentials and Region come from the environment, as for the AWS CLI.
    """


for command in (validate, deploy, put, start, status, cancel, history, sweep, destroy):
    main.add_command(command)
