"""The group of all commands: it imports a command only when it runs, so that `--help` answers at once."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import click
from click.exceptions import NoSuchCommand

# In the order in which an operator needs them: name, module, object, and the first sentence of its help. A test
# compares the sentences with those of the commands.
COMMANDS: dict[str, tuple[str, str, str]] = {
    "validate": ("validate", "validate", "Check the recovery plan in the file PLAN and print all its problems."),
    "deploy": ("stack", "deploy", "Create or update the engine's stack in the account and Region of the environment."),
    "apply": (
        "apply",
        "apply",
        "Load recovery plans and protection groups from JSON FILES (one document or a list).",
    ),
    "plans": ("plans", "plans", "List the loaded recovery plans by id, with waves and last execution."),
    "show": ("plans", "show", "Print the loaded plan PLAN_ID and its protection groups as JSON that `apply` loads."),
    "remove": ("plans", "remove", "Remove the loaded plan PLAN_ID; its protection groups and past executions stay."),
    "check": (
        "check",
        "check",
        "Check whether the servers of the plan PLAN_ID can be launched now, without launching them.",
    ),
    "start": ("commands", "start", "Start the recovery plan PLAN_ID and print its ExecutionId."),
    "status": ("watching", "status", "Show one execution: its waves, servers, current wait, errors and clean-up."),
    "approve": ("holding", "approve", "Approve a wave that waits for it; the wave starts within a minute."),
    "reject": (
        "holding",
        "reject",
        "Reject a wave that waits for approval: it ends FAILED, and the waves that depend on it are SKIPPED.",
    ),
    "pause": (
        "holding",
        "pause",
        "Hold a running execution before its next wave, until `continue`; the plan's time-out runs on.",
    ),
    "continue": ("holding", "continue_", "End the pause of an execution; its next wave starts within a minute."),
    "cancel": (
        "commands",
        "cancel",
        "Cancel a running execution: no more servers are launched, and the instances of a drill are terminated.",
    ),
    "resume": (
        "resuming",
        "resume",
        "Continue the FAILED or CANCELLED execution EXECUTION_ID and print the ExecutionId of its successor.",
    ),
    "cleanup": (
        "cleaning",
        "cleanup",
        "Terminate the instances of a drill whose plan keeps them, or whose clean-up failed.",
    ),
    "history": ("commands", "history", "List executions, newest first: of one plan, with one status, or all."),
    "report": (
        "report",
        "report",
        "Write the report of one execution: a page without network access, for screen and paper.",
    ),
    "sweep": (
        "sweep",
        "sweep",
        "Remove the resources of killed runs of the acceptance suite: stacks, code buckets, recovery instances.",
    ),
    "destroy": (
        "stack",
        "destroy",
        "Delete the engine's stack; its tables stay if it was deployed with KeepData=yes (the default).",
    ),
}


class Commands(click.Group):
    """Turns errors of AWS and the engine into one clear line; only defects show a traceback."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        from engine.cli.streams import replace_missing_characters

        replace_missing_characters()
        return super().main(*arguments, **options)

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except (click.ClickException, click.exceptions.Exit):
            raise
        except click.Abort as abort:
            # click has turned Ctrl-C, or the end of the input, at a question into this. The answer comes first.
            click.echo("\nStopped: the command did nothing.", err=True)
            raise click.exceptions.Exit(130 if isinstance(abort.__context__, KeyboardInterrupt) else 1) from None
        except KeyboardInterrupt:
            from engine.cli.interruption import interrupted

            click.echo(f"\n{interrupted(context)}", err=True)
            raise click.exceptions.Exit(130) from None
        except Exception as error:
            # The libraries of AWS are loaded by now: an error of theirs needs no faster answer.
            from engine.cli.errors import describe, ends_the_work
            from engine.cli.interruption import with_work
            from engine.cli.pasting import complete

            line = describe(error)
            if line is None:
                raise
            text = line if ends_the_work(error) else with_work(line, context)
            raise click.ClickException(complete(text, context)) from error

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[name]
        command: click.Command = getattr(importlib.import_module(f"engine.cli.{module}"), attribute)
        return command

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(context, arguments)
        except NoSuchCommand as unknown:
            # click compares the name with the commands that are imported: none.
            raise NoSuchCommand(unknown.command_name, possibilities=COMMANDS, ctx=context) from None

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, from the sentences above: no command is imported."""
        width = formatter.width - 6 - max(map(len, COMMANDS))
        with formatter.section("Commands"):
            formatter.write_dl(list(_rows(width)))


def _rows(width: int) -> Iterator[tuple[str, str]]:
    for name, (_, _, sentence) in COMMANDS.items():
        yield name, click.Command(name, help=sentence).get_short_help_str(width)
