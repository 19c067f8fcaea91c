"""Clients for the tests of the gateway."""

from __future__ import annotations

from typing import Any

import pytest

from simulator import Simulator
from tests.simulator.gateway.calls import ONCE, SERVER


@pytest.fixture
def drs(aws: Simulator) -> Any:
    aws.drs.add_source_server(SERVER, hostname="db-1")
    return aws.session().client("drs", config=ONCE)


@pytest.fixture
def table(aws: Simulator) -> Any:
    client = aws.session().client("dynamodb", config=ONCE)
    client.create_table(
        TableName="items",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
    )
    return client
