"""Checkpoints: a tree head as a signed note, so that anybody's tools can read and verify it.

The text is that of C2SP tlog-checkpoint (origin, size, root), signed as C2SP signed-note with an
Ed25519 key; `https://c2sp.org/tlog-checkpoint` and `https://c2sp.org/signed-note`. An extension
line `since N` signs the size of the checkpoint before it, so that none can be taken out unseen.
A note may carry further signatures, of witnesses; they are not judged here, and have no place in
the log's own files.
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from rules.audit import base64_strict
from rules.audit.jws import Sign, verify_ed25519
from rules.errors import ProofError

_ED25519: Final = b"\x01"
_NAME: Final = re.compile(r"[^\s+]{1,128}")
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_SINCE: Final = re.compile(r"since (0|[1-9][0-9]{0,18})", re.ASCII)
_SIGNATURE_MARK: Final = "\N{EM DASH} "


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with the name it signs under; the origin of its checkpoints is that name."""

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        """Raises ProofError for a name or a key that no note could carry."""
        if not _NAME.fullmatch(self.name) or len(self.public_key) != 32:
            raise ProofError("the verifier key has an unusable name or is not an Ed25519 key")

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Read `name+hash+base64` (signed-note, "Verifier keys"); raises ProofError."""
        # The key itself is base64 and may hold a `+`; the name and the hash may not.
        parts = text.strip().split("+", 2)
        if len(parts) != 3:
            raise ProofError("the verifier key is not of the form `name+hash+key`")
        raw = base64_strict.decode(parts[2], "the verifier key")
        if raw[:1] != _ED25519:
            raise ProofError("the verifier key is not an Ed25519 key")
        key = cls(parts[0], raw[1:])
        if key.key_id.hex() != parts[1]:
            raise ProofError("the verifier key does not have the hash it states")
        return key

    @property
    def key_id(self) -> bytes:
        """The 4 bytes by which a signature names its key."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public_key).digest()[:4]

    def __str__(self) -> str:
        key = base64_strict.encode(_ED25519 + self.public_key)
        return f"{self.name}+{self.key_id.hex()}+{key}"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: the log's `origin`, its `size` in leaves and its `root` hash (32 bytes).

    `since` is the size of the checkpoint before it, None where the note does not state it.
    """

    origin: str
    size: int
    root: bytes
    since: int | None = None

    def text(self) -> str:
        """Return the note's text, which is what gets signed."""
        extension = "" if self.since is None else f"since {self.since}\n"
        return f"{self.origin}\n{self.size}\n{base64_strict.encode(self.root)}\n{extension}"


def sign_checkpoint(
    size: int, root: bytes, key: VerifierKey, sign: Sign, *, since: int | None = None
) -> str:
    """Return the signed note of a tree head; `sign` must hold the private half of `key`."""
    text = Checkpoint(key.name, size, root, since).text()
    signature = base64_strict.encode(key.key_id + sign(text.encode()))
    return f"{text}\n{_SIGNATURE_MARK}{key.name} {signature}\n"


def open_checkpoint(note: str, key: VerifierKey) -> Checkpoint:
    """Return the tree head of a note that `key` signed; raises ProofError naming what fails."""
    text, gap, signatures = note.rpartition("\n\n")
    if not gap or not signatures.endswith("\n"):
        raise ProofError("the checkpoint is not a signed note")
    text += "\n"
    if not _signed_by(key, text, signatures[:-1].split("\n")):
        raise ProofError("the checkpoint is not signed by the log's key")
    checkpoint = _parse(text)
    if checkpoint.origin != key.name:
        raise ProofError("the checkpoint is of another log")
    return checkpoint


def open_own_checkpoint(note: str, key: VerifierKey) -> Checkpoint:
    """Return the tree head of a note as the log itself writes it, to the byte.

    Its text is origin, size, root and `since`, and its one signature that of `key`: whatever could
    be added to a note without the key is refused. Raises ProofError naming what fails.
    """
    checkpoint = open_checkpoint(note, key)
    text, _, signatures = note.rpartition("\n\n")
    if checkpoint.since is None or f"{text}\n" != checkpoint.text():
        raise ProofError("the checkpoint's text is not as this log writes it")
    if signatures.count("\n") != 1:
        raise ProofError("the checkpoint carries signatures that this log does not write")
    return checkpoint


def _signed_by(key: VerifierKey, text: str, lines: list[str]) -> bool:
    """Whether one line is the key's signature; a wrong signature under its id raises ProofError."""
    found = False
    for line in lines:
        name, space, encoded = line.removeprefix(_SIGNATURE_MARK).partition(" ")
        if not line.startswith(_SIGNATURE_MARK) or not space:
            raise ProofError("the checkpoint has a line that is not a signature")
        signature = base64_strict.decode(encoded, "a signature of the checkpoint")
        if name == key.name and signature[:4] == key.key_id:
            if not verify_ed25519(key.public_key, signature[4:], text.encode()):
                raise ProofError("the checkpoint's signature does not verify")
            found = True
    return found


def _parse(text: str) -> Checkpoint:
    lines = text.split("\n")
    if len(lines) < 4 or not lines[0] or not _SIZE.fullmatch(lines[1]):
        raise ProofError("the checkpoint does not state origin, size and root")
    root = base64_strict.decode(lines[2], "the checkpoint's root")
    if len(root) != 32:
        raise ProofError("the checkpoint's root is not a SHA-256 hash")
    since = _SINCE.fullmatch(lines[3])
    return Checkpoint(lines[0], int(lines[1]), root, int(since[1]) if since else None)
