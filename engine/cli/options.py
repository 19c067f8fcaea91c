"""What several commands share: the stack they talk to, input files, and errors of input."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import click

from engine.client import EngineClient


class InputError(click.ClickException):
    """Something is wrong with what the operator gave; exit code 2."""

    exit_code = 2


def stack_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--stack",
        default="drs-execution-engine",
        show_default=True,
        envvar="ENGINE_STACK",
        help="Name of the CloudFormation stack; also ENGINE_STACK.",
    )(command)


def session() -> Any:
    """A boto3 session of the environment. Raises InputError when it names no Region."""
    found = boto3.Session(region_name=os.environ.get("AWS_REGION"))
    if found.region_name is None:
        raise InputError("no Region: set AWS_REGION, or AWS_PROFILE to a profile that has one")
    return found


def client(stack: str) -> EngineClient:
    return EngineClient.from_stack(session(), stack)


def read_json(path: Path) -> Any:
    """The file's content. Raises InputError with file, line and reason."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file in UTF-8 ({error.reason} at byte {error.start})") from error
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}:{error.colno}: not JSON: {error.msg}") from error
