"""Keys that sign and verify: the kinds that serve, and one line with the cure for each other kind."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from traceability.bundle import keys
from traceability.bundle.attestation import Maker
from traceability.bundle.keys import BadKey


def key_pair(folder: Path, name: str = "maker", password: bytes = b"") -> Path:
    """Write an OpenSSH key pair as ssh-keygen does; return the private key's path."""
    private = Ed25519PrivateKey.generate()
    lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    path = folder / name
    path.write_bytes(private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, lock))
    public = private.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    path.with_suffix(".pub").write_bytes(public + b" operator@example.com\n")
    return path


def test_an_encrypted_key_asks_for_its_passphrase(tmp_path: Path) -> None:
    key, asked = key_pair(tmp_path, password=b"secret"), []

    def password() -> str:
        asked.append(1)
        return "secret"

    assert Maker(key, password).fingerprint.startswith("SHA256:")
    assert asked == [1]
    with pytest.raises(BadKey, match="the passphrase does not open this key"):
        Maker(key, lambda: "wrong")


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="the machine has no OpenSSH")
def test_a_key_of_ssh_keygen_signs_and_has_the_fingerprint_that_it_prints(tmp_path: Path) -> None:
    path = tmp_path / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    said = subprocess.run(["ssh-keygen", "-l", "-f", path], check=True, capture_output=True, text=True).stdout
    assert Maker(path, lambda: "").fingerprint == said.split()[1]


PEM, OPENSSH = serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH
PRIVATE_KINDS = {
    "RSA": rsa.generate_private_key(65537, 2048).private_bytes(PEM, OPENSSH, serialization.NoEncryption()),
    "EC": ec.generate_private_key(ec.SECP256R1()).private_bytes(PEM, OPENSSH, serialization.NoEncryption()),
    "X25519": x25519.X25519PrivateKey.generate().private_bytes(
        PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ),
}


@pytest.mark.parametrize("kind", PRIVATE_KINDS)
def test_another_kind_of_key_is_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "other"
    path.write_bytes(PRIVATE_KINDS[kind])
    with pytest.raises(BadKey, match=rf"a key of the kind {kind}; .* make one with: ssh-keygen -t ed25519"):
        keys.private_key(path, lambda: "")


def test_another_kind_of_public_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rsa.pub"
    private = serialization.load_ssh_private_key(PRIVATE_KINDS["RSA"], None)
    public = private.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    path.write_bytes(public)
    with pytest.raises(BadKey, match=r"a key of the kind RSA; .* ask the maker"):
        keys.public_key(path)


WRONG_FILES = {
    "none": (None, "no such file"),
    "text": (b"no key", "not a private key of OpenSSH"),
    "empty": (b"", "not a private key of OpenSSH"),
    "maker.pub": (b"ssh-ed25519 AAAA maker", "a public key, which cannot sign; name its private half: "),
    "damaged": (
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
        "a private key that is damaged or not supported",
    ),
}


@pytest.mark.parametrize("name", WRONG_FILES)
def test_a_file_that_cannot_sign_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    body, words = WRONG_FILES[name]
    if body is not None:
        (tmp_path / name).write_bytes(body)
    with pytest.raises(BadKey, match=words) as refused:
        keys.private_key(tmp_path / name, lambda: "")
    assert "\n" not in str(refused.value)
    assert "cryptography" not in str(refused.value)


def test_a_folder_is_no_key(tmp_path: Path) -> None:
    with pytest.raises(BadKey, match="a folder; name the file of a key in it"):
        keys.private_key(tmp_path, lambda: "")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("maker", "a private key; verify with the maker's public key"),
        ("none", "no such file"),
        ("text", "not a readable public key"),
        ("ssh2.pub", "convert it: ssh-keygen -i -f"),
    ],
)
def test_a_key_that_cannot_verify_is_refused_in_one_line(tmp_path: Path, name: str, words: str) -> None:
    key_pair(tmp_path)
    (tmp_path / "text").write_text("no key")
    (tmp_path / "ssh2.pub").write_text("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----\n")
    with pytest.raises(BadKey, match=words) as refused:
        keys.public_key(tmp_path / name)
    assert "\n" not in str(refused.value)
