from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulator import Simulator
from tests.simulator.sample import Sample, deploy


@pytest.fixture
def aws() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def sample(aws: Simulator) -> Sample:
    return deploy(aws)
