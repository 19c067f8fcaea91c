"""Partitions that moto knows in part: pseudo parameters of templates, zones of the European Sovereign Cloud."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.cloudformation.parsing import ResourceMap
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend, Zone
from moto.utilities.utils import get_partition

from simulator.patches.patching import Patch

_URL_SUFFIXES = {"aws-cn": "amazonaws.com.cn", "aws-eusc": "amazonaws.eu"}
# The names follow AWS's pattern; the ids of the zones are invented.
_EUSC = "eusc-de-east-1"
_EUSC_ZONES = [Zone(f"{_EUSC}{letter}", _EUSC, f"eusc-dee1-az{number}") for number, letter in enumerate("abc", 1)]


def patches() -> list[Patch]:
    original: Callable[..., None] = ResourceMap.__init__

    def initialise(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        partition = get_partition(self._region_name)
        suffix = _URL_SUFFIXES.get(partition, "amazonaws.com")
        self._parsed_resources |= {"AWS::Partition": partition, "AWS::URLSuffix": suffix}

    zones = {**RegionsAndZonesBackend.zones, _EUSC: _EUSC_ZONES}
    return [
        Patch(ResourceMap, "__init__", initialise, "moto knows the pseudo parameters of the partition aws only"),
        Patch(RegionsAndZonesBackend, "zones", zones, "without zones a Region has no default subnets"),
    ]
