"""The public client of a deployed engine: start, watch, cancel and look up executions.

Other programs import this package alone; the command line is built on it.
Start with `client`.
"""

from engine.client.answers import (
    AlreadyEnded,
    DecisionRefused,
    EngineError,
    ExecutionNotFound,
    Page,
    Started,
    StartRefused,
)
from engine.client.client import EngineClient

__all__ = [
    "AlreadyEnded",
    "DecisionRefused",
    "EngineClient",
    "EngineError",
    "ExecutionNotFound",
    "Page",
    "StartRefused",
    "Started",
]
