"""Results that moto and botocore compute again and again although they never change, and the sources of their tokens.

No patch here changes a response; each states what it saves. The random tokens repeat with the seed.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import random
import uuid
from collections.abc import Callable, Mapping
from types import CodeType, SimpleNamespace
from typing import Any

import boto3
import botocore.credentials
import botocore.endpoint_provider
import botocore.handlers
import botocore.httpsession
import moto.cloudformation.models
import moto.core.responses
import moto.kms.models
from botocore.client import ClientCreator
from botocore.hooks import EventAliaser
from botocore.model import ServiceModel
from botocore.utils import EVENT_ALIASES
from moto.cloudformation.utils import yaml_tag_constructor
from moto.core.base_backend import BackendDict
from moto.core.responses import BaseResponse
from moto.sts import utils as sts_utils

from simulator.patches.light_imports import loader_patches
from simulator.patches.patching import Patch

_yaml: Any = moto.cloudformation.models.yaml
_aliaser_init = EventAliaser.__init__
_create_client_class = ClientCreator._create_client_class
_rule_set_class = botocore.endpoint_provider.RuleSet
_enrich_response = BaseResponse._enrich_response

_alias_names: dict[str, str] = {}
_made: dict[int, tuple[Any, Any]] = {}


def _once(source: Any, make: Callable[[], Any]) -> Any:
    """The result for this object, which never changes. The result is kept with the object, so that its id stays."""
    if id(source) not in _made:
        _made[id(source)] = (source, make())
    return _made[id(source)][1]


def _service_model(self: Any, service_name: str, api_version: str | None = None) -> Any:
    description = self._loader.load_service_model(service_name, "service-2", api_version=api_version)
    return _once(description, lambda: ServiceModel(description, service_name=service_name))


def _client_class(self: Any, service_name: str, service_model: Any) -> Any:
    return _once(service_model, lambda: _create_client_class(self, service_name, service_model))


def _rule_set(**data: Any) -> Any:
    return _once(data["rules"], lambda: _rule_set_class(**data))


def _init_aliaser(self: Any, event_emitter: Any, event_aliases: Mapping[str, str] | None = None) -> None:
    _aliaser_init(self, event_emitter, event_aliases)
    if self._event_aliases == EVENT_ALIASES:
        self._alias_name_cache = _alias_names


def _client_patches() -> list[Patch]:
    container = functools.cache(botocore.credentials.ContainerMetadataFetcher)
    encryption = functools.cache(botocore.httpsession.create_urllib3_context)
    return [
        Patch(ClientCreator, "_load_service_model", _service_model, "1 ms a client reads its operations"),
        Patch(ClientCreator, "_create_client_class", _client_class, "2 ms a client, 20 ms one of EC2"),
        Patch(botocore.endpoint_provider, "RuleSet", _rule_set, "0.4 ms a client parses its endpoint's rules"),
        Patch(EventAliaser, "__init__", _init_aliaser, "1 ms a client computes the same names"),
        Patch(botocore.httpsession, "create_urllib3_context", encryption, "0.3 ms a client, which never connects"),
        Patch(botocore.credentials, "ContainerMetadataFetcher", container, "3 ms a session, for no container"),
    ]


def _load_template(text: str, Loader: object) -> Any:  # noqa: N803 - PyYAML's own name
    return copy.deepcopy(_parse_template(text))


@functools.lru_cache(maxsize=16)
def _parse_template(text: str) -> Any:
    loader: Any = type("TemplateLoader", (getattr(_yaml, "CLoader", _yaml.Loader),), {})
    loader.add_multi_constructor("", yaml_tag_constructor)
    return _yaml.load(text, Loader=loader)


def _known_account(backends: Any, account_id: str) -> Any:
    if account_id not in backends.keys():  # noqa: SIM118 - `in` without keys() is moto's own and calls this again
        backends._create_account_specific_backend(account_id)
    return dict.__getitem__(backends, account_id)


def _enrich(headers: dict[str, str], body: Any) -> Any:
    if isinstance(body, str) and "<RequestId>" not in body:
        return _enrich_response(headers, "")[0], body
    return _enrich_response(headers, body)


_regions = functools.cache(boto3.Session().get_available_regions)


def _available_regions(self: Any, service: str, partition_name: str = "aws", allow_non_regional: bool = False) -> Any:
    return list(_regions(service, partition_name, allow_non_regional))


def _moto_patches() -> list[Patch]:
    yaml = SimpleNamespace(load=_load_template, Loader=_yaml.Loader, add_multi_constructor=lambda *_: None)
    responses, kms = moto.core.responses, moto.kms.models
    return [
        Patch(moto.cloudformation.models, "yaml", yaml, "150 ms to parse the same template for each stack"),
        Patch(kms, "generate_private_key", _private_key, "100 ms for a key that moto never encrypts with"),
        Patch(BackendDict, "__getitem__", _known_account, "moto lists all services at each look-up"),
        Patch(BaseResponse, "_enrich_response", staticmethod(_enrich), "moto searches each JSON response for XML"),
        Patch(responses, "method_names_from_class", _method_names, "0.1 ms: moto inspects a class at each call"),
        Patch(responses, "camelcase_to_underscores", _underscores, "moto converts an operation's name at each call"),
        Patch(boto3.Session, "get_available_regions", _available_regions, "20 ms for each new account and service"),
    ]


_private_key = functools.cache(moto.kms.models.generate_private_key)
_method_names = functools.cache(moto.core.responses.method_names_from_class)
_underscores = functools.lru_cache(maxsize=4096)(moto.core.responses.camelcase_to_underscores)


@functools.lru_cache(maxsize=4096)
def _compiled(source: str) -> CodeType:
    return compile(source, "<string>", "exec")


def _execute(source: str, names: dict[str, Any], local: dict[str, Any] | None = None) -> None:
    """Replaces `exec` in `dataclasses`, which generates the same methods for each load of a function's modules."""
    exec(_compiled(source), names, local)  # noqa: S102 - the standard library executes the same source


def token_source(seed: int) -> random.Random:
    return random.Random(f"tokens {seed}")  # noqa: S311 - repeatable on purpose


def patches(tokens: random.Random) -> list[Patch]:
    uuids = SimpleNamespace(uuid4=lambda: uuid.UUID(int=tokens.getrandbits(128), version=4))
    return [
        *loader_patches(),
        *_client_patches(),
        *_moto_patches(),
        Patch(dataclasses, "exec", _execute, "half of a cold start compiles the methods of the same dataclasses"),
        Patch(botocore.handlers, "uuid", uuids, "idempotency tokens repeat with the seed"),
        Patch(sts_utils, "os", SimpleNamespace(urandom=tokens.randbytes), "session tokens repeat with the seed"),
    ]
