"""Preloaded models: each reader gets its own copy, and each read is recorded."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.loaders import JSONFileLoader

from traceability.mutation import service_models


@pytest.fixture(autouse=True)
def _restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JSONFileLoader, "load_file", JSONFileLoader.load_file)
    monkeypatch.setattr(service_models, "_preloaded", {})


def test_each_reading_gets_a_copy_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text('{"uri": "/{Bucket}"}')
    path = str(tmp_path / "model")
    service_models.preload([path, path])
    service_models.serve_preloaded()
    first = JSONFileLoader().load_file(path)
    first["uri"] = "/"
    assert JSONFileLoader().load_file(path) == {"uri": "/{Bucket}"}
    assert service_models.read == [path, path]


def test_a_file_that_is_not_preloaded_is_read(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text("[1]")
    service_models.preload([str(tmp_path / "model")])
    (tmp_path / "model.json").write_text("[2]")
    service_models.serve_preloaded()
    assert [JSONFileLoader().load_file(str(tmp_path / "model")) for _ in range(2)] == [[1], [2]]
    assert JSONFileLoader().load_file(str(tmp_path / "absent")) is None
