"""The only module that removes credentials and account ids from the output of the suite.

Invariant: all content of a results file has passed `text` or `document`. `fields` alone is for content that passes
`text` later, when it is written.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

MASK = "***"

# Field names whose value is a secret in any AWS answer, request, header or environment.
_SECRET_FIELD = re.compile(
    r"^(aws_?)?(secret_?(access_?)?key|session_?token|security_?token|access_?key(_?id)?)$"
    r"|^(authorization|x-amz-security-token|password|passphrase|private_?key|key_?material|secret_?string|secret)$",
    re.IGNORECASE,
)
# Keys that are recognised wherever they stand: access key ids, signatures, private keys, and `name = value` in prose.
_SECRET_TEXT = (
    re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b"),
    re.compile(r"(?<=Signature=)[0-9a-f]{16,}"),
    re.compile(r"(?<=X-Amz-Signature=)[0-9a-f]{16,}"),
    re.compile(r"(?<=X-Amz-Security-Token=)[^&\s\"']+", re.IGNORECASE),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL),
    re.compile(
        r"(?<![A-Za-z])((?:aws_?)?(?:secret_?access_?key|session_?token|security_?token)\\*[\"']?\s*[:=]\s*\\*[\"']?)"
        r"([^\s\"'\\,;&<>]{4,})",
        re.IGNORECASE,
    ),
)
# Twelve digits that stand alone or in an ARN; not the last group of a UUID, not a fraction.
_ACCOUNT = re.compile(r"(?<![0-9A-Za-z.])(?<![0-9a-f]{4}-)\d{12}(?![0-9A-Za-z])")
# The accounts of AWS's own documentation (and moto's) belong to nobody: simulated evidence stays readable.
_NOBODYS = re.compile(r"123456789012|(?:(\d)\1{3}){3}")
_SECRET_VARIABLES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID")


def text(value: str) -> str:
    """Return `value` with every credential replaced by `***`, and account ids but for their last four digits.

    Half a surrogate pair, which no file can hold, becomes its escape, such as \\udc80.
    """
    value = value.encode("utf-8", "backslashreplace").decode("utf-8")
    for name in _SECRET_VARIABLES:
        secret = os.environ.get(name, "")
        # Dummy values such as "testing" are words of their own and mask more than they protect.
        if len(secret) >= 16:
            value = value.replace(secret, MASK)
    for pattern in _SECRET_TEXT:
        value = pattern.sub((lambda found: found[1] + MASK) if pattern.groups else MASK, value)
    return _ACCOUNT.sub(lambda found: account(found[0]), value)


def account(number: str) -> str:
    """Return an account id as it may be shown: the last four digits tell accounts apart and identify none."""
    return number if _NOBODYS.fullmatch(number) else f"{'*' * 8}{number[-4:]}"


def document(value: Any) -> Any:
    """Return a copy of a JSON-like value with secret fields masked and every string passed through `text`."""
    return fields(value, text)


def fields(value: Any, strings: Callable[[str], str] = str) -> Any:
    """Return a copy of a JSON-like value with secret fields masked; its other strings pass through `strings`."""
    if isinstance(value, str):
        return strings(value)
    if isinstance(value, Mapping):
        return {key: MASK if _is_secret(key, item) else fields(item, strings) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [fields(item, strings) for item in value]
    return value


def _is_secret(name: object, value: object) -> bool:
    """A field named like a secret hides its value, unless the value is empty or a structure."""
    return isinstance(name, str) and isinstance(value, str | bytes) and bool(value) and bool(_SECRET_FIELD.match(name))
