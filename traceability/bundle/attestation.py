"""The signature of a bundle: in-toto Statements in DSSE envelopes, made with the maker's key and verified offline.

The archive holds the envelopes beside the manifest, one a line. Both Statements name each other file of the archive
by its SHA-256. The first has in-toto's predicate test-result v0.1, for programs that know it: criteria as tests. The
second has the state of each criterion. securesystemslib, the library of in-toto and TUF, makes the envelopes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from traceability.bundle import keys
from traceability.evaluation.coverage import rows_of, sections
from traceability.model.catalogue import tag_of
from traceability.model.states import PROVEN
from traceability.model.verdict import SUITE_DEFECT, VIOLATED

# securesystemslib imports boto3, 0.3 s: only a command that signs or verifies pays for it.
if TYPE_CHECKING:
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import SSlibKey

FILE = "attestations.intoto.jsonl"
"""The name that in-toto's Bundle format asks for: one envelope a line."""
MAX_BYTES = 50_000_000
_PAYLOAD = "application/vnd.in-toto+json"
_STATEMENT = "https://in-toto.io/Statement/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
CRITERIA = "urn:drs-execution-engine:acceptance-criteria:v1"
_FACTS = ("document", "target", "commit", "started", "finished")


@dataclass(frozen=True)
class Signature:
    """What an archive's signature is worth. `problem` is "" for a signature that the demanded key verifies."""

    signed: bool
    keys: tuple[str, ...]
    problem: str

    @property
    def verified(self) -> bool:
        """True if the demanded key was found to have signed: only then is a fingerprint known."""
        return self.signed and not self.problem and bool(self.keys) and self.keys[0].startswith("SHA256:")


UNSIGNED = Signature(signed=False, keys=(), problem="")


class Maker:
    """The owner of a private key file, who signs bundles. Asks `password` if the key is encrypted. Raises BadKey."""

    def __init__(self, key: Path, password: Callable[[], str]) -> None:
        from securesystemslib.signer import CryptoSigner

        private = keys.private_key(key, password)
        self._signer = CryptoSigner(private)
        self.fingerprint = keys.fingerprint(private.public_key())

    def sign(self, sums: Mapping[str, str], coverage: Mapping[str, Any]) -> bytes:
        """Return the body of the attestation file. `sums` has the SHA-256 of each other file of the archive."""
        envelopes = [_envelope(kind, one, sums) for kind, one in _predicates(coverage, sums).items()]
        for one in envelopes:
            one.sign(self._signer)
        return "".join(f"{json.dumps(one.to_dict())}\n" for one in envelopes).encode()


def _envelope(kind: str, predicate: Mapping[str, Any], sums: Mapping[str, str]) -> Envelope:
    from securesystemslib.dsse import Envelope

    statement = {
        "_type": _STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": one}} for name, one in sorted(sums.items())],
        "predicateType": kind,
        "predicate": predicate,
    }
    return Envelope(json.dumps(statement, ensure_ascii=False).encode(), _PAYLOAD, {})


def check(body: bytes | None, key: Path | None, sums: Mapping[str, str], coverage: Mapping[str, Any]) -> Signature:
    """Judge the attestation file of an archive, None if it has none. Raises BadKey.

    Without a key only the presence of a signature is known. `sums` has the SHA-256 of each other file as found.
    """
    public = keys.public_key(key) if key else None
    if body is None:
        return Signature(signed=False, keys=(), problem="a signature was demanded" if public else "")
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import SSlibKey

    try:
        envelopes = [Envelope.from_dict(json.loads(line)) for line in body.decode().splitlines()]
        named = tuple(dict.fromkeys(keyid for one in envelopes for keyid in one.signatures))
        problem = _problem(envelopes, SSlibKey.from_crypto(public), sums, coverage) if public else ""
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem_found:
        return Signature(signed=True, keys=(), problem=f"not readable ({type(problem_found).__name__})")
    return Signature(signed=True, keys=(keys.fingerprint(public),) if public else named, problem=problem)


def _problem(envelopes: list[Envelope], key: SSlibKey, sums: Mapping[str, str], coverage: Mapping[str, Any]) -> str:
    """Return why the envelopes do not vouch for the archive, "" if they do."""
    from securesystemslib.exceptions import VerificationError

    statements = {}
    for one in envelopes:
        try:
            one.verify([key], 1)
        except VerificationError:
            return "not made with this key, or changed afterwards"
        statement = json.loads(one.payload)
        if one.payload_type != _PAYLOAD or statement["_type"] != _STATEMENT:
            return "signs no in-toto Statement"
        if {item["name"]: item["digest"]["sha256"] for item in statement["subject"]} != dict(sums):
            return "names other files than the archive has"
        statements[statement["predicateType"]] = statement["predicate"]
    if statements != _predicates(coverage, sums):
        return "states other results than the archive has"
    return ""


def _predicates(coverage: Mapping[str, Any], sums: Mapping[str, str]) -> dict[str, Any]:
    """Return the predicate of each Statement by its type."""
    rows = rows_of(coverage)
    passed, failed = (
        [tag_of(row["id"]) for row in rows if row["state"] in wanted]
        for wanted in ((PROVEN,), (VIOLATED, SUITE_DEFECT))
    )
    inputs = sorted(name for name in sums if name.startswith("features/") and name.endswith(".feature"))
    test_result = {
        "result": "FAILED" if failed or coverage.get("losses") else "PASSED",
        "configuration": [{"name": name, "digest": {"sha256": sums[name]}} for name in inputs],
        "passedTests": passed,
        "failedTests": failed,
    }
    criteria = {
        **{one: coverage[one] for one in _FACTS},
        "losses": coverage.get("losses", []),
        "documents": [
            {
                "document": section["document"],
                "totals": section["totals"],
                "criteria": [
                    {"criterion": tag_of(row["id"]), **{one: row[one] for one in ("revision", "state", "can_fail")}}
                    for row in section["criteria"]
                ],
            }
            for _, section in sections(coverage)
        ],
    }
    return {TEST_RESULT: test_result, CRITERIA: criteria}
