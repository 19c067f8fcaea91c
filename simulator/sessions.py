"""What makes many boto3 sessions and calls in one process cheap and repeatable."""

from __future__ import annotations

import functools
import random
import uuid
from types import SimpleNamespace
from typing import Any

import botocore.handlers
import botocore.loaders
import botocore.session
from moto.core import responses as moto_responses
from moto.core.utils import method_names_from_class
from moto.kms import models as kms_models
from moto.kms.utils import generate_private_key
from moto.sts import utils as sts_utils

from simulator.patching import Patch


@functools.cache
def _shared_loader() -> botocore.loaders.Loader:
    return botocore.loaders.create_loader()


_private_key = functools.cache(generate_private_key)
_method_names = functools.cache(method_names_from_class)


def _register_data_loader(session: Any) -> None:
    session._components.lazy_register_component("data_loader", _shared_loader)


def patches(seed: int) -> list[Patch]:
    tokens = random.Random(f"tokens {seed}")  # noqa: S311 - repeatable on purpose

    def uuid4() -> uuid.UUID:
        return uuid.UUID(int=tokens.getrandbits(128), version=4)

    return [
        Patch(
            moto_responses,
            "method_names_from_class",
            _method_names,
            "moto inspects a service's class at each call, 0.5 ms",
        ),
        Patch(
            botocore.session.Session,
            "_register_data_loader",
            _register_data_loader,
            "each session reads the services' models anew, 40 ms a client; they never change",
        ),
        Patch(
            kms_models, "generate_private_key", _private_key, "each encrypted table's default key takes 100 ms of RSA"
        ),
        Patch(botocore.handlers, "uuid", SimpleNamespace(uuid4=uuid4), "idempotency tokens repeat with the seed"),
        Patch(sts_utils, "os", SimpleNamespace(urandom=tokens.randbytes), "session tokens repeat with the seed"),
    ]
