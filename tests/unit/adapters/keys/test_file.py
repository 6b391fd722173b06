"""Keys are made once, kept private, and refused when they are not."""

import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from adapters.errors import StoreUnavailable
from adapters.keys.file import open_keys
from rules.audit.checkpoint import VerifierKey
from rules.audit.jws import verify_ed25519


def test_keys_are_made_once_and_found_again(tmp_path: Path) -> None:
    first = open_keys(tmp_path / "keys", "log.test")
    again = open_keys(tmp_path / "keys", "log.test")
    assert first.public_key == again.public_key
    assert first.commitment_secret == again.commitment_secret
    assert len(first.commitment_secret) == 32
    assert first.name == "log.test"
    assert verify_ed25519(again.public_key, first.sign(b"m"), b"m")


def test_private_files_are_closed_to_others_and_the_public_one_is_readable(tmp_path: Path) -> None:
    keys = open_keys(tmp_path / "keys", "log.test")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys").iterdir()}
    assert modes["signing.key"] == modes["commitment.secret"] == 0o600
    assert set(modes) == {"signing.key", "commitment.secret", "verifier"}
    stated = VerifierKey.parse((tmp_path / "keys" / "verifier").read_text())
    assert stated == keys.verifier


def test_the_repr_shows_the_public_key_alone(tmp_path: Path) -> None:
    keys = open_keys(tmp_path, "log.test")
    assert repr(keys) == f"FileKeys({keys.verifier})"


@pytest.mark.parametrize("name", ["signing.key", "commitment.secret"])
@pytest.mark.parametrize("mode", [0o644, 0o660, 0o604])
def test_a_file_that_others_can_use_is_refused(tmp_path: Path, name: str, mode: int) -> None:
    open_keys(tmp_path, "log.test")
    (tmp_path / name).chmod(mode)
    with pytest.raises(StoreUnavailable, match=f"{name}.*is open to others.*0600"):
        open_keys(tmp_path, "log.test")


def test_a_secret_that_an_orchestrator_mounts_for_the_group_is_taken(tmp_path: Path) -> None:
    open_keys(tmp_path, "log.test")
    (tmp_path / "signing.key").chmod(0o440)
    open_keys(tmp_path, "log.test")


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("signing.key", b"garbage", "not an unencrypted PEM key"),
        ("signing.key", b"", "not an unencrypted PEM key"),
        ("commitment.secret", b"c2hvcnQ=", "not 32 bytes"),
        ("commitment.secret", b"\xff", "not 32 bytes"),
        ("verifier", b"\xff", "cannot be read"),
        ("verifier", b"log.test+00000000+AAAA", "another key or another name"),
    ],
)
def test_a_file_that_holds_something_else_is_named(
    tmp_path: Path, name: str, content: bytes, why: str
) -> None:
    open_keys(tmp_path, "log.test")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(StoreUnavailable, match=why) as caught:
        open_keys(tmp_path, "log.test")
    assert name in str(caught.value)


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    pem = generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = tmp_path / "signing.key"
    path.touch(0o600)
    path.write_bytes(pem)
    with pytest.raises(StoreUnavailable, match="not an Ed25519 key"):
        open_keys(tmp_path, "log.test")


def test_another_name_for_the_same_keys_is_refused(tmp_path: Path) -> None:
    open_keys(tmp_path, "log.test")
    with pytest.raises(StoreUnavailable, match="another name"):
        open_keys(tmp_path, "other.test")


@pytest.mark.parametrize("name", ["two words", "plus+plus", ""])
def test_a_name_that_no_checkpoint_could_carry_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreUnavailable, match="must not hold spaces"):
        open_keys(tmp_path, name)


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "keys").touch()
    with pytest.raises(StoreUnavailable, match="cannot be used"):
        open_keys(tmp_path / "keys", "log.test")


def test_a_key_that_is_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "signing.key", 0o600)
    with pytest.raises(StoreUnavailable, match="not a regular file"):
        open_keys(tmp_path, "log.test")


def test_a_missing_public_file_is_written_again(tmp_path: Path) -> None:
    keys = open_keys(tmp_path, "log.test")
    (tmp_path / "verifier").unlink()
    open_keys(tmp_path, "log.test")
    assert (tmp_path / "verifier").read_text() == f"{keys.verifier}\n"
