"""The command group, its common options and its exit codes."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import click

GREEN, RED = 0, 1
_MODULES = {
    "check": "suite",
    "phrases": "suite",
    "new": "suite",
    "run": "runs",
    "merge": "runs",
    "keep": "runs",
    "prove": "runs",
    "mutant": "mutation",
    "mutate": "mutation",
    "matrix": "owner",
    "diff": "owner",
    "confirm": "audit",
    "bundle": "audit",
    "verify": "audit",
    "export": "exports",
}
"""Command to the module that adds it. A command imports its own module only: `check` starts in half the time."""
features_option = click.option(
    "--features", default="features", show_default=True, help="Folder that contains the feature files."
)
root_option = click.option("--root", type=click.Path(path_type=Path), default=Path, hidden=True)

accept_loss_option = click.option(
    "--accept-loss",
    multiple=True,
    metavar='AC-8.1="reason"',
    help="Accept that fewer scenarios prove the criterion than before; features/proven.yaml records the reason.",
)


class _Commands(click.Group):
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _MODULES:
            import_module(f"traceability.cli.{_MODULES[cmd_name]}")
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_MODULES)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Check and run the acceptance features, and report the state of each acceptance criterion."""
