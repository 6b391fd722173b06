"""Checkpoints as signed notes: the published example, and everything that must be refused."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rules.audit.base64_strict import encode
from rules.audit.checkpoint import (
    Checkpoint,
    VerifierKey,
    open_checkpoint,
    open_own_checkpoint,
    sign_checkpoint,
)
from rules.errors import ProofError

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
LOG = VerifierKey("log.test/a", KEY.public_key().public_bytes_raw())
ROOT = b"r" * 32
NOTE = sign_checkpoint(42, ROOT, LOG, KEY.sign)
OWN = sign_checkpoint(42, ROOT, LOG, KEY.sign, since=40)
STATED = "log.test/a\n42\n" + encode(ROOT) + "\n"

# The example of Go's golang.org/x/mod/sumdb/note.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SAID = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
SIGNED = (
    SAID + "\n\N{EM DASH} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2p"
    "ZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def signed(text: str) -> str:
    return f"{text}\n\N{EM DASH} {LOG.name} {encode(LOG.key_id + KEY.sign(text.encode()))}\n"


def test_the_note_is_readable_as_the_specification_has_it() -> None:
    lines = NOTE.split("\n")
    assert lines[:4] == ["log.test/a", "42", encode(ROOT), ""]
    assert lines[4].startswith("\N{EM DASH} log.test/a ")
    assert lines[5:] == [""]


def test_a_note_opens_to_what_was_signed() -> None:
    assert open_checkpoint(NOTE, LOG) == Checkpoint("log.test/a", 42, ROOT)


def test_the_published_key_reads_and_writes() -> None:
    assert str(VerifierKey.parse(PETER)) == PETER


def test_the_published_signature_verifies_though_the_text_is_no_checkpoint() -> None:
    with pytest.raises(ProofError, match="does not state origin, size and root"):
        open_checkpoint(SIGNED, VerifierKey.parse(PETER))


def test_a_witness_may_add_its_signature() -> None:
    witness = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
    line = encode(b"abcd" + witness.sign(b"x"))
    note = NOTE + f"\N{EM DASH} witness.test {line}\n"
    assert open_checkpoint(note, LOG).size == 42


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a+b", "of the form"),
        ("a+00000000+AQ==", "unusable name"),
        ("a+00000000+" + encode(b"\x02" + b"k" * 32), "not an Ed25519 key"),
        ("a+00000000+" + encode(b"\x01" + b"k" * 32), "hash it states"),
        ("a b+00000000+" + encode(b"\x01" + b"k" * 32), "unusable name"),
        ("a+00000000+*", "not base64"),
    ],
)
def test_a_wrong_verifier_key_says_why(text: str, why: str) -> None:
    with pytest.raises(ProofError, match=why):
        VerifierKey.parse(text)


@pytest.mark.parametrize(
    ("note", "why"),
    [
        ("", "not a signed note"),
        (NOTE[:-1], "not a signed note"),
        (NOTE.replace("\N{EM DASH}", "-"), "not a signature"),
        (NOTE.replace("\n42\n", "\n43\n"), "does not verify"),
        (NOTE + "\N{EM DASH} nobody\n", "not a signature"),
        (Checkpoint("log.test/a", 42, ROOT).text() + "\n\N{EM DASH} b AAAA\n", "not signed by"),
        (signed("log.test/a\n042\n" + encode(ROOT) + "\n"), "does not state"),
        (signed("\n42\n" + encode(ROOT) + "\n"), "does not state"),
        (signed("log.test/a\n42\n"), "does not state"),
        (signed("log.test/a\n42\nAAAA\n"), "not a SHA-256 hash"),
        (signed("log.test/b\n42\n" + encode(ROOT) + "\n"), "of another log"),
    ],
)
def test_a_wrong_note_says_why(note: str, why: str) -> None:
    with pytest.raises(ProofError, match=why):
        open_checkpoint(note, LOG)


def test_extension_lines_are_signed_and_ignored() -> None:
    note = signed("log.test/a\n42\n" + encode(ROOT) + "\nmore\n")
    assert open_checkpoint(note, LOG).size == 42


def test_a_note_of_the_log_signs_the_size_before_it() -> None:
    assert OWN.startswith(STATED + "since 40\n\n\N{EM DASH} ")
    assert open_own_checkpoint(OWN, LOG) == Checkpoint("log.test/a", 42, ROOT, 40)
    assert open_checkpoint(OWN, LOG) == open_own_checkpoint(OWN, LOG)


@pytest.mark.parametrize(
    ("note", "why"),
    [
        (NOTE, "text is not as this log writes it"),
        (signed(STATED + "since 040\n"), "text is not as this log writes it"),
        (signed(STATED + "since 40\nmore\n"), "text is not as this log writes it"),
        (signed(STATED + "more\nsince 40\n"), "text is not as this log writes it"),
        (OWN + "\N{EM DASH} evil AAAAAAAA\n", "signatures that this log does not write"),
        (OWN + OWN.splitlines()[-1] + "\n", "signatures that this log does not write"),
        (OWN.replace("since 40", "since 39"), "does not verify"),
    ],
)
def test_a_note_that_the_log_does_not_write_says_why(note: str, why: str) -> None:
    with pytest.raises(ProofError, match=why):
        open_own_checkpoint(note, LOG)


@pytest.mark.parametrize("note", [NOTE, OWN])
def test_every_changed_byte_is_noticed(note: str) -> None:
    raw = note.encode()
    for at in range(len(raw)):
        changed = bytearray(raw)
        changed[at] ^= 1
        with pytest.raises(ProofError):
            open_checkpoint(changed.decode("utf-8", "replace"), LOG)
