"""Results that are computed once a process are computed again as soon as they would differ."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import botocore.client
import botocore.loaders
import pytest

from features.targets.moto import MotoTarget
from simulator import Simulator

CREATOR = botocore.client.ClientCreator


class Loader:
    """Hands out a description of its own, as a session with another data path does."""

    def __init__(self, description: dict[str, Any]) -> None:
        self.description = description

    def load_service_model(self, *_: object, **__: object) -> dict[str, Any]:
        return self.description


def model_of(description: dict[str, Any]) -> Any:
    creator = CREATOR.__new__(CREATOR)
    creator._loader = Loader(description)
    return creator._load_service_model("sts")


def test_clients_share_the_model_of_one_description(aws: Simulator) -> None:
    description = botocore.loaders.create_loader().load_service_model("sts", "service-2")
    assert model_of(description) is model_of(description)


def test_another_description_of_the_same_service_gives_another_model(aws: Simulator) -> None:
    description = botocore.loaders.create_loader().load_service_model("sts", "service-2")
    shorter = copy.deepcopy(description)
    del shorter["operations"]["GetCallerIdentity"]
    assert "GetCallerIdentity" in model_of(description).operation_names
    assert "GetCallerIdentity" not in model_of(shorter).operation_names


def test_dataclasses_that_look_alike_stay_apart(aws: Simulator) -> None:
    """The methods of both have the same source; their meaning depends on the enclosing names."""

    def declare(default: int) -> Any:
        @dataclasses.dataclass(frozen=True)
        class Look:
            number: int = default
            seen: list[int] = dataclasses.field(default_factory=lambda: [default])

        return Look

    one, two = declare(1), declare(2)
    assert (one().number, one().seen, two().number, two().seen) == (1, [1], 2, [2])
    assert one() == one()
    assert one() != two()
    assert repr(one()).endswith("Look(number=1, seen=[1])")
    with pytest.raises(dataclasses.FrozenInstanceError):
        one().number = 3


def test_leaving_the_simulator_gives_dataclasses_its_exec_back() -> None:
    with Simulator():
        assert "exec" in vars(dataclasses)
    assert "exec" not in vars(dataclasses)


def test_a_scenario_makes_a_client_once_and_the_next_scenario_makes_its_own() -> None:
    target = MotoTarget()
    with target.scenario():
        first = target.session().client("sts")
        assert target.session().client("sts") is first
        assert target.session(region="eu-west-1").client("sts") is not first
    with target.scenario():
        second = target.session().client("sts")
        assert second is not first
        assert second.get_caller_identity()["Account"] == target.account
