"""Service Quotas: moto knows the quotas of VPC only. These are those of DRS, which follow simulated DRS, and of EC2.

Codes and names of DRS are those of its own errors (`simulator.drs.models`). L-1216C47A is EC2's quota of vCPUs of
running On-Demand standard instances, with AWS's default of 5. EC2 is not held to it here. [U] An account that runs
servers has a larger one; this one has 640.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from moto.servicequotas.exceptions import NoSuchResource
from moto.servicequotas.models import ServiceQuotasBackend
from moto.servicequotas.responses import ServiceQuotasResponse

from simulator.drs import Quotas, drs_backends
from simulator.patches.patching import Patch

Quota = dict[str, Any]
_SERVICES = {"drs": "AWS Elastic Disaster Recovery", "ec2": "Amazon Elastic Compute Cloud (Amazon EC2)"}
_DRS = {
    "L-B827C881": ("Max source servers in a single Job", "servers_per_job"),
    "L-D88FAC3A": ("Concurrent jobs in progress", "concurrent_jobs"),
    "L-05AFA8C6": ("Max source servers in all Jobs", "servers_in_all_jobs"),
}
STANDARD_VCPUS = "L-1216C47A"
_STANDARD = "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances"
_DEFAULT_VCPUS, _APPLIED_VCPUS = 5, 640
_moto_list = ServiceQuotasBackend.list_aws_default_service_quotas


def set_standard_vcpus(backend: ServiceQuotasBackend, value: int) -> None:
    """Set the applied quota of vCPUs in one account and Region."""
    backend.standard_vcpus = value


def _default(backend: Any, service_code: str) -> list[Quota]:
    if service_code not in _SERVICES:
        return list(_moto_list(backend, service_code))
    if service_code == "drs":
        return list(_drs_quotas(backend, Quotas()))
    return [_quota(backend, "ec2", STANDARD_VCPUS, _STANDARD, _DEFAULT_VCPUS)]


def _applied(backend: Any, service_code: str) -> list[Quota]:
    if service_code not in _SERVICES:
        return list(_moto_list(backend, service_code))
    if service_code == "drs":
        return list(_drs_quotas(backend, drs_backends[backend.account_id][backend.region_name].quotas))
    value = getattr(backend, "standard_vcpus", _APPLIED_VCPUS)
    return [_quota(backend, "ec2", STANDARD_VCPUS, _STANDARD, value)]


def _drs_quotas(backend: Any, quotas: Quotas) -> Iterator[Quota]:
    for code, (name, attribute) in _DRS.items():
        yield _quota(backend, "drs", code, name, getattr(quotas, attribute))


def _quota(backend: Any, service: str, code: str, name: str, value: float) -> Quota:
    place = f"{backend.region_name}:{backend.account_id}"
    return {
        "ServiceCode": service,
        "ServiceName": _SERVICES[service],
        "QuotaArn": f"arn:{backend.partition}:servicequotas:{place}:{service}/{code}",
        "QuotaCode": code,
        "QuotaName": name,
        "Value": float(value),
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
    }


def _one(quotas: list[Quota], code: str) -> Quota:
    found = next((one for one in quotas if one["QuotaCode"] == code), None)
    if found is None:
        raise NoSuchResource
    return found


def _get_service_quota(backend: Any, service_code: str, quota_code: str) -> Quota:
    return _one(_applied(backend, service_code), quota_code)


def _list_service_quotas(response: Any) -> str:
    return json.dumps({"Quotas": _applied(response.backend, json.loads(response.body)["ServiceCode"])})


def _get_default(response: Any) -> str:
    wanted = json.loads(response.body)
    return json.dumps({"Quota": _one(_default(response.backend, wanted["ServiceCode"]), wanted["QuotaCode"])})


def patches() -> list[Patch]:
    reason = "moto knows the quotas of VPC only"
    return [
        Patch(ServiceQuotasBackend, "list_aws_default_service_quotas", _default, reason),
        Patch(ServiceQuotasBackend, "get_service_quota", _get_service_quota, reason),
        Patch(ServiceQuotasResponse, "list_service_quotas", _list_service_quotas, "moto does not offer it"),
        Patch(ServiceQuotasResponse, "get_aws_default_service_quota", _get_default, "moto does not offer it"),
    ]
