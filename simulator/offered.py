"""The operations that the simulator offers, read from the code of moto and of this simulator, as a page.

moto finds the method of an operation by its name, so an operation is offered if its service's class has that method.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

from botocore.loaders import create_loader
from moto.backends import list_of_moto_modules
from moto.core.responses import BaseResponse
from moto.core.utils import camelcase_to_underscores, get_service_model

import simulator.drs
from simulator.patches.patching import applied
from simulator.services import service_quotas

# moto handles these in one method for each HTTP verb of a bucket and of an object.
_WITHOUT_METHOD = {
    "s3": frozenset(
        {
            "CompleteMultipartUpload",
            "CreateBucket",
            "CreateMultipartUpload",
            "DeleteObjects",
            "GetBucketLifecycleConfiguration",
            "GetBucketNotificationConfiguration",
            "GetBucketTagging",
            "GetObjectRetention",
            "ListBuckets",
            "PutBucketAccelerateConfiguration",
            "PutBucketAcl",
            "PutBucketCors",
            "PutBucketEncryption",
            "PutBucketInventoryConfiguration",
            "PutBucketLifecycleConfiguration",
            "PutBucketLogging",
            "PutBucketNotificationConfiguration",
            "PutBucketOwnershipControls",
            "PutBucketPolicy",
            "PutBucketReplication",
            "PutBucketTagging",
            "PutBucketVersioning",
            "PutBucketWebsite",
            "PutObjectLockConfiguration",
            "PutPublicAccessBlock",
            "RestoreObject",
            "SelectObjectContent",
        }
    )
}
_HEAD = """\
# Operations of the simulator

Made from the code by `python -m simulator services --write`. The simulator offers these {operations} operations of
{services} services. It answers any other operation with status 501 and the line `not offered by this simulator`. An
operation of moto may ignore parameters; [the simulator](simulator.md#simulated-services) says which services this
project completes.

| service | operations | of | names |
|---|---:|---:|---|
"""


def offered() -> dict[str, list[str]]:
    """The operations by service, both with botocore's names, in alphabetical order."""
    simulator.drs.register()
    with applied(service_quotas.patches()):
        return _offered()


def _offered() -> dict[str, list[str]]:
    known = set(create_loader().list_available_services("service-2"))
    found: dict[str, set[str]] = {}
    for responses in _response_classes():
        service = _service(responses)
        if service in known:
            found.setdefault(service, set()).update(_operations(responses, service))
    return {service: sorted(names) for service, names in sorted(found.items()) if names}


def page() -> str:
    services = offered()
    count = sum(map(len, services.values()))
    rows = [
        f"| {service} | {len(names)} | {len(get_service_model(service).operation_names)} | {', '.join(names)} |"
        for service, names in services.items()
    ]
    return _HEAD.format(operations=f"{count:,}", services=len(services)) + "\n".join(rows) + "\n"


def _response_classes() -> Iterator[Any]:
    for name in [*list_of_moto_modules(), "drs"]:
        try:
            module = importlib.import_module(f"moto.{name}.responses")
        except ModuleNotFoundError:
            continue
        for one in vars(module).values():
            if inspect.isclass(one) and issubclass(one, BaseResponse) and one is not BaseResponse:
                yield one


def _service(responses: Any) -> str:
    try:
        made = responses()
    except TypeError:  # a part of another class
        return ""
    return str(made.boto3_service_name or "")


def _operations(responses: Any, service: str) -> Iterator[str]:
    inherited = set(dir(BaseResponse))
    elsewhere = _WITHOUT_METHOD.get(service, frozenset())
    for operation in get_service_model(service).operation_names:
        name = camelcase_to_underscores(operation)
        method = None if name in inherited else getattr(responses, name, None)
        if operation in elsewhere or (method is not None and not _is_stub(method)):
            yield operation


def _is_stub(method: Any) -> bool:
    """Whether moto's method only raises NotImplementedError."""
    code = getattr(method, "__code__", None)
    return code is not None and "NotImplementedError" in code.co_names and "return" not in inspect.getsource(method)
