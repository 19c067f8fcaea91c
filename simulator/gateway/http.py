"""A request and a response of any client and transport."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class HttpRequest:
    """`target` is the path and query as sent."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    target: str


@dataclass(frozen=True)
class HttpResponse:
    status: int
    headers: dict[str, str]
    body: bytes
