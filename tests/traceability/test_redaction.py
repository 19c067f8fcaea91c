"""Planted credentials reach no file of a run: not Allure, not JUnit, not the log, not the coverage."""

from __future__ import annotations

import pytest

from tests.traceability.conftest import STEPS, Suite
from traceability import redaction

KEY_ID = "ASIA" + "Q3EGRZLT4KXWMNBV"
SECRET = "wJalrXUtnFEMIzK7MDENGbPxRfiCYplanted0key"
TOKEN = "FwoGZXIvYXdzEBYaDplantedSessionTokenValue1234567890=="

PLANTS = f"""
import json
from traceability import evidence

@step("credentials are everywhere")
def everywhere(context):
    credentials = {{"AccessKeyId": "{KEY_ID}", "SecretAccessKey": "{SECRET}", "SessionToken": "{TOKEN}"}}
    evidence.attach_record({{"ExecutionId": "e-1", "Credentials": credentials}})
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
