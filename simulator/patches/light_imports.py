"""Imports moto in a third of its time.

- moto reads the Regions of EC2 with three new sessions, and each session parses botocore's list of endpoints again.
- The import creates a million objects that stay as long as the process, and Python's garbage collector visits them
  again and again on the way.
- API Gateway's models import a validator for OpenAPI documents, which only ImportRestApi calls.
- time_machine imports pytest, if it is installed, to register a fixture.
"""

from __future__ import annotations

import functools
import gc
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

import botocore.loaders
import botocore.session

from simulator.patches.patching import Patch, applied

_VALIDATOR = "openapi_spec_validator"
_ERRORS = "openapi_spec_validator.validation.exceptions"

_list_available_services = botocore.loaders.Loader.list_available_services
_create_loader = functools.cache(botocore.loaders.create_loader)
_services: dict[tuple[str, ...], list[str]] = {}


def _register_data_loader(session: Any) -> None:
    session._components.lazy_register_component("data_loader", _create_loader)


def _available_services(self: Any, type_name: str) -> list[str]:
    key = (type_name, *self.search_paths)
    if key not in _services:
        _services[key] = _list_available_services(self, type_name)
    return _services[key]


def loader_patches() -> list[Patch]:
    """One reader of botocore's data for all sessions of the process."""
    return [
        Patch(
            botocore.session.Session, "_register_data_loader", _register_data_loader, "40 ms a client to read models"
        ),
        Patch(
            botocore.loaders.Loader, "list_available_services", _available_services, "60 ms: moto makes many loaders"
        ),
    ]


@contextmanager
def light_imports() -> Iterator[None]:
    """While entered, sessions share botocore's data, and libraries that few calls need are not imported."""
    collects = gc.isenabled()
    gc.disable()
    substitutes = {name: module for name, module in _substitutes() if name not in sys.modules}
    sys.modules.update(substitutes)  # type: ignore[arg-type]  # None refuses an import
    try:
        with applied(loader_patches()):
            yield
    finally:
        for name in substitutes:
            del sys.modules[name]
        gc.freeze()  # no collection needs to visit what was imported
        if collects:
            gc.enable()


class _InvalidDocumentError(Exception):
    """The validator's own error, which exists only after its import."""


def _validate(document: Mapping[str, Any]) -> None:
    validator, errors = import_module(_VALIDATOR), import_module(_ERRORS)
    try:
        validator.validate(document)
    except errors.OpenAPIValidationError as error:
        raise _InvalidDocumentError(str(error)) from error


def _substitutes() -> list[tuple[str, ModuleType | None]]:
    validator, errors = ModuleType(_VALIDATOR), ModuleType(_ERRORS)
    vars(validator)["validate"] = _validate
    vars(errors)["OpenAPIValidationError"] = _InvalidDocumentError
    return [(_VALIDATOR, validator), (_ERRORS, errors), ("pytest", None)]
