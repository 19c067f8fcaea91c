"""Caches results that moto and botocore compute repeatedly although they never change: one computation a process.

No patch here changes a response. Each figure is the time that one simulator (a deployed stack, a drill) saves.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
from collections.abc import Mapping
from types import CodeType
from typing import Any

import boto3
import botocore.client
import botocore.credentials
import botocore.endpoint_provider
import botocore.hooks
import moto.cloudformation.models
import moto.kms.models
from botocore.model import ServiceModel
from botocore.utils import EVENT_ALIASES
from moto.cloudformation.utils import yaml_tag_constructor

from simulator.patches import shared_handlers
from simulator.patches.patching import Patch


class _TemplateYaml:
    """Replaces the module `yaml` in moto's CloudFormation: parses a template once and returns copies."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self._parse = functools.lru_cache(maxsize=16)(self._parse_once)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def load(self, text: str, Loader: Any) -> Any:  # noqa: N803 - PyYAML's own name
        return copy.deepcopy(self._parse(text))

    def add_multi_constructor(self, prefix: str, constructor: Any) -> None:
        """`load` has already registered the constructor with its own loader."""

    def _parse_once(self, text: str) -> Any:
        class Loader(getattr(self._real, "CLoader", self._real.Loader)):  # type: ignore[misc]  # a class found at run time
            pass

        Loader.add_multi_constructor("", yaml_tag_constructor)
        return self._real.load(text, Loader=Loader)


_container_metadata = functools.cache(botocore.credentials.ContainerMetadataFetcher)
_private_key = functools.cache(moto.kms.models.generate_private_key)
_alias_names: dict[str, str] = {}
_aliaser_init = botocore.hooks.EventAliaser.__init__


def _init_aliaser(self: Any, event_emitter: Any, event_aliases: Mapping[str, str] | None = None) -> None:
    _aliaser_init(self, event_emitter, event_aliases)
    if self._event_aliases == EVENT_ALIASES:
        self._alias_name_cache = _alias_names


_client_classes: dict[str, type] = {}
_create_client_class = botocore.client.ClientCreator._create_client_class


def _client_class(self: Any, service_name: str, service_model: Any) -> type:
    if service_name not in _client_classes:
        _client_classes[service_name] = _create_client_class(self, service_name, service_model)
    return _client_classes[service_name]


_rule_sets: dict[int, tuple[Any, Any]] = {}
_rule_set_class = botocore.endpoint_provider.RuleSet


def _rule_set(**data: Any) -> Any:
    """Rules are read-only. The shared loader returns the same `rules` for a service, so their id is the key."""
    rules = data["rules"]
    if id(rules) not in _rule_sets:
        _rule_sets[id(rules)] = (rules, _rule_set_class(**data))
    return _rule_sets[id(rules)][1]


_service_models: dict[int, tuple[Any, ServiceModel]] = {}


def _service_model(self: Any, service_name: str, api_version: str | None = None) -> ServiceModel:
    """A model is read-only and caches its parts. The key is the description that the shared loader returns."""
    description = self._loader.load_service_model(service_name, "service-2", api_version=api_version)
    if id(description) not in _service_models:
        _service_models[id(description)] = (description, ServiceModel(description, service_name=service_name))
    return _service_models[id(description)][1]


@functools.lru_cache(maxsize=4096)
def _compiled(source: str) -> CodeType:
    return compile(source, "<string>", "exec")


def _execute(source: str, names: dict[str, Any], local: dict[str, Any] | None = None) -> None:
    """Replaces `exec` in `dataclasses`, which generates the same methods for each load of a function's modules."""
    exec(_compiled(source), names, local)  # noqa: S102 - the standard library executes the same source


_available_regions = functools.cache(boto3.Session().get_available_regions)


def _regions(self: Any, service_name: str, partition_name: str = "aws", allow_non_regional: bool = False) -> list[str]:
    return list(_available_regions(service_name, partition_name, allow_non_regional))


def patches() -> list[Patch]:
    return [
        *shared_handlers.patches(),
        Patch(
            moto.kms.models,
            "generate_private_key",
            _private_key,
            "100 ms for an encrypted table's default key, which moto never encrypts with",
        ),
        Patch(
            moto.cloudformation.models,
            "yaml",
            _template_yaml,
            "150 ms to parse the same template for each stack",
        ),
        Patch(botocore.hooks.EventAliaser, "__init__", _init_aliaser, "35 ms: every client computes the same aliases"),
        Patch(botocore.client.ClientCreator, "_create_client_class", _client_class, "20 ms a client of EC2"),
        Patch(botocore.endpoint_provider, "RuleSet", _rule_set, "3 ms a client"),
        Patch(
            botocore.client.ClientCreator,
            "_load_service_model",
            _service_model,
            "1 to 5 ms a client: each reads all operations of its service",
        ),
        Patch(
            botocore.credentials,
            "ContainerMetadataFetcher",
            _container_metadata,
            "0.4 ms a session, although no session uses a container's credentials",
        ),
        Patch(dataclasses, "exec", _execute, "half of a cold start compiles the methods of the same dataclasses"),
        Patch(
            boto3.Session, "get_available_regions", _regions, "20 ms: moto calls it for each new account and service"
        ),
    ]


_template_yaml = _TemplateYaml(moto.cloudformation.models.yaml)
