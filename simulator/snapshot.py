"""The content of a simulated AWS between two calls, from which other simulators of the same seed can start.

A simulator that starts from a snapshot continues exactly as the first one would have: same data, time, journal and
random numbers. To restore a deployed engine takes a tenth of the time of its deployment.
"""

from __future__ import annotations

import io
import pickle
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from types import FunctionType
from typing import Any
from weakref import WeakValueDictionary

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from moto.core.base_backend import BackendDict
from moto.moto_api._internal import mock_random
from moto.s3.utils import _VersionedKeyStore

from simulator.gateway.journal import Journal
from simulator.iam import Access
from simulator.iam.usage import granted_accesses, note_use


@dataclass(frozen=True)
class Snapshot:
    """`now` is the virtual time, `data` the pickled backends of moto, `shared` what all copies of them share.

    `tokens` is the state of the source of idempotency and session tokens.
    """

    seed: int
    now: datetime
    data: bytes
    shared: list[Any]
    journal: Journal
    accesses: list[Access]
    tokens: Any
    random: Any
    moto_random: Any

    @staticmethod
    def take(seed: int, now: datetime, journal: Journal, tokens: random.Random) -> Snapshot:
        written = io.BytesIO()
        pickler = _Pickler(written)
        # One pickle for all services, because they refer to each other. S3's registry holds the names of all buckets.
        pickler.dump([(one, dict(one), dict(vars(one))) for one in BackendDict._instances])
        return Snapshot(
            seed=seed,
            now=now,
            data=written.getvalue(),
            shared=pickler.shared,
            journal=journal.copy(),
            accesses=granted_accesses(),
            tokens=tokens.getstate(),
            random=random.getstate(),
            moto_random=mock_random.getstate(),
        )

    def restore(self, tokens: random.Random) -> None:
        """Fills moto's backends, which must be empty, and sets the sources of random numbers."""
        for registry, accounts, attributes in _Unpickler(io.BytesIO(self.data), self.shared).load():
            registry.update(accounts)
            vars(registry).update(attributes)
            BackendDict._instances.append(registry)
        for access in self.accesses:
            note_use(access)
        tokens.setstate(self.tokens)
        random.setstate(self.random)
        mock_random.setstate(self.moto_random)


class _Pickler(pickle.Pickler):
    """Shares moto's registries, which are one each a process, and what never changes: keys, functions without state."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self.shared: list[Any] = []

    def persistent_id(self, obj: Any) -> int | None:
        is_stateless = isinstance(obj, FunctionType) and obj.__closure__ is None
        if not (is_stateless or isinstance(obj, BackendDict | RSAPrivateKey)):
            return None
        self.shared.append(obj)
        return len(self.shared) - 1

    def reducer_override(self, obj: Any) -> tuple[Callable[..., Any], tuple[Any]] | Any:
        if isinstance(obj, WeakValueDictionary):
            return WeakValueDictionary, (dict(obj),)
        if isinstance(obj, _VersionedKeyStore):  # its items() give the newest versions only
            return _key_store, (dict(obj.lists()),)
        return NotImplemented


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, shared: list[Any]) -> None:
        super().__init__(file)
        self._shared = shared

    def persistent_load(self, pid: int) -> Any:
        return self._shared[pid]


def _key_store(versions: dict[str, list[Any]]) -> _VersionedKeyStore:
    store = _VersionedKeyStore()
    for key, kept in versions.items():
        store.setlist(key, kept)
    return store
