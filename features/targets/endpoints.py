"""Records the hosts of the suite's own calls. The target of a run is derived from these hosts only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import boto3


def note_endpoints(session: boto3.Session, note: Callable[[str], None]) -> boto3.Session:
    """Call `note` with the host of every request that a client of this session sends."""

    def before_send(request: Any, **_: Any) -> None:
        note(urlsplit(request.url).netloc)

    # Registered first: the simulator answers at this event, and later handlers are not called.
    session.events.register_first("before-send", before_send)
    return session
