"""Shared by the commands: options for stack and account, sessions, input files and input errors."""

from __future__ import annotations

import codecs
import json
import os
import re
from collections import Counter
from collections.abc import Callable
from decimal import Decimal, DecimalException
from functools import wraps
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
import click
from boto3.dynamodb.types import DYNAMODB_CONTEXT
from botocore.config import Config

from engine.cli.next_step import DEFAULT_STACK
from engine.cli.pasting import note_stack
from engine.client import EngineClient

# Names of roles and EventBridge rules are at most 64 characters long: the stack name and an ending of up to 19.
_LONGEST_STACK_NAME = 45
_STACK_NAME = re.compile(rf"[A-Za-z][A-Za-z0-9-]{{0,{_LONGEST_STACK_NAME - 1}}}")
# DynamoDB stores at most 38 digits.
_LARGEST_INT = 10**38
# The start of a YAML document, but of no JSON document: a marker, a comment, a list item or a bare key.
_YAML = re.compile(r"\s*(---|#|- |[A-Za-z][\w-]*:(\s|$))")
# Keys that tell an author which object of a file is meant.
_IDENTITIES = ("WaveNumber", "PlanId", "GroupId")
# DynamoDB keys may be longer, but ids and tokens of the engine are not.
_LONGEST_TEXT = 500
# Retries for short network errors; commands that wait anyway retry for minutes (engine.deploy.connection).
_RETRIES = Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=10)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for other programs.")


class InputError(click.ClickException):
    """Invalid input of the operator; exit code 2."""

    exit_code = 2


def _checked_name(context: click.Context, parameter: click.Parameter, value: str) -> str:
    if not _STACK_NAME.fullmatch(value):
        raise click.BadParameter(
            f"{value!r} is not a valid stack name: a letter first, then letters, digits and hyphens, at most "
            f"{_LONGEST_STACK_NAME} characters in all, because the names of its resources contain it"
        )
    return value


def checked_text(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Check an id or token. Raises InputError if it is empty (an unset shell variable), unprintable or too long."""
    if value is not None and not (value.strip() and value.isprintable() and len(value) <= _LONGEST_TEXT):
        name = parameter.opts[0] if isinstance(parameter, click.Option) else parameter.make_metavar(context)
        raise InputError(f"{name} must be 1 to {_LONGEST_TEXT} printable characters, is {value[:60]!r}")
    return value


def kind_option(drill: str, recovery: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options --drill (the default) and --recovery with these helps; the command gets `is_drill`.

    Raises InputError if both are given: which of them is meant is never guessed.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @click.option("--drill", is_flag=True, help=drill)
        @click.option("--recovery", is_flag=True, help=recovery)
        @wraps(command)
        def with_kind(*arguments: Any, drill: bool, recovery: bool, **others: Any) -> Any:
            if drill and recovery:
                raise InputError("--drill and --recovery exclude each other: give one of them")
            return command(*arguments, is_drill=not recovery, **others)

        return with_kind

    return decorate


def stack_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--stack",
        default=DEFAULT_STACK,
        show_default=True,
        envvar="ENGINE_STACK",
        callback=_checked_name,
        help=f"Name of the CloudFormation stack, at most {_LONGEST_STACK_NAME} characters; also ENGINE_STACK.",
    )(command)


def account_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--account",
        envvar="ENGINE_ACCOUNT",
        metavar="ID",
        help="Refuse to work in any other AWS account; also ENGINE_ACCOUNT.",
    )(command)


def region_name() -> str | None:
    """The Region of the environment, if any; `session` uses the same."""
    named: str | None = os.environ.get("AWS_REGION") or botocore.session.Session().get_config_variable("region")
    return named


def session() -> Any:
    """A boto3 session of the environment. Raises InputError without a Region, or with a malformed endpoint."""
    for name, value in os.environ.items():
        if name.startswith("AWS_ENDPOINT_URL") and value and not _is_url(value):
            raise InputError(f"{name} must be a URL like http://127.0.0.1:4599, is {value!r}")
    core = botocore.session.Session()
    core.set_default_client_config(_RETRIES)
    found = boto3.Session(botocore_session=core, region_name=os.environ.get("AWS_REGION"))
    if found.region_name is None:
        raise InputError("no Region: set AWS_REGION, or AWS_PROFILE to a profile that has one")
    return found


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        # Reading the port checks it.
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def require_account(aws: Any, account: str | None) -> str:
    """The account of the credentials. Raises InputError if it differs from `account`."""
    found: str = aws.client("sts").get_caller_identity()["Account"]
    if account is not None and account != found:
        raise InputError(f"these credentials are for account {found}, not {account}; nothing was done")
    return found


def client(stack: str) -> EngineClient:
    """The client of the engine. Raises InputError if ENGINE_ACCOUNT names another account."""
    note_stack(stack)
    aws = session()
    if account := os.environ.get("ENGINE_ACCOUNT"):
        require_account(aws, account)
    return EngineClient.from_stack(aws, stack)


def read_json(path: Path) -> Any:
    """The JSON content of the file, with the number types of DynamoDB: int for whole numbers, else Decimal.

    Raises InputError with file, line and reason; a repeated key is an error, because JSON readers keep only the last.
    """
    try:
        text = _text(path)
        content = json.loads(
            text,
            parse_int=_number,
            parse_float=_number,
            parse_constant=_number,
            object_pairs_hook=_object,
        )
        json.dumps(content, ensure_ascii=False, default=str).encode()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file in UTF-8 ({error.reason} at byte {error.start})") from error
    except UnicodeEncodeError as error:
        raise InputError(f"{path}: a text contains half a character: {error.object[error.start]!a}") from error
    except json.JSONDecodeError as error:
        yaml = "; it looks like YAML" if _YAML.match(text) else ""
        raise InputError(f"{path}:{error.lineno}:{error.colno}: not JSON: {error.msg}{yaml}") from error
    except RecursionError as error:
        raise InputError(f"{path}: nested too deeply") from error
    except _Unsupported as error:
        raise InputError(f"{path}: {error}") from error
    return content


class _Unsupported(Exception):
    """JSON with a second meaning or none: a number that DynamoDB cannot store, a repeated key."""


def _text(path: Path) -> str:
    """The text of the file without a byte order mark, which Windows editors write. Raises InputError."""
    content = path.read_bytes()
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in content[:4]:
        raise InputError(f"{path}: the text is not UTF-8 but UTF-16 or UTF-32; save it as UTF-8")
    text = content.decode("utf-8-sig")
    if not text.strip():
        raise InputError(f"{path}: the file is empty")
    return text


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        repeated = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
        identity = next((f" (in the object with {key} {found[key]})" for key in _IDENTITIES if key in found), "")
        raise _Unsupported(f"the key {', '.join(repeated)} is given more than once{identity}; keep one of them")
    return found


def _number(text: str) -> int | Decimal:
    try:
        value = DYNAMODB_CONTEXT.create_decimal(text)
    except DecimalException:
        value = Decimal("NaN")
    if not value.is_finite():
        shown = text if len(text) <= 60 else f"{text[:57]}..."
        raise _Unsupported(f"the number {shown} cannot be stored: at most 38 digits, and below 1e126")
    return int(value) if value == value.to_integral_value() and abs(value) < _LARGEST_INT else value
