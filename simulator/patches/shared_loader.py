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


def _register_data_loader(session: Any) -> None:
    session._components.lazy_register_component("data_loader", _shared_loader)


def patches() -> list[Patch]:
    return [
        Patch(
            botocore.session.Session,
            "_register_data_loader",
            _register_data_loader,
            "each session reads the services' models, 40 ms a client; they never change",
        )
    ]
