"""Makes many boto3 sessions and calls in one process cheap and repeatable."""

from __future__ import annotations

import functools
import random
import uuid
from types import SimpleNamespace
from typing import Any

import botocore.handlers
import botocore.hooks
from botocore.compat import accepts_kwargs
from moto.core import responses as moto_responses
from moto.core.base_backend import BackendDict
from moto.core.utils import method_names_from_class
from moto.sts import utils as sts_utils

from simulator.patches import shared_loader
from simulator.patches.patching import Patch

_accepts_kwargs = functools.lru_cache(maxsize=8192)(accepts_kwargs)
_method_names = functools.cache(method_names_from_class)


def _known_account(backends: Any, account_id: str) -> Any:
    if account_id not in backends.keys():  # noqa: SIM118 - `in` without keys() is moto's own and calls this again
        backends._create_account_specific_backend(account_id)
    return dict.__getitem__(backends, account_id)


def token_source(seed: int) -> random.Random:
    return random.Random(f"tokens {seed}")  # noqa: S311 - repeatable on purpose


def patches(tokens: random.Random) -> list[Patch]:
    def uuid4() -> uuid.UUID:
        return uuid.UUID(int=tokens.getrandbits(128), version=4)

    return [
        Patch(
            moto_responses,
            "method_names_from_class",
            _method_names,
            "moto inspects a service's class at each call, 0.5 ms",
        ),
        *shared_loader.patches(),
        Patch(botocore.hooks, "accepts_kwargs", _accepts_kwargs, "each session inspects its 130 handlers, 8 ms"),
        Patch(BackendDict, "__getitem__", _known_account, "moto lists all services at each look-up"),
        Patch(botocore.handlers, "uuid", SimpleNamespace(uuid4=uuid4), "idempotency tokens repeat with the seed"),
        Patch(sts_utils, "os", SimpleNamespace(urandom=tokens.randbytes), "session tokens repeat with the seed"),
    ]
