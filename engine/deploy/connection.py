"""Waiting for AWS from a person's terminal: a lost connection is borne for some minutes before it is an error."""

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
    """The answer to a question that only reads, asked again while there is no connection.

    `lost` is told for how many seconds there has been none. Raises botocore's own error after five minutes.
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
