"""Committed draws: numbers on [0, 1) that nobody can choose, re-roll or predict, and that anyone can redo.

A secret of 32 bytes is made once, kept outside the journal, and only its SHA-256 (the commitment) is published. Draw k
of a trial is then fixed for ever. When the secret is opened at the end, `commitment` shows that it is the one that was
promised and `draw` gives every number again. What is done with a draw is `trial.allocation`'s business.
"""

import hashlib
import hmac
import string

SECRET_BYTES = 32
_HEX_DIGITS = 2 * SECRET_BYTES
_DRAW_BITS = 53  # what a double holds exactly, so that every draw is printed and read back without loss


def parse_secret(text: str) -> bytes:
    """Read a secret from the text of its file: 64 hex digits, white space around them allowed.

    Raises:
        ValueError: the text is anything else. The message counts characters and never shows one of them.
    """
    digits = text.strip()
    foreign = sum(character not in string.hexdigits for character in digits)
    if len(digits) != _HEX_DIGITS or foreign:
        raise ValueError(
            f"secret: found {len(digits)} characters, {foreign} of them no hex digit; expected {_HEX_DIGITS} hex digits"
        )
    return bytes.fromhex(digits)


def commitment(secret: bytes) -> str:
    """Return what is published of a secret before the first draw: the SHA-256 of its 32 bytes, in hex.

    Raises:
        ValueError: the secret is not 32 bytes long.
    """
    return hashlib.sha256(_checked(secret)).hexdigest()


def draw(secret: bytes, protocol_digest: str, trial: str, k: int) -> float:
    """Return draw k of a trial, uniform on [0, 1).

    HMAC-SHA256 with the secret as key over the UTF-8 text `protocol_digest|trial|k`; its first 53 bits over 2^53.

    Args:
        secret: the 32 bytes whose commitment was published.
        protocol_digest: digest of the protocol at its activation.
        trial: the trial's identifier.
        k: number of the allocation, from 1; every allocation ever made counts, also those later marked in error.

    Raises:
        ValueError: the secret is not 32 bytes long, k is below 1, or a name holds the separator `|`, so that two
            different questions could have the same text.
    """
    if k < 1:
        raise ValueError(f"draw: found k = {k}; expected 1 or more")
    for what, name in (("protocol digest", protocol_digest), ("trial", trial)):
        if "|" in name:
            raise ValueError(f"draw: found {what} {name!r}; expected a text without '|'")
    message = f"{protocol_digest}|{trial}|{k}".encode()
    mac = hmac.digest(_checked(secret), message, "sha256")
    return (int.from_bytes(mac[:8], "big") >> (64 - _DRAW_BITS)) / (1 << _DRAW_BITS)


def derive_secret(seed: int, label: str) -> bytes:
    """Return the secret of a simulated trial, a function of its seed and a label and of nothing else.

    Never for a real trial: whoever knows the seed knows every arm.
    """
    return hashlib.sha256(f"simulated secret|{seed}|{label}".encode()).digest()


def _checked(secret: bytes) -> bytes:
    if len(secret) != SECRET_BYTES:
        raise ValueError(f"secret: found {len(secret)} bytes; expected {SECRET_BYTES}")
    return secret
