"""One reader of botocore's data for all sessions of the process."""

from __future__ import annotations

import functools
from typing import Any

import botocore.loaders
import botocore.session

from simulator.patches.patching import Patch


@functools.cache
def _shared_loader() -> botocore.loaders.Loader:
    return botocore.loaders.create_loader()


_services: dict[tuple[str, ...], list[str]] = {}
_list_available_services = botocore.loaders.Loader.list_available_services


def _available_services(self: Any, type_name: str) -> list[str]:
    key = (type_name, *self.search_paths)
    if key not in _services:
        _services[key] = _list_available_services(self, type_name)
    return _services[key]


def _register_data_loader(session: Any) -> None:
    session._components.lazy_register_component("data_loader", _shared_loader)


def patches() -> list[Patch]:
    return [
        Patch(
            botocore.session.Session,
            "_register_data_loader",
            _register_data_loader,
            "each session reads the services' models, 40 ms a client; they never change",
        ),
        Patch(
            botocore.loaders.Loader,
            "list_available_services",
            _available_services,
            "moto makes a loader for each service, and each looks into 400 folders, 60 ms",
        ),
    ]
