"""Putting the engine into an account and taking it out."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import click
from rich.console import Console

from engine import deployment
from engine.cli.options import InputError, session, stack_option

# What the function needs beyond what Lambda brings; as wheels for Lambda's own platform.
_RUNTIME_LIBRARIES = ("aws-lambda-powertools", "jsonschema", "tenacity")
_PLATFORM = ("manylinux2014_x86_64", "3.13")


@click.command()
@click.option("--parameter", "-p", "parameters", multiple=True, metavar="NAME=VALUE", help="A template parameter.")
@stack_option
def deploy(parameters: tuple[str, ...], stack: str) -> None:
    """Create or update the engine's stack in the account and Region of the environment."""
    values = dict(_pair(text) for text in parameters)
    console = Console(stderr=True)
    account = session()
    with tempfile.TemporaryDirectory() as folder, console.status("Packaging the function"):
        libraries = Path(folder)
        _install_libraries(libraries)
        code = deployment.package(libraries)
    with console.status(f"Deploying {stack} ({len(code) // 1024} KB of code); this takes a few minutes"):
        deployed = deployment.deploy(account, stack, parameters=values, code=code)
    for name, value in sorted(deployed.outputs.items()):
        click.echo(f"{name}: {value}")


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise InputError(f"--parameter {text}: must be NAME=VALUE")
    return name, value


def _install_libraries(folder: Path) -> None:
    platform, python = _PLATFORM
    lock = deployment.ENGINE.parent / "requirements.lock"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(folder)]
    only = ["--platform", platform, "--python-version", python, "--only-binary", ":all:", "--constraint"]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.write("\n".join(_pins(lock)))
        constraints.flush()
        subprocess.run([*pip, *only, constraints.name, *_RUNTIME_LIBRARIES], check=True)  # noqa: S603 - our own words


def _pins(lock: Path) -> list[str]:
    """`name==version` of every locked library, without hashes: wheels of another platform have others."""
    lines = lock.read_text(encoding="utf-8").splitlines()
    return [line.split(";")[0].split("\\")[0].strip() for line in lines if line[:1].isalnum() and "==" in line]


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@stack_option
def destroy(yes: bool, stack: str) -> None:
    """Delete the engine's stack; its tables stay if it was deployed with KeepData=yes (the default)."""
    if not yes:
        click.confirm(f"Delete the stack {stack}?", abort=True, err=True)
    with Console(stderr=True).status(f"Deleting {stack}"):
        deployment.destroy(session(), stack)
    click.echo(f"{stack}: deleted")
