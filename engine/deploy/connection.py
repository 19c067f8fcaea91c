"""Retries reads from an operator's terminal for some minutes after a connection error."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import ConnectionError, HTTPClientError

Answer = TypeVar("Answer")

TIMEOUT_SECONDS = 300
RETRY_SECONDS = 5


def retry_on_connection_error(
    ask: Callable[[], Answer],
    *,
    sleep: Callable[[float], object] = time.sleep,
    lost: Callable[[int], object] = lambda seconds: None,
) -> Answer:
    """The result of the read `ask`, repeated while the connection fails.

    Calls `lost` with the seconds since the first failure. Raises the error of botocore after five minutes.
    """
    waited = 0
    while True:
        try:
            return ask()
        except (ConnectionError, HTTPClientError):
            if waited >= TIMEOUT_SECONDS:
                raise
        lost(waited)
        sleep(RETRY_SECONDS)
        waited += RETRY_SECONDS
