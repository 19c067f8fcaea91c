"""The command line: `python -m simulator serve`, `services`, `compare`."""

from __future__ import annotations

import json
import math
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console

from simulator import environment_files
from simulator.serving import banner, server
from simulator.serving.time_mode import FASTEST

_SEED = Path(__file__).parent.parent / "testdata" / "environments" / "six-servers.json"
_OPERATIONS = Path(__file__).parent.parent / "docs" / "simulator-operations.md"
_PORT = 4599


class InvalidOption(click.ClickException):
    """An invalid option or seed file: a message of one line, exit code 2."""

    exit_code = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """A simulated AWS with Elastic Disaster Recovery."""


@main.command()
@click.option("--port", default=_PORT, show_default=True, type=click.IntRange(0, 65535), help="0: any free port.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; other addresses than loopback are open to other machines.",
)
@click.option(
    "--speed", type=click.FloatRange(0, FASTEST, min_open=True), help="Virtual seconds in a real second.  [default: 1]"
)
@click.option("--virtual", is_flag=True, help="Time jumps to the next event when all clients wait.")
@click.option(
    "--seed",
    default=_SEED,
    type=click.Path(path_type=Path),
    help="Accounts, Regions and source servers; see testdata/environments.",
)
@click.option("--account", default=None, help="Replace the id of the seed's first account.")
@click.option("--json", "as_json", is_flag=True, help="Print endpoint and keys as one line of JSON, for programs.")
@click.option(
    "--stop-with-stdin", is_flag=True, help="Stop at the end of standard input, such as when the parent process ends."
)
def serve(
    port: int,
    host: str,
    speed: float | None,
    virtual: bool,
    seed: Path,
    account: str | None,
    as_json: bool,
    stop_with_stdin: bool,
) -> None:
    """Serve the simulator over HTTP for the AWS CLI, boto3 and every other AWS client.

    Ctrl-C or SIGTERM stops it. The simulator keeps no data.
    """
    if virtual and speed is not None:
        raise InvalidOption("--virtual and --speed exclude each other: virtual time has no speed")
    if speed is not None and math.isnan(speed):
        raise InvalidOption("--speed: nan is not a number")
    try:
        environments = environment_files.read(seed)
        if account is not None:
            environments = environment_files.in_account(environments, account)
        listener = server.listen(host, port)
    except (environment_files.InvalidEnvironment, server.AddressUnavailable) as problem:
        raise InvalidOption(str(problem)) from problem

    def ready(served: server.ServerInfo) -> None:
        if as_json:
            click.echo(json.dumps(banner.facts(served)))
        else:
            banner.show(Console(highlight=False, soft_wrap=True), served)
        sys.stdout.flush()

    until = _end_of_input if stop_with_stdin else _never
    server.serve(listener, environments, "virtual" if virtual else speed or 1.0, ready, until=until)


@main.command()
@click.argument("service", required=False)
@click.option("--write", is_flag=True, help="Write docs/simulator-operations.md.")
@click.option("--check", is_flag=True, help="Fail if docs/simulator-operations.md is out of date.")
def services(service: str | None, write: bool, check: bool) -> None:
    """List the operations that the simulator offers, of one SERVICE or of all."""
    # moto's modules of all services take seconds to import.
    from simulator import offered

    if write or check:
        text = offered.page()
        if write:
            _OPERATIONS.write_text(text, encoding="utf-8")
        elif not _OPERATIONS.is_file() or _OPERATIONS.read_text(encoding="utf-8") != text:
            raise click.ClickException(f"{_OPERATIONS.name} is out of date; run python -m simulator services --write")
        return
    known = offered.offered()
    if service is not None and service not in known:
        raise click.ClickException(f"not offered by this simulator: {service}")
    for name in [service] if service else known:
        click.echo(f"{name}: {', '.join(known[name])}")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with the id of each difference.")
@click.argument("run", type=click.Path(path_type=Path))
def compare(run: Path, as_json: bool) -> None:
    """Compare the answers of DRS that a RUN on AWS kept with those of the simulator.

    RUN is the folder reports of the run, or its bundle. Names each difference in fields, formats, words, order and
    times, proposes new durations, and names the criteria that rest on a difference: they are suspect until a person
    has decided. Exits with 1 if there is an open difference.
    """
    # moto's modules of all services take seconds to import.
    from simulator import Simulator
    from simulator.comparison import answers, differences, presentation, reference, traits

    try:
        kept, decided = answers.read(run), differences.load_decided()
    except answers.NoAnswers as problem:
        raise InvalidOption(str(problem)) from problem
    with Simulator(enforce_iam=False) as aws:
        simulated = traits.of(reference.drill(aws))
    seen = traits.of(kept)
    result = presentation.Result(
        differences.between(seen, simulated),
        decided,
        differences.proposals(seen),
        differences.not_compared(seen, simulated),
        len(kept),
        len(seen.operations),
    )
    if as_json:
        click.echo(json.dumps(presentation.document(result), indent=1))
    else:
        for line in presentation.lines(result):
            click.echo(line)
    sys.exit(1 if result.open else 0)


def _never(_stop: Callable[[], None]) -> None: ...


def _end_of_input(stop: Callable[[], None]) -> None:
    def watch() -> None:
        while sys.stdin.buffer.read(4096):
            pass
        stop()

    threading.Thread(target=watch, name="standard input", daemon=True).start()


if __name__ == "__main__":
    main()
