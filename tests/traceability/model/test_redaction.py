"""Planted credentials reach no file of a run: not Allure, not JUnit, not the log, not the coverage."""

from __future__ import annotations

from io import BytesIO
from zipfile import ZipFile

import pytest

from tests.traceability.conftest import STEPS, Suite
from traceability.bundle import manifest
from traceability.model import redaction

KEY_ID = "ASIA" + "Q3EGRZLT4KXWMNBV"
SECRET = "wJalrXUtnFEMIzK7MDENGbPxRfiCYplanted0key"
TOKEN = "FwoGZXIvYXdzEBYaDplantedSessionTokenValue1234567890=="

PLANTS = f"""
import json
from traceability.model import run_notes
from traceability.recording import evidence

@step("credentials are everywhere")
def everywhere(context):
    credentials = {{"AccessKeyId": "{KEY_ID}", "SecretAccessKey": "{SECRET}", "SessionToken": "{TOKEN}"}}
    evidence.attach_record({{"ExecutionId": "e-1", "Credentials": credentials}})
    run_notes.record_answers([{{"service": "drs", "answer": credentials, "text": json.dumps(credentials)}}])
    evidence.attach_text("headers", "X-Amz-Security-Token={TOKEN}&aws_secret_access_key = {SECRET}")
    evidence.attach_text("json in text", json.dumps(credentials))
    print("AWS_SESSION_TOKEN={TOKEN}", "{KEY_ID}")
    assert False, "got " + json.dumps(credentials)
"""


def test_planted_credentials_reach_no_file(suite: Suite) -> None:
    judged = suite.steps(STEPS + PLANTS).scenario("Then credentials are everywhere").run()
    assert suite.state(judged) == "violated"
    written = [path for path in suite.places.reports.rglob("*") if path.is_file()]
    assert len(written) >= 6
    assert any(path.match("answers-*.jsonl") for path in written)
    for path in written:
        content = path.read_bytes()
        for planted in (KEY_ID, SECRET, TOKEN):
            assert planted.encode() not in content, path


def test_the_rest_of_a_document_stays() -> None:
    record = {"ExecutionId": "e-1", "Waves": [{"WaveNumber": 1, "Tokens": ["pit-0123456789abcdefa"]}], "Token": None}
    assert redaction.document(record) == record


MASKED = {
    f"aws_access_key_id={KEY_ID}": "aws_access_key_id=***",
    f"secretAccessKey: '{SECRET}'": "secretAccessKey: '***'",
    f'{{"SessionToken": "{TOKEN}"}}': '{"SessionToken": "***"}',
    "AWS4-HMAC-SHA256 Credential=x, Signature=0123456789abcdef0123": "AWS4-HMAC-SHA256 Credential=x, Signature=***",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----": "***",
}


@pytest.mark.parametrize("text", MASKED)
def test_credentials_in_text_are_masked(text: str) -> None:
    assert redaction.text(text) == MASKED[text]


def test_the_credentials_of_the_environment_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    assert redaction.text(f"signed with {SECRET}.") == "signed with ***."


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("arn:aws:iam::210987654321:role/drs", "arn:aws:iam::********4321:role/drs"),
        ('{"Account": "210987654321"}', '{"Account": "********4321"}'),
        ("bucket-210987654321-us-east-1", "bucket-********4321-us-east-1"),
        ("210987654321.dkr.ecr.us-east-1.amazonaws.com", "********4321.dkr.ecr.us-east-1.amazonaws.com"),
    ],
)
def test_an_account_keeps_its_last_four_digits(text: str, masked: str) -> None:
    assert redaction.text(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:iam::111122223333:role/drs",  # an example account of AWS's documentation
        "arn:aws:iam::123456789012:role/drs",
        "8f14e45f-ceea-467a-9575-210987654321",  # a UUID
        "1764000000000",  # milliseconds
        "0.210987654321",
        "s-3d75cdc0d9a28a725",
    ],
)
def test_what_is_no_account_stays(text: str) -> None:
    assert redaction.text(text) == text


def test_no_account_reaches_any_file_of_a_run(suite: Suite) -> None:
    suite.steps(
        STEPS
        + """
from traceability.model import run_notes

@step("an account is seen")
def account_is_seen(context):
    print("account 210987654321")
    evidence.attach_record({"Status": "COMPLETED", "SourceAccountId": "210987654321"})
    evidence.record_judgement("no account", "arn:aws:iam::210987654321:role/drs")
    run_notes.record_account("210987654321")
    assert False, "expected another account than 210987654321"
"""
    )
    judged = suite.scenario("Then an account is seen").run()
    manifest.write(suite.places, judged.coverage)
    written = [(path.name, path.read_bytes()) for path in suite.places.reports.rglob("*") if path.is_file()]
    kept = [ZipFile(BytesIO(content)) for name, content in written if name.endswith(".zip")]
    written += [(name, archive.read(name)) for archive in kept for name in archive.namelist()]
    assert len(written) > 16
    assert [name for name, content in written if b"210987654321" in content] == []
    assert '"account": "********4321"' in suite.places.manifest.read_text(encoding="utf-8")
