"""A forger with a text editor, patience and no key: each forgery fails, and an honest bundle verifies."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.traceability.bundle.archives import commit, git_in, rewritten, verify
from tests.traceability.bundle.test_integrity import command
from tests.traceability.bundle.test_keys import key_pair
from tests.traceability.command_line import PROJECT
from tests.traceability.conftest import small_suite
from traceability.__main__ import main
from traceability.bundle import archive as zips
from traceability.bundle import attestation, bundle, last_run, manifest, run_loader
from traceability.bundle.attestation import Maker
from traceability.evaluation import coverage
from traceability.evaluation.coverage import RunFacts
from traceability.evaluation.evaluate import evaluate_run
from traceability.model import catalogue, feature_files
from traceability.model.paths import Places
from traceability.running import run as runs

FEATURE = """
Feature: Small
  @AC-1.1 @moto
  Scenario: first
    Then nothing is wrong

  @AC-10.1 @aws
  Scenario: on AWS only
    Then nothing is wrong
"""
ENGINE = "def launch():\n    return 'launched'\n"


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A signed bundle of a clean clone, and the maker's public key."""
    suite = small_suite(tmp_path_factory.mktemp("clone")).feature(FEATURE)
    (suite.root / "engine").mkdir()
    (suite.root / "engine" / "launch.py").write_text(ENGINE)
    commit(suite.root)
    judged = suite.run()
    manifest.write(suite.places, judged.coverage)
    key = key_pair(tmp_path_factory.mktemp("keys"))
    return bundle.write(suite.places, suite.catalogue, Maker(key, lambda: "")), key.with_suffix(".pub")


def test_an_honest_bundle_verifies_with_the_clone_and_the_public_key_alone(
    honest: tuple[Path, Path], tmp_path: Path
) -> None:
    """The auditor's machine: another clone, the archive, the public key; no file of the run."""
    archive, public = honest
    clone = tmp_path / "clone" / "reports"
    subprocess.run(["git", "clone", "-q", archive.parent.parent, clone.parent], check=True)
    clone.mkdir()
    ended = verify(shutil.copy(archive, clone), "--key", public)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.startswith("Signed with the key SHA256:")
    assert "inputs are equal to commit" in ended.stdout
    assert ", without changes" in ended.stdout


# -- The forgeries. Each makes the archive agree with itself again; none has the maker's key.


def unsigned(files: dict[str, bytes]) -> None:
    del files[attestation.FILE]


def another_key(files: dict[str, bytes], folder: Path) -> None:
    maker = Maker(key_pair(folder, "forger"), lambda: "")
    sums = {name: hashlib.sha256(body).hexdigest() for name, body in files.items() if name != attestation.FILE}
    files[attestation.FILE] = maker.sign(sums, json.loads(files["reports/coverage.json"]))


def one_tag_and_two_records(files: dict[str, bytes]) -> None:
    """The forgery of the review: criterion 10.1 becomes proven on moto. Every record of the archive agrees to it."""
    feature, junit = "features/r01.feature", "reports/junit/TESTS-r01.xml"
    files[feature] = files[feature].replace(b"@AC-10.1 @aws", b"@AC-10.1 @moto")
    text = files[junit].decode().replace('status="skipped" time="0"><skipped />', 'status="passed" time="5e-05">')
    files[junit] = text.replace("... skipped in", "... passed in").encode()
    results = {
        name: json.loads(body)
        for name, body in files.items()
        if name.startswith("reports/allure-results/") and name.endswith("-result.json")
    }
    (passed,) = (one for one in results.values() if one["name"] == "first")
    (name,) = (name for name, one in results.items() if one["name"] == "on AWS only")
    skipped = results[name]
    skipped |= {"status": "passed", "steps": passed["steps"], "attachments": passed["attachments"]}
    del skipped["statusDetails"]
    files[name] = json.dumps(skipped).encode()
    _evaluated_again(files)


def _evaluated_again(files: dict[str, bytes]) -> None:
    """Write coverage and manifest as a run with these records would have left them."""
    with tempfile.TemporaryDirectory() as folder:
        places = Places(Path(folder))
        for name, body in files.items():
            path = places.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
        kept, noted = run_loader.read(places.coverage), last_run.memory(places)
        facts = RunFacts(noted["selected"], 0, kept["commit"], kept["started"], kept["finished"])
        scenarios, _ = feature_files.read(places.root / "features", places.root)
        content, differences = evaluate_run(places, catalogue.load(), scenarios, facts, ())
    assert differences == []
    files |= {f"reports/{name}": body for name, body in coverage.files(content, catalogue.load()).items()}
    files[zips.MANIFEST] = json.dumps(json.loads(files[zips.MANIFEST]) | manifest.from_coverage(content)).encode()


def no_engine(files: dict[str, bytes]) -> None:
    del files["engine/launch.py"]


def another_engine(files: dict[str, bytes]) -> None:
    files["engine/launch.py"] = ENGINE.replace("'launched'", "'launched and replaced'").encode()


def emptied_steps(files: dict[str, bytes]) -> None:
    files["features/steps/small.py"] = b""


def a_then_that_compares_a_value_with_itself(files: dict[str, bytes]) -> None:
    name = "features/steps/small.py"
    files[name] = files[name].replace(b'assert False, "expected 3 waves, but there were 2"', b"assert True")


def another_commit(files: dict[str, bytes]) -> None:
    described = json.loads(files[zips.MANIFEST])
    content = json.loads(files["reports/coverage.json"])
    described["commit"] = content["commit"] = "0" * 40
    files["reports/coverage.json"] = (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()
    files[zips.MANIFEST] = json.dumps(described).encode()


def other_evidence(files: dict[str, bytes]) -> None:
    name = next(name for name in files if name.startswith("reports/allure-results/") and "attachment" in name)
    files[name] = b"expected: nothing wrong\nfound: three servers recovered"


def clean_tree(files: dict[str, bytes]) -> None:
    described = json.loads(files[zips.MANIFEST])
    files[zips.MANIFEST] = json.dumps(
        described | {"who": "The Auditor", "dirty": False, "account": "simulated"}
    ).encode()


def an_extra_step_file(files: dict[str, bytes]) -> None:
    files["features/steps/more.py"] = b"# steps that the commit does not have\n"


FORGERIES = [
    unsigned,
    another_key,
    one_tag_and_two_records,
    no_engine,
    another_engine,
    emptied_steps,
    a_then_that_compares_a_value_with_itself,
    another_commit,
    other_evidence,
    clean_tree,
    an_extra_step_file,
]
# What needs no key to be noticed: the inputs are not those of the commit.
NOTICED_BY_COMMIT = [
    one_tag_and_two_records,
    no_engine,
    another_engine,
    emptied_steps,
    a_then_that_compares_a_value_with_itself,
    another_commit,
    an_extra_step_file,
]


def forgery(archive: Path, change: Callable[..., None], folder: Path) -> Path:
    """Write the forged archive; its manifest fits its files, and its coverage fits them if the change keeps it so."""

    def forge(files: dict[str, bytes]) -> None:
        change(files, folder) if change is another_key else change(files)
        described = json.loads(files[zips.MANIFEST])
        described["files"] = {
            name: {"sha256": hashlib.sha256(body).hexdigest()}
            for name, body in files.items()
            if name not in (zips.MANIFEST, attestation.FILE)
        }
        files[zips.MANIFEST] = json.dumps(described).encode()
        if change is another_key:
            change(files, folder)

    return rewritten(archive, forge)


def test_the_forgery_of_the_review_agrees_with_itself_and_still_fails(
    honest: tuple[Path, Path], tmp_path: Path
) -> None:
    """It takes the commit or the key to notice it: files, records and coverage of the archive fit each other."""
    archive, _ = honest
    forged = forgery(archive, one_tag_and_two_records, tmp_path)
    row = next(one for one in run_loader.read(forged)["criteria"] if one["id"] == "10.1")
    assert (row["state"], row["proven_on"]) == ("proven", ["moto"])
    found = bundle.verify(forged, archive.parents[1])
    assert found.consistent
    assert not found.good
    assert found.compared is not None
    assert found.compared.differing == ("features/r01.feature",)


@pytest.mark.parametrize("change", FORGERIES, ids=lambda one: one.__name__)
def test_a_forgery_fails_where_the_key_is_demanded(
    honest: tuple[Path, Path], change: Callable[..., None], tmp_path: Path
) -> None:
    archive, public = honest
    ended = verify(forgery(archive, change, tmp_path), "--key", public)
    assert ended.returncode == 1, ended.stdout
    assert "Verification failed" in ended.stdout
    assert not ended.stdout.startswith("Signed")
    assert "criteria proven" not in ended.stdout


def test_a_run_of_the_future_is_refused(honest: tuple[Path, Path]) -> None:
    """It would be the latest run of its target for ever."""

    def postpone(files: dict[str, bytes]) -> None:
        described = json.loads(files[zips.MANIFEST])
        files[zips.MANIFEST] = json.dumps(described | {"finished": "2199-01-01T00:00:00.000Z"}).encode()

    found = bundle.verify(rewritten(honest[0], postpone))
    assert "manifest.json: the run finished in the future, at 2199-01-01T00:00:00.000Z" in found.contradicting


@pytest.mark.parametrize("other", ["reports/Coverage.json", "reports/coverage\N{COMBINING ACUTE ACCENT}.json"])
def test_two_names_that_some_systems_hold_as_equal_are_refused(honest: tuple[Path, Path], other: str) -> None:
    """The evaluation would read the honest file, and other readers the forged one."""
    composed = "reports/coverag\N{LATIN SMALL LETTER E WITH ACUTE}.json"
    forged = rewritten(honest[0], lambda files: files.update({other: b"{}", composed: b"{}"}))
    with pytest.raises(zips.BadBundle, match="is in it twice"):
        bundle.verify(forged)


@pytest.mark.parametrize("change", NOTICED_BY_COMMIT, ids=lambda one: one.__name__)
def test_changed_inputs_fail_the_comparison_with_the_commit_even_without_a_key(
    honest: tuple[Path, Path], change: Callable[..., None], tmp_path: Path
) -> None:
    archive, _ = honest
    ended = verify(forgery(archive, change, tmp_path))
    assert ended.returncode == 1, ended.stdout


def test_differing_missing_and_extra_inputs_are_named(honest: tuple[Path, Path], tmp_path: Path) -> None:
    def change(files: dict[str, bytes]) -> None:
        an_extra_step_file(files)
        no_engine(files)
        files["behave.ini"] = b"[behave]\n"
        files["features/environment.py"] += b"# another hook\n"

    archive, _ = honest
    said = verify(forgery(archive, change, tmp_path)).stdout
    for line in (
        "differs  features/environment.py",
        "missing  engine/launch.py",
        "extra    behave.ini",
        "extra    features/steps/more.py",
    ):
        assert line in said, said
    assert "its inputs are not those of the commit that it names" in said


def test_a_signature_that_is_not_checked_is_said_first(honest: tuple[Path, Path]) -> None:
    ended = verify(honest[0])
    assert (ended.returncode, ended.stdout.split(":")[0]) == (0, "Signature not verified")


def test_an_edited_file_leaves_the_signature_unchecked(honest: tuple[Path, Path]) -> None:
    archive, public = honest
    edited = rewritten(archive, lambda files: files.update({"features/r01.feature": b"Feature: Other"}))
    ended = verify(edited, "--key", public)
    assert ended.returncode == 1
    assert ended.stdout.startswith("Signature not verified: not checked: files differ from the manifest")
    assert "--key" not in ended.stdout


def test_the_commit_that_the_auditor_expects_is_demanded(honest: tuple[Path, Path], tmp_path: Path) -> None:
    """A forger's commit may be in the clone as well, for instance fetched with a proposed change."""
    archive, clone = honest[0], tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", archive.parent.parent, clone], check=True)
    released = git_in(clone, "rev-parse", "HEAD")
    git_in(clone, "tag", "released")
    git_in(clone, "commit", "-q", "--allow-empty", "-m", "Later")

    def ended(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["verify", str(archive), "--checkout", str(clone), *arguments])

    assert ended("--commit", "released").exit_code == 0
    later = ended("--commit", "HEAD")
    assert later.exit_code == 1
    assert f"the manifest names {released[:12]}, expected was" in later.output
    assert "the checkout has no commit --all" in ended("--commit=--all").output
    assert "The checkout is at" in ended().output
    assert "a later commit: demand" in ended().output
    git_in(clone, "checkout", "-q", "--orphan", "other")
    git_in(clone, "commit", "-q", "-m", "Other")
    assert "a commit without it in its history: demand" in ended().output


def test_contradicting_records_are_named_before_a_changed_file(honest: tuple[Path, Path]) -> None:
    def change(files: dict[str, bytes]) -> None:
        name = next(name for name in files if name.startswith("reports/junit/"))
        files[name] = files[name].replace(b'status="passed"', b'status="failed"')

    said = verify(rewritten(honest[0], change)).stdout
    assert said.index("contradicting") < said.index("changed  reports/junit/")
    assert "JUnit says" in said


def test_only_an_archive_without_a_verified_signature_needs_its_digest(honest: tuple[Path, Path]) -> None:
    archive, public = honest
    warning = "An attacker who can change the archive can also change its manifest"
    assert warning not in verify(archive, "--key", public).stdout
    assert warning in verify(archive).stdout


@pytest.mark.parametrize(("exists", "reason"), [(False, "does not exist"), (True, "is no git clone")])
def test_a_checkout_that_is_none_is_named(honest: tuple[Path, Path], tmp_path: Path, exists: bool, reason: str) -> None:
    folder = tmp_path / "none"
    if exists:
        folder.mkdir()
    ended = CliRunner().invoke(main, ["verify", str(honest[0]), "--checkout", str(folder)])
    assert ended.exit_code == 1
    assert reason in ended.output
    assert "its inputs could not be compared" in ended.output


@pytest.mark.parametrize("known", [True, False], ids=["commit known", "commit unknown"])
def test_a_merge_compares_the_inputs_of_a_bundle_with_its_commit(
    honest: tuple[Path, Path], tmp_path: Path, known: bool
) -> None:
    """The maker of a key signs a run of another engine: the signature holds, the commit tells."""
    archive, _ = honest
    (tmp_path / "forger").mkdir()
    forged = forgery(archive, another_engine, tmp_path)
    resigned = rewritten(forged, lambda files: another_key(files, tmp_path / "forger"))
    key = tmp_path / "forger" / "forger.pub"
    suite = small_suite(tmp_path / "clone")
    if known:
        shutil.rmtree(suite.root)
        subprocess.run(["git", "clone", "-q", archive.parent.parent, suite.root], check=True)
    (suite.root / "node_modules").symlink_to(PROJECT / "node_modules")
    runs.write_report(suite.places, suite.catalogue, suite.run())
    ended = command(suite, "matrix", "--merge", resigned, "--key", key)
    if known:
        assert ended.returncode == 2, ended.stdout
        assert "not merged: its inputs are not those of commit" in ended.stderr
        assert "engine/launch.py" in ended.stderr
    else:
        assert ended.returncode == 2, ended.stdout
        assert "not merged: its inputs cannot be compared with its commit" in ended.stderr


@pytest.mark.parametrize("body", [b"", b"{}", b"[]\n", b"\xff\n", b'{"payload": "a"}\n', b"null\n"])
def test_a_damaged_attestation_fails_where_the_key_is_demanded(honest: tuple[Path, Path], body: bytes) -> None:
    archive, public = honest
    ended = verify(rewritten(archive, lambda files: files.update({attestation.FILE: body})), "--key", public)
    assert ended.returncode == 1, ended.stdout
    assert "Signature not verified" in ended.stdout


def test_statements_are_those_that_in_toto_describes(honest: tuple[Path, Path]) -> None:
    archive, _ = honest
    with zipfile.ZipFile(archive) as opened:
        envelopes = [json.loads(line) for line in opened.read(attestation.FILE).splitlines()]
        names = set(opened.namelist()) - {attestation.FILE}
    import base64

    statements = [json.loads(base64.b64decode(one["payload"])) for one in envelopes]
    assert [one["predicateType"] for one in statements] == [attestation.TEST_RESULT, attestation.CRITERIA]
    assert all({item["name"] for item in one["subject"]} == names for one in statements)
    result = statements[0]["predicate"]
    assert (result["result"], result["passedTests"], result["failedTests"]) == ("PASSED", ["AC-1.1"], [])
