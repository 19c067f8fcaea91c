"""Imports moto in a third of its time.

- moto reads the Regions of EC2 with three new sessions, and each session parses botocore's list of endpoints again.
- The import creates a million objects that stay as long as the process, and Python's garbage collector visits them
  again and again on the way.
- API Gateway's models import a validator for OpenAPI documents, which only ImportRestApi calls.
- time_machine imports pytest, if it is installed, to register a fixture.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

from simulator.patches import shared_loader
from simulator.patches.patching import applied

_VALIDATOR = "openapi_spec_validator"
_ERRORS = "openapi_spec_validator.validation.exceptions"


@contextmanager
def light_imports() -> Iterator[None]:
    """While entered, sessions share botocore's data, and libraries that few calls need are not imported."""
    collects = gc.isenabled()
    gc.disable()
    substitutes = {name: module for name, module in _substitutes() if name not in sys.modules}
    sys.modules.update(substitutes)  # type: ignore[arg-type]  # None refuses an import
    try:
        with applied(shared_loader.patches()):
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
