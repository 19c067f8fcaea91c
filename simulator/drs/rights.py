"""What DRS does in EC2 in its caller's name. (Judged once the authoriser is in use.)"""

from __future__ import annotations


def principal_of(account: str, access_key: str) -> str | None:
    return None


def missing_right(phase: str, principal: str | None, account: str, region: str) -> str | None:
    return None
