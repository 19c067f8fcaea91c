"""Calls to the services of one recovery target, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from engine.aws.accounts import Accounts
from engine.aws.caller import Caller
from engine.core.plan import RecoveryTarget


@dataclass(frozen=True)
class TargetCalls:
    """The services of one target account and Region."""

    caller: Caller
    accounts: Accounts
    target: RecoveryTarget

    @staticmethod
    def _pages(operation: str, ask: Callable[..., Any], **parameters: Any) -> Iterator[Any]:
        token: dict[str, str] = {}
        while True:
            page = ask("drs", operation, **parameters, **token)
            yield page
            if not page.get("nextToken"):
                return
            token = {"nextToken": page["nextToken"]}

    def _call(self, service: str, operation: str, **parameters: Any) -> Any:
        return self.accounts.fresh(
            self.target,
            lambda: self.caller.call(self.accounts.client(self.target, service), operation, **parameters),
        )

    def _once(self, service: str, operation: str, **parameters: Any) -> Any:
        return self.accounts.fresh(
            self.target,
            lambda: self.caller.once(self.accounts.client(self.target, service), operation, **parameters),
        )
