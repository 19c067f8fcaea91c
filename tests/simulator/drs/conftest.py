"""A DRS of its own for each test: moto, a clock that is moved by hand, a world in one account and region."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws

import simulator.drs
from simulator.drs import DrsWorld

ACCOUNT, REGION = "123456789012", "us-east-1"
START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
# Refusals are looked at one by one: the client must not try again by itself.
ONE_ATTEMPT = Config(retries={"total_max_attempts": 1})
# One session for all tests: it reads each service's model once.
SESSION = boto3.Session("AKIAIOSFODNN7EXAMPLE", "secret", region_name=REGION)


class HandClock:
    """Time moves only with `advance`; the due events run in order, each at its own moment."""

    def __init__(self) -> None:
        self._now = START
        self._due: list[tuple[datetime, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def now(self) -> datetime:
        return self._now

    def call_at(self, when: datetime, fn: Callable[[], None], name: str) -> None:
        heapq.heappush(self._due, (when, next(self._numbers), fn))

    def advance(self, seconds: float) -> None:
        end = self._now + timedelta(seconds=seconds)
        while self._due and self._due[0][0] <= end:
            self._now, _, fn = heapq.heappop(self._due)
            fn()
        self._now = end


@pytest.fixture
def clock() -> Iterator[HandClock]:
    hand = HandClock()
    simulator.drs.register()
    simulator.drs.use_clock(hand)
    yield hand
    simulator.drs.use_clock(None)


@pytest.fixture
def aws(clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # 1,300 images that no test looks at
    with mock_aws():
        yield


@pytest.fixture
def world(aws: None, clock: HandClock) -> DrsWorld:
    return simulator.drs.world(ACCOUNT, REGION)


@pytest.fixture
def client(aws: None) -> Callable[..., Any]:
    """boto3 clients of moto's default account, or with the access key of a user."""

    def make(service: str, region: str = REGION, key: Any = None) -> Any:
        keys = (key.access_key_id, key.secret_access_key) if key else (None, None)
        return SESSION.client(
            service, region, aws_access_key_id=keys[0], aws_secret_access_key=keys[1], config=ONE_ATTEMPT
        )

    return make


@pytest.fixture
def drs(client: Callable[..., Any]) -> Any:
    return client("drs")


@pytest.fixture
def ec2(client: Callable[..., Any]) -> Any:
    return client("ec2")
