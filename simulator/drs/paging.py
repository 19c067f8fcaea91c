"""Pages of a result list. The token names the first item of the next page, so that a new job does not shift the pages.

moto's own paginator is not used: its tokens carry a salted hash, so that two runs would differ, and it refuses a bad
token with a code that DRS does not have.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from simulator.drs.exceptions import ValidationException

Item = TypeVar("Item")
DEFAULT_PAGE = 1000
Page = tuple[Sequence[Any], str | None]


def page(
    items: Sequence[Item], key: Callable[[Item], str], max_results: int | None, next_token: str | None
) -> tuple[Sequence[Item], str | None]:
    """One page of `items` and the token of the next page, or None. Raises ValidationException for an unknown token."""
    start = 0
    if next_token:
        wanted = _decode(next_token)
        positions = (position for position, item in enumerate(items) if key(item) == wanted)
        found = next(positions, None)
        if found is None:
            raise ValidationException("The nextToken is not valid.", field="nextToken")
        start = found
    end = start + (max_results or DEFAULT_PAGE)
    rest = items[end:]
    return items[start:end], _encode(key(rest[0])) if rest else None


def _encode(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _decode(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, UnicodeError) as error:
        raise ValidationException("The nextToken is not valid.", field="nextToken") from error
