"""Another run counts only after its records were evaluated again; a hand-written coverage document never counts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.traceability.bundle.archives import all_proven, commit, forged, git_in, rewritten
from tests.traceability.bundle.test_forgeries import unsigned
from tests.traceability.bundle.test_integrity import command, left
from tests.traceability.bundle.test_keys import key_pair
from tests.traceability.bundle.test_run_loader import run
from tests.traceability.command_line import PROJECT
from tests.traceability.conftest import ON_BOTH_AND_SIMULATED, Suite, small_suite
from traceability.bundle import archive, bundle, git, manifest, run_loader
from traceability.bundle.attestation import Maker
from traceability.evaluation import coverage
from traceability.evaluation.coverage import RunFacts
from traceability.evaluation.evaluate import evaluate_run
from traceability.model import feature_files
from traceability.reporting import matrix, provenance
from traceability.running import run as runs

TWO_TARGETS = """
def target(context):
    return context.config.userdata["target"]

def before_all(context):
    if target(context) == "aws":
        run_notes.record_account("123456789012")

def before_scenario(context, scenario):
    if target(context) not in scenario.effective_tags:
        scenario.skip("runs elsewhere")

def after_scenario(context, scenario):
    run_notes.record_endpoint("drs.us-east-1.amazonaws.com", connected=target(context) == "aws")
"""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    """A whole run on moto, with report and manifest."""
    suite = small_suite(tmp_path_factory.mktemp("original"))
    (suite.root / "node_modules").symlink_to(PROJECT / "node_modules")
    commit(suite.feature(ON_BOTH_AND_SIMULATED).environment(TWO_TARGETS).root)
    runs.write_report(suite.places, suite.catalogue, suite.run())
    return suite


@pytest.fixture
def judged(original: Suite, tmp_path: Path) -> Suite:
    return original.copy(tmp_path / "copy")


@pytest.fixture
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    """A run on AWS, made elsewhere, in which one criterion is proven."""
    suite = small_suite(tmp_path_factory.mktemp("elsewhere")).feature(ON_BOTH_AND_SIMULATED).environment(TWO_TARGETS)
    commit(suite.root)
    manifest.write(suite.places, suite.run(selected="aws").coverage)
    return suite


@pytest.fixture
def on_aws(judged: Suite, elsewhere: Suite) -> Path:
    git_in(judged.root, "fetch", "-q", str(elsewhere.root))
    return bundle.write(elsewhere.places, elsewhere.catalogue)


def gathered(suite: Suite) -> provenance.Provenance:
    return provenance.gather(suite.places, suite.catalogue, run_loader.read(suite.places.coverage))


def written(suite: Suite, content: dict[str, Any]) -> Path:
    """Write a coverage document into the history, as a hand or an earlier version would."""
    suite.places.history.mkdir(parents=True, exist_ok=True)
    path = suite.places.history / f"{content['started'][:10]}_{content['target']}_none.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def page(suite: Suite) -> str:
    return matrix.page(run_loader.read(suite.places.coverage), suite.catalogue, gathered(suite))


def test_a_merged_bundle_counts_and_shows_its_digest(judged: Suite, on_aws: Path) -> None:
    ended = command(judged, "matrix", "--merge", on_aws)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "2 of 60 criteria are proven on simulated AWS, 1 on real AWS" in ended.stdout
    said = judged.places.matrix.read_text(encoding="utf-8")
    for text in (ended.stdout, said):
        assert f"SHA-256 {archive.digest(on_aws)}" in text
    assert "1 criterion (bundle, evaluated again)" in ended.stdout
    assert '<td>1 criterion</td><td class="origin">bundle, evaluated again; by ' in said
    assert "AWS <b>✓</b>" in said
    assert "<script" not in said
    assert ended.stdout.endswith(command(judged, "matrix").stdout)
    assert command(judged, "bundle").returncode == 0


def test_a_forged_bundle_is_not_merged(judged: Suite, on_aws: Path) -> None:
    before = left(judged)
    ended = command(judged, "matrix", "--merge", forged(on_aws, all_proven))
    assert (ended.returncode, ended.stdout, left(judged)) == (2, "", before)
    assert "forged.zip: verification failed: reports/coverage.json: AC-1.2 is proven, the records of" in ended.stderr


@pytest.fixture
def maker(tmp_path: Path) -> Path:
    return key_pair(tmp_path)


@pytest.fixture
def signed(judged: Suite, elsewhere: Suite, maker: Path) -> Path:
    git_in(judged.root, "fetch", "-q", str(elsewhere.root))
    return bundle.write(elsewhere.places, elsewhere.catalogue, Maker(maker, lambda: ""))


def test_a_bundle_is_merged_with_the_key_of_its_maker(judged: Suite, signed: Path, maker: Path) -> None:
    ended = command(judged, "matrix", "--merge", signed, "--key", maker.with_suffix(".pub"))
    assert ended.returncode == 0, ended.stderr
    assert f"{signed}: Signed with the key SHA256:" in ended.stdout
    assert "account" in (judged.places.matrix).read_text(encoding="utf-8")


def test_one_of_several_keys_suffices(judged: Suite, signed: Path, maker: Path, tmp_path: Path) -> None:
    other = key_pair(tmp_path, "other").with_suffix(".pub")
    ended = command(judged, "matrix", "--merge", signed, "--key", other, "--key", maker.with_suffix(".pub"))
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("kind", ["unsigned", "signed by another key"])
def test_no_bundle_is_merged_if_one_lacks_the_demanded_signature(
    judged: Suite, signed: Path, maker: Path, tmp_path: Path, kind: str
) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    first = Path(shutil.copy(signed, folder / "first.zip"))
    key = maker.with_suffix(".pub")
    if kind == "unsigned":
        second = rewritten(signed, unsigned)
        reason = "not merged: a signature was demanded"
    else:
        second, first, key = first, signed, key_pair(tmp_path, "other").with_suffix(".pub")
        reason = "not merged: not made with this key"
    ended = command(judged, "matrix", "--merge", first, second, "--key", key)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1), ended.stderr
    assert reason in ended.stderr
    assert not list(judged.places.history.glob("*_aws_*"))


def test_a_bundle_in_the_history_counts_only_if_its_inputs_are_those_of_its_commit(
    judged: Suite, elsewhere: Suite, on_aws: Path
) -> None:
    """A bundle that was copied there by hand passes the same checks as a merge."""
    judged.places.history.mkdir(exist_ok=True)
    shutil.copy(on_aws, judged.places.history / "20260101T000000_aws_copied.zip")
    assert gathered(judged).found["1.1"]["aws"].state == "proven"
    (elsewhere.root / "features" / "environment.py").open("a").write("# not committed\n")
    manifest.write(elsewhere.places, run_loader.read(elsewhere.places.coverage))
    shutil.copy(bundle.write(elsewhere.places, elsewhere.catalogue), judged.places.history / on_aws.name)
    (judged.places.history / "20260101T000000_aws_copied.zip").unlink()
    found = gathered(judged)
    assert "aws" not in found.found["1.1"]
    assert "its inputs are not those of commit" in found.ignored[0]
    assert "features/environment.py" in page(judged)


def test_without_a_key_the_output_says_that_no_signature_was_checked(judged: Suite, on_aws: Path) -> None:
    ended = command(judged, "matrix", "--merge", on_aws)
    assert f"{on_aws}: Unsigned: " in ended.stdout


def test_a_key_without_a_bundle_is_refused(judged: Suite, maker: Path) -> None:
    ended = command(judged, "matrix", "--key", maker.with_suffix(".pub"))
    assert ended.returncode == 2
    assert "name the bundles that must be signed, with --merge BUNDLE" in ended.stderr


@pytest.mark.parametrize("named", ["", "coverage.json"])
def test_a_coverage_without_its_records_is_not_merged(judged: Suite, tmp_path: Path, named: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(judged.places.coverage, elsewhere)
    before = left(judged)
    ended = command(judged, "matrix", "--merge", elsewhere / named)
    assert (ended.returncode, ended.stdout, left(judged)) == (2, "", before)
    assert "has no records, so it cannot be verified; merge the bundle that `make bundle` writes" in ended.stderr


def test_two_archives_with_different_results_of_one_run_are_not_merged(
    judged: Suite, elsewhere: Suite, on_aws: Path, tmp_path: Path
) -> None:
    first = shutil.copy(on_aws, tmp_path / "first.zip")
    assert command(judged, "matrix", "--merge", first).returncode == 0
    (elsewhere.root / "features" / "revisions.yaml").write_text("", encoding="utf-8")
    git_in(elsewhere.root, "commit", "-qam", "Other revisions")
    git_in(judged.root, "fetch", "-q", str(elsewhere.root))
    scenarios, _ = feature_files.read(elsewhere.root / "features", elsewhere.root)
    kept = run_loader.read(elsewhere.places.coverage)
    facts = RunFacts("aws", 0, git.commit(elsewhere.root), kept["started"], kept["finished"])
    content, _ = evaluate_run(elsewhere.places, elsewhere.catalogue, scenarios, facts, ())
    coverage.write(content, elsewhere.catalogue, elsewhere.places.reports)
    manifest.write(elsewhere.places, content)
    second = bundle.write(elsewhere.places, elsewhere.catalogue)
    assert bundle.verify(second).consistent
    before = left(judged)
    ended = command(judged, "matrix", "--merge", second)
    assert (ended.returncode, left(judged)) == (2, before)
    assert f"another run of {kept['started']} on aws is known, with different results" in ended.stderr


def test_a_coverage_document_in_the_history_is_no_proof_and_is_reported(judged: Suite) -> None:
    path = written(judged, run("aws", 3, dict.fromkeys(judged.catalogue.criteria, "proven")))
    ended = command(judged, "matrix")
    assert ended.returncode == 0
    assert "none on real AWS" in ended.stdout
    assert "Not proven on AWS: all 60" in ended.stdout
    assert f"Ignored: reports/history/{path.name}: kept without records, so it cannot be verified" in ended.stdout
    said = judged.places.matrix.read_text(encoding="utf-8")
    assert f"reports/history/{path.name}: kept without records" in said
    assert "AWS <b>✓</b>" not in said
    assert "last proven" not in said


def test_a_kept_run_counts_later_unless_it_was_edited(judged: Suite) -> None:
    judged.run(selected="aws")
    judged.run()
    assert gathered(judged).found["1.1"]["aws"].state == "proven"
    path = next(judged.places.history.glob("*_aws_*.zip"))
    forged(path, all_proven).replace(path)
    found = gathered(judged)
    assert "aws" not in found.found["1.1"]
    assert found.ignored[0].startswith(f"reports/history/{path.name}: reports/coverage.json: AC-1.2 is proven, the")


def test_a_run_of_the_history_is_not_a_bundle(judged: Suite) -> None:
    with pytest.raises(archive.BadBundle, match="not a bundle but the records of a run"):
        bundle.verify(next(judged.places.history.glob("*.zip")))


def test_proven_since_the_start_of_the_unbroken_series(judged: Suite) -> None:
    last = run_loader.read(judged.places.coverage)["finished"][:10]
    written(judged, run("moto", 1, {"1.1": "proven", "1.2": "proven"}))
    written(judged, run("moto", 5, {"1.2": "violated"}))
    written(judged, run("moto", 7, {"1.1": "proven", "1.2": "proven"}))
    assert f"simulated <b>✓</b> since 2026-05-01, last {last}" in page(judged)
    assert f"simulated <b>✓</b> since 2026-05-07, last {last}" in page(judged)
    assert "3 earlier runs are kept without records" in page(judged)
    assert f"simulated: proven since 2026-05-01, last {last}, commit" in matrix.describe("1.1", gathered(judged))


def test_another_text_starts_a_new_series(judged: Suite) -> None:
    written(judged, run("moto", 1, {"1.1": "proven"}, words="0123456789ab"))
    written(judged, run("moto", 2, {"1.1": "proven"}))
    assert "since 2026-05-02" in page(judged)
    assert "since 2026-05-01" not in page(judged)


def test_a_criterion_without_scenarios_now_shows_its_last_proof(judged: Suite, on_aws: Path) -> None:
    assert command(judged, "matrix", "--merge", on_aws).returncode == 0
    judged.feature(ON_BOTH_AND_SIMULATED.replace("@AC-1.1 ", "@AC-1.3 "))
    judged.run()
    found = gathered(judged)
    assert (found.found["1.1"]["moto"].past, found.found["1.1"]["aws"].past) == (True, True)
    assert "Not proven on AWS: all 60" in matrix.not_proven_on_aws(judged.catalogue.documents[0], found.found)
    said = page(judged)
    cell = said[said.index('id="AC-1.1"') : said.index('id="AC-1.2"')]
    day = found.found["1.1"]["moto"].when[:10]
    assert f"simulated <b>–</b> last ✓ {day}" in cell
    assert f"AWS <b>–</b> last ✓ {day}" in cell
    assert "<b>✓</b>" not in cell


def test_an_unreadable_file_of_the_history_is_reported(judged: Suite) -> None:
    content = run("moto", 3, {"1.1": "proven"})
    content["totals"]["proven"] = 2
    name = f"reports/history/{written(judged, content).name}"
    (judged.places.history / "other.zip").write_bytes(b"no archive")
    ended = command(judged, "matrix")
    assert ended.returncode == 0
    assert f"Ignored: {name}: not a run: its totals have 2 proven, its criteria 1" in ended.stdout
    assert "Ignored: reports/history/other.zip: not a run" in ended.stdout
    assert f"{name}: not a run: its totals have 2 proven" in judged.places.matrix.read_text(encoding="utf-8")


def test_a_matrix_that_was_changed_is_not_bundled_even_if_the_manifest_fits(judged: Suite) -> None:
    honest = judged.places.matrix.read_text(encoding="utf-8")
    judged.places.matrix.write_text(honest.replace("none on real AWS", "60 on real AWS"), encoding="utf-8")
    manifest.write(judged.places, run_loader.read(judged.places.coverage))
    ended = command(judged, "bundle")
    assert ended.returncode == 0
    assert "Matrix and report were out of date" in ended.stdout
    assert judged.places.matrix.read_text(encoding="utf-8") == honest
    assert "out of date" not in command(judged, "bundle").stdout
