"""The command group, its common options and its exit codes."""

from __future__ import annotations

from pathlib import Path

import click

GREEN, RED, BAD_INPUT = 0, 1, 2
features_option = click.option(
    "--features", default="features", show_default=True, help="Folder that contains the feature files."
)
root_option = click.option("--root", type=click.Path(path_type=Path), default=Path, hidden=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Check and run the acceptance features, and report the state of each acceptance criterion."""
