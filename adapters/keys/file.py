"""The ledger's signing key and commitment secret, kept as files in one folder.

`signing.key` (Ed25519, PKCS#8 PEM) and `commitment.secret` (32 bytes, base64) are private and made
once, never overwritten; `verifier` holds the public key as text (C2SP signed-note) for everybody
who checks the log. Whoever reads the signing key can rewrite a log that it signs, so the two are
better kept apart. Private bytes never enter a message or a repr.
"""

import base64
import binascii
import contextlib
import os
import secrets
import stat
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.errors import StoreUnavailable
from rules.audit.checkpoint import VerifierKey
from rules.errors import ProofError

_SIGNING: Final = "signing.key"
_SECRET: Final = "commitment.secret"  # noqa: S105 - a file's name
_VERIFIER: Final = "verifier"
# Group may read, since secrets that an orchestrator mounts belong to the pod's group.
_TOO_OPEN: Final = stat.S_IRWXO | stat.S_IWGRP | stat.S_IXGRP


class FileKeys:
    """Implements `ports.Signer` with an Ed25519 key from a folder; also holds the secret."""

    __slots__ = ("_key", "_secret", "verifier")

    def __init__(self, key: Ed25519PrivateKey, secret: bytes, name: str) -> None:
        self._key = key
        self._secret = secret
        raw = key.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw
        )
        self.verifier = VerifierKey(name, raw)

    def __repr__(self) -> str:
        return f"FileKeys({self.verifier})"

    @property
    def name(self) -> str:
        """The key's name, which is also the origin of the log's checkpoints."""
        return self.verifier.name

    @property
    def public_key(self) -> bytes:
        """The raw public key, 32 bytes."""
        return self.verifier.public_key

    @property
    def commitment_secret(self) -> bytes:
        """The 32 bytes that commitments are derived from (`rules.audit.commit`)."""
        return self._secret

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature of `message`, 64 bytes (RFC 8032)."""
        return self._key.sign(message)


def open_keys(folder: Path, name: str) -> FileKeys:
    """Return the keys in `folder`, making what is missing; `name` goes into checkpoints.

    Raises StoreUnavailable when a file cannot be read or made, is open to others, holds something
    else, or when the folder's `verifier` file states another name or key.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = _signing_key(folder / _SIGNING)
        secret = _commitment_secret(folder / _SECRET)
    except OSError as error:
        raise StoreUnavailable(
            "keys", f"the key folder `{folder}` cannot be used: {error.strerror}"
        ) from None
    try:
        keys = FileKeys(key, secret, name)
    except ProofError:
        raise StoreUnavailable("keys", "a key's name must not hold spaces or `+`") from None
    _publish(folder / _VERIFIER, str(keys.verifier))
    return keys


def _signing_key(path: Path) -> Ed25519PrivateKey:
    fresh = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    pem = _read_or_create(path, fresh)
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise StoreUnavailable("keys", f"`{path}` is not an unencrypted PEM key") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise StoreUnavailable("keys", f"`{path}` is not an Ed25519 key")
    return key


def _commitment_secret(path: Path) -> bytes:
    text = _read_or_create(path, base64.b64encode(secrets.token_bytes(32)) + b"\n")
    try:
        secret = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        secret = b""
    if len(secret) != 32:
        raise StoreUnavailable("keys", f"`{path}` is not 32 bytes in base64")
    return secret


def _read_or_create(path: Path, fresh: bytes) -> bytes:
    """The file's content; `fresh` where there was no file. Of two creators the first one wins."""
    if not path.exists():
        with contextlib.suppress(FileExistsError):
            _create(path, fresh)
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        raise StoreUnavailable("keys", f"`{path}` is not a regular file")
    if mode & _TOO_OPEN:
        raise StoreUnavailable(
            "keys", f"`{path}` is open to others (mode {stat.S_IMODE(mode):04o}); chmod it to 0600"
        )
    return path.read_bytes()


def _create(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Make a file that is either whole or not there, and never replaces another."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _publish(path: Path, verifier: str) -> None:
    """Write the public key beside the private one, or check the one that is there."""
    try:
        stated = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        # A folder that is mounted read-only need not hold it: it can be had from the key.
        with contextlib.suppress(OSError):
            _create(path, verifier.encode() + b"\n", 0o644)
        return
    except (OSError, UnicodeDecodeError):
        raise StoreUnavailable("keys", f"`{path}` cannot be read") from None
    if stated != verifier:
        raise StoreUnavailable("keys", f"`{path}` states another key or another name")
