"""The command `report`: the whole execution as one page."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.options import InputError, checked_text, client, stack_option


@click.command()
@click.argument("execution_id", callback=checked_text)
@click.option("--html", "path", type=click.Path(path_type=Path), help="Write the page to this file (default: stdout).")
@stack_option
def report(execution_id: str, path: Path | None, stack: str) -> None:
    """Write the report of one execution: a page without network access, for screen and paper.

    It has outcome, objectives, timeline, waves, servers, errors, warnings, approvals and persons.
    """
    # The template engine takes longer to import than the other commands to run.
    from engine.report.page import report_page

    page = report_page(client(stack).get(execution_id))
    if path is None:
        click.echo(page)
        return
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    click.echo(f"{path}: report of {execution_id}")
