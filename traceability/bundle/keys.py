"""Reads the Ed25519 keys that sign and verify bundles, OpenSSH's and PEM; each refusal is one line with its cure."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from traceability.model.problems import UserProblem

_PRIVATE, _OPENSSH, _PEM, _SSH2 = b"PRIVATE KEY-----", b"OPENSSH PRIVATE KEY", b"-----BEGIN", b"---- BEGIN SSH2"
_PUBLIC = (b"ssh-", b"ecdsa-", b"sk-", b"-----BEGIN PUBLIC KEY", b"-----BEGIN RSA PUBLIC KEY", _SSH2)
_MAKE = "make one with: ssh-keygen -t ed25519 -f evidence"


class BadKey(UserProblem):
    """The key cannot be used; the message names its file and the remedy."""


def private_key(path: Path, password: Callable[[], str]) -> Ed25519PrivateKey:
    """Return the private key in a file; ask `password` if it is encrypted. Raises BadKey."""
    body = _read(path)
    if _PRIVATE not in body:
        if body.lstrip().startswith(_PUBLIC):
            half = path.with_suffix("") if path.suffix == ".pub" else "the file without .pub"
            raise BadKey(f"{path}: a public key, which cannot sign; name its private half: {half}")
        raise BadKey(f"{path}: not a private key of OpenSSH or PEM; {_MAKE}")
    load = serialization.load_ssh_private_key if _OPENSSH in body else serialization.load_pem_private_key
    encrypted = False
    try:
        try:
            key = load(body, None)
        except TypeError:  # An encrypted key without a password.
            encrypted = True
            key = load(body, password().encode())
    except (ValueError, TypeError, UnsupportedAlgorithm) as problem:
        if encrypted and isinstance(problem, ValueError):
            raise BadKey(f"{path}: the passphrase does not open this key; try again with the right one") from problem
        raise BadKey(f"{path}: a private key that is damaged or not supported; restore it, or {_MAKE}") from problem
    if not isinstance(key, Ed25519PrivateKey):
        raise BadKey(_other_kind(path, key, f"bundles are signed with Ed25519; {_MAKE}"))
    return key


def public_key(path: Path) -> Ed25519PublicKey:
    """Return the public key in a file. Raises BadKey."""
    body = _read(path)
    if _PRIVATE in body:
        raise BadKey(
            f"{path}: a private key; verify with the maker's public key, a file that ends in .pub, and keep private "
            "keys apart"
        )
    if body.lstrip().startswith(_SSH2):
        raise BadKey(f"{path}: a public key in SSH2's format; convert it: ssh-keygen -i -f {path} > maker.pub")
    load = serialization.load_pem_public_key if body.startswith(_PEM) else serialization.load_ssh_public_key
    try:
        key = load(body)
    except (ValueError, UnsupportedAlgorithm) as problem:
        raise BadKey(f"{path}: not a readable public key; ask the maker for the file ending in .pub") from problem
    if not isinstance(key, Ed25519PublicKey):
        raise BadKey(_other_kind(path, key, "bundles are signed with Ed25519; ask the maker for that public key"))
    return key


def fingerprint(key: Ed25519PublicKey) -> str:
    """Return the fingerprint as `ssh-keygen -l` prints it."""
    line = key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(base64.b64decode(line.split()[1]))
    return "SHA256:" + base64.b64encode(digest.finalize()).decode().rstrip("=")


def _other_kind(path: Path, key: object, cure: str) -> str:
    kind = type(key).__name__.removesuffix("PrivateKey").removesuffix("PublicKey")
    return f"{path}: a key of the kind {kind}; {cure}"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as problem:
        raise BadKey(f"{path}: no such file; name the file of a key") from problem
    except IsADirectoryError as problem:
        raise BadKey(f"{path}: a folder; name the file of a key in it") from problem
    except OSError as problem:
        raise BadKey(f"{path}: cannot be read: {problem.strerror}; change its permissions") from problem
