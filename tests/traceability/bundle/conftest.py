"""A bundle of a small suite: one run for all tests of a process, and a copy for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.traceability.bundle.archives import commit
from tests.traceability.conftest import Suite, small_suite
from traceability.bundle import bundle, manifest


@pytest.fixture(scope="session")
def original_bundle(tmp_path_factory: pytest.TempPathFactory) -> tuple[Suite, str]:
    """A suite after a run, and the name of its bundle."""
    suite = small_suite(tmp_path_factory.mktemp("original"))
    commit(suite.scenario("Then nothing is wrong").root)
    manifest.write(suite.places, suite.run().coverage)
    return suite, bundle.write(suite.places, suite.catalogue).name


@pytest.fixture
def bundled(original_bundle: tuple[Suite, str], tmp_path: Path) -> Suite:
    return original_bundle[0].copy(tmp_path / "copy")


@pytest.fixture
def archive(bundled: Suite, original_bundle: tuple[Suite, str]) -> Path:
    return bundled.places.reports / original_bundle[1]
