"""What all commands share: the group they belong to, their options, their exit codes."""

from __future__ import annotations

from pathlib import Path

import click

GREEN, RED, BAD_INPUT = 0, 1, 2
features_option = click.option(
    "--features", default="features", show_default=True, help="Folder with the feature files."
)
root_option = click.option("--root", type=click.Path(path_type=Path), default=Path, hidden=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """From requirement to proof: check the features, run them, report what is proven."""
