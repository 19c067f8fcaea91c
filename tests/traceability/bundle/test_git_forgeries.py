"""git that lies: in the checkout of the auditor, and about the tree of the maker."""

from __future__ import annotations

import subprocess
import zipfile
import zlib
from pathlib import Path

import pytest

from tests.traceability.bundle.archives import commit, git_in
from tests.traceability.bundle.test_forgeries import another_engine, forgery, honest
from tests.traceability.conftest import small_suite
from traceability.bundle import bundle, manifest

__all__ = ["honest"]


def cloned(archive: Path, folder: Path) -> Path:
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", archive.parent.parent, folder], check=True)
    return folder


def differing(archive: Path, checkout: Path) -> tuple[str, ...]:
    compared = bundle.verify(archive, checkout).compared
    assert compared is not None
    return (compared.problem, *compared.names)


def test_a_replacement_object_does_not_stand_for_a_file_of_the_commit(
    honest: tuple[Path, Path], tmp_path: Path
) -> None:
    forged, clone = forgery(honest[0], another_engine, tmp_path), cloned(honest[0], tmp_path / "clone")
    with zipfile.ZipFile(forged) as opened:
        other = git_in(clone, "hash-object", "-w", "--stdin", given=opened.read("engine/launch.py").decode())
    git_in(clone, "replace", git_in(clone, "rev-parse", "HEAD:engine/launch.py"), other)
    assert differing(forged, clone) == ("", "engine/launch.py")


@pytest.mark.parametrize("revision", ["HEAD:engine/launch.py", "HEAD:engine", "HEAD:", "HEAD"])
def test_an_object_that_is_not_what_its_name_says_ends_the_comparison(
    honest: tuple[Path, Path], tmp_path: Path, revision: str
) -> None:
    archive, clone = honest[0], cloned(honest[0], tmp_path / "clone")
    assert differing(archive, clone) == ("",)
    name = git_in(clone, "rev-parse", revision)
    path = clone / ".git" / "objects" / name[:2] / name[2:]
    body = zlib.decompress(path.read_bytes())
    path.chmod(0o644)
    path.write_bytes(zlib.compress(body.replace(b"launch", b"LAUNCH").replace(b"All", b"ALL").replace(b"100", b"101")))
    assert differing(archive, clone)[0].startswith("its commit is not in this checkout, or damaged there")


def test_a_variable_does_not_lead_git_to_another_repository(
    honest: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, _ = honest
    clone, other = cloned(archive, tmp_path / "clone"), small_suite(tmp_path / "other")
    commit(other.root)
    monkeypatch.setenv("GIT_DIR", str(other.root / ".git"))
    assert differing(archive, clone) == ("",)


@pytest.mark.parametrize("bit", ["--skip-worktree", "--assume-unchanged"])
def test_a_changed_input_that_the_index_hides_is_named(tmp_path: Path, bit: str) -> None:
    suite = small_suite(tmp_path)
    commit(suite.root)
    steps = "features/steps/small.py"
    git_in(suite.root, "update-index", bit, steps)
    with (suite.root / steps).open("a") as file:
        file.write("# not committed\n")
    assert git_in(suite.root, "status", "--porcelain") == ""
    assert manifest.uncommitted(suite.places) == [steps]


def test_an_extra_input_that_git_excludes_is_named(tmp_path: Path) -> None:
    suite = small_suite(tmp_path)
    commit(suite.root)
    (suite.root / ".git" / "info" / "exclude").write_text("more.py\n")
    (suite.root / "features" / "steps" / "more.py").write_text("# not committed\n")
    assert git_in(suite.root, "status", "--porcelain") == ""
    assert manifest.uncommitted(suite.places) == ["features/steps/more.py"]


def test_a_filter_does_not_make_a_changed_input_equal(tmp_path: Path) -> None:
    suite = small_suite(tmp_path)
    commit(suite.root)
    steps = "features/steps/small.py"
    (suite.root / ".git" / "info" / "attributes").write_text(f"{steps} filter=forger\n")
    git_in(suite.root, "config", "filter.forger.clean", f"git show HEAD:{steps}")
    path = suite.root / steps
    path.write_text(path.read_text().replace("expected 3 waves", "expected 2 waves"))
    assert git_in(suite.root, "status", "--porcelain") == ""
    assert manifest.uncommitted(suite.places) == [steps]
