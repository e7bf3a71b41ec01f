"""Committed draws: one known value, sensitivity to every input, evenness, and secrets that stay secret."""

import hashlib
import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.trial.draws import commitment, derive_secret, draw, parse_secret

SECRET = bytes(range(32))
DIGEST = "ab" * 32


def test_one_draw_written_out():
    """Draw 1, from the definition of HMAC (RFC 2104) with inner and outer padding, is the number below."""
    message = f"{DIGEST}|trial|1".encode()
    key = SECRET + bytes(32)  # a block of SHA-256 has 64 bytes
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in key) + message).digest()
    outer = hashlib.sha256(bytes(b ^ 0x5C for b in key) + inner).hexdigest()
    assert outer[:14] == "6e06e0a6fc0509"
    bits = bin(int(outer, 16))[2:].zfill(256)[:53]
    assert draw(SECRET, DIGEST, "trial", 1) == int(bits, 2) / 2**53 == 0.4297924430539021


@settings(max_examples=50, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.integers(0, 255), st.integers(1, 10**6), st.integers(1, 10**6))
def test_changing_any_input_changes_the_draw(secret, bit, k, other_k):
    """One bit of the secret, the digest, the trial or k: another number, far from the old one as a rule."""
    u = draw(secret, DIGEST, "trial", k)
    flipped = (int.from_bytes(secret, "big") ^ (1 << bit)).to_bytes(32, "big")
    assert u == draw(secret, DIGEST, "trial", k)
    assert u != draw(flipped, DIGEST, "trial", k)
    assert u != draw(secret, DIGEST[:-1] + "c", "trial", k)
    assert u != draw(secret, DIGEST, "trial2", k)
    assert (u == draw(secret, DIGEST, "trial", other_k)) == (k == other_k)


def test_draws_are_even():
    """100 000 draws: on [0, 1) to 53 bits; mean, 100 cells, last bits and serial correlation as chance has them."""
    n = 100_000
    draws = [draw(SECRET, DIGEST, "trial", k) for k in range(1, n + 1)]
    assert 0 <= min(draws) < 10 * 1e-4 < 1 - 10 * 1e-4 < max(draws) < 1
    assert all(math.ldexp(u, 53).is_integer() for u in draws)
    # Fixed secret, so the test cannot flicker; 4 standard errors would be passed by 99.99 % of secrets.
    mean = sum(draws) / n
    assert abs(mean - 0.5) < 4 * math.sqrt(1 / 12 / n)
    cells = [0] * 100
    for u in draws:
        cells[int(100 * u)] += 1
    chi_square = sum((count - n / 100) ** 2 for count in cells) / (n / 100)
    assert abs(chi_square - 99) < 4 * math.sqrt(2 * 99)  # too even is as suspect as uneven
    products = sum((a - 0.5) * (b - 0.5) for a, b in pairwise(draws))
    assert abs(products / (n - 1) * 12) < 4 / math.sqrt(n)
    last_bits = sum(int(math.ldexp(u, 53)) & 1 for u in draws)
    assert abs(last_bits - n / 2) < 4 * math.sqrt(n) / 2
    assert len(set(draws)) == n


def test_commitment_is_the_digest_of_the_bytes():
    """SHA-256 of the 32 bytes, not of their hex text; another secret has another commitment."""
    assert commitment(SECRET) == hashlib.sha256(SECRET).hexdigest()
    assert commitment(SECRET) == "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd"
    assert commitment(SECRET) != commitment(SECRET[::-1])


def test_a_secret_file_is_read():
    """64 hex digits of either case, with the line end an editor leaves."""
    assert parse_secret(SECRET.hex()) == SECRET
    assert parse_secret(f"  {SECRET.hex().upper()}\n") == SECRET


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "found 0 characters, 0 of them"),
        ("c0ffee", "found 6 characters, 0 of them"),
        ("c0ffee" * 10 + "zzzz", "found 64 characters, 4 of them"),
        ("c0 ffee" + "0" * 57, "found 64 characters, 1 of them"),
        ("c0ffee" * 10 + "١٢٣٤", "found 64 characters, 4 of them"),
    ],
)
def test_a_wrong_secret_is_refused_without_showing_it(text, found):
    """The message counts characters and shows none."""
    with pytest.raises(ValueError, match=f"{found} no hex digit; expected 64 hex digits") as caught:
        parse_secret(text)
    assert "ffee" not in str(caught.value)


def test_impossible_draws_are_refused():
    """Refused: k below 1, a secret that has not 32 bytes, a separator inside a name."""
    with pytest.raises(ValueError, match="found k = 0"):
        draw(SECRET, DIGEST, "trial", 0)
    with pytest.raises(ValueError, match="found 31 bytes; expected 32"):
        draw(SECRET[1:], DIGEST, "trial", 1)
    with pytest.raises(ValueError, match="found 33 bytes; expected 32"):
        commitment(SECRET + b"0")
    with pytest.raises(ValueError, match=r"without '\|'"):
        draw(SECRET, DIGEST, "trial|1", 1)


def test_simulated_secrets_follow_seed_and_label():
    """Same seed and label, same secret of 32 bytes; otherwise another."""
    assert derive_secret(1, "rehearsal") == derive_secret(1, "rehearsal")
    secrets = {derive_secret(seed, label) for seed in (1, 2, 11) for label in ("rehearsal", "1", "")}
    assert len(secrets) == 9
    assert {len(secret) for secret in secrets} == {32}
