"""The wildcards of IAM: `*` is any number of characters, `?` is one; all other characters are literal."""

from __future__ import annotations

import re
from functools import cache, lru_cache

ARN_PARTS = 5


@cache
def _regex(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    text = "".join(".*" if char == "*" else "." if char == "?" else re.escape(char) for char in pattern)
    return re.compile(text, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def like(pattern: str, value: str, *, ignore_case: bool = False) -> bool:
    """StringLike, and action names (which ignore case)."""
    return _regex(pattern, ignore_case).fullmatch(value) is not None


@lru_cache(maxsize=65536)
def arn_like(pattern: str, arn: str) -> bool:
    """ArnLike: each of the six colon-separated parts is compared for itself, so a wildcard does not leave its part."""
    if pattern == "*":
        return True
    wanted, found = pattern.split(":", ARN_PARTS), arn.split(":", ARN_PARTS)
    if len(wanted) != len(found) or len(found) <= ARN_PARTS:
        return False
    return all(like(one, other) for one, other in zip(wanted, found, strict=True))
