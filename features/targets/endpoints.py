"""Notes which hosts the suite's own calls really went to: the target of a run is derived from nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import boto3


def note_endpoints(session: boto3.Session, note: Callable[[str], None]) -> boto3.Session:
    """Tell `note` the host of every request that a client of this session sends."""

    def before_send(request: Any, **_: Any) -> None:
        note(urlsplit(request.url).netloc)

    # Registered first: the simulator answers at this event, and who comes after it is not asked.
    session.events.register_first("before-send", before_send)
    return session
