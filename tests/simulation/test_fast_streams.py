"""Chance by counter."""

import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oligami.simulation.fast import streams
from oligami.simulation.fast.streams import Purpose, philox, uniforms

word = st.integers(0, 2**32 - 1)


def words(*counter: int) -> tuple[np.ndarray, ...]:
    return tuple(np.array([part], dtype=np.uint64) for part in counter)


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
    ids=["zeros", "ones", "digits of pi"],
)
def test_known_answers(counter, key, expected):
    """The authors' test vectors come out (Random123, known answers of philox4x32-10)."""
    assert tuple(int(made[0]) for made in philox(words(*counter), key[0] | key[1] << 32)) == expected


@given(
    rows=st.lists(word, min_size=1, max_size=4), columns=st.lists(word, min_size=1, max_size=4), seed=st.integers(0, 2**64 - 1)
)
def test_a_table_holds_what_each_address_gives(rows, columns, seed):
    """Rows and columns that broadcast give the words of each address alone."""
    row, column = np.array(rows, dtype=np.uint64)[:, np.newaxis], np.array(columns, dtype=np.uint64)
    (two,) = words(2)
    table = philox((column, two, row, two), seed)
    for i, r in enumerate(rows):
        for j, c in enumerate(columns):
            assert [int(made[i, j]) for made in table] == [int(made[0]) for made in philox(words(c, 2, r, 2), seed)]


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_seed_has_64_bits(seed):
    """A seed that does not fit is refused."""
    with pytest.raises(ValueError, match=r"seed is .*below 2\^64"):
        uniforms(seed, Purpose.COURSE, np.array([0]), 1)


@given(first=st.sampled_from([0, 7, 2**32 - 2, 2**40]), subjects=st.integers(1, 5), seed=st.integers(0, 2**64 - 1))
def test_a_replicate_alone_has_its_own_draws(first, subjects, seed):
    """Neither other replicates, nor more subjects, nor other words change a draw, also where the low word turns over."""
    together = uniforms(seed, Purpose.ROAD, np.arange(first, first + 4), subjects + 3)
    for k in range(4):
        alone = uniforms(seed, Purpose.ROAD, np.array([first + k]), subjects, words=(3, 1))
        assert (alone[0][0] == together[3][k, :subjects]).all()
        assert (alone[1][0] == together[1][k, :subjects]).all()


def test_words_become_uniforms_exactly():
    """A uniform is (w + 1/2) / 2^32 of its word, so it lies inside (0, 1)."""
    made = philox((*words(0, Purpose.COURSE, 11), np.zeros(1, dtype=np.uint64)), 5)
    drawn = uniforms(5, Purpose.COURSE, np.array([11]), 1)
    assert [float(u[0, 0]) for u in drawn] == [(int(w[0]) + 0.5) / 2**32 for w in made]


def test_draws_look_uniform_and_unrelated():
    """Words, purposes and neighbouring replicates share out evenly and do not go together."""
    course = uniforms(1, Purpose.COURSE, np.arange(200), 200)
    road = uniforms(1, Purpose.ROAD, np.arange(200), 200)
    samples = [u.ravel() for u in (*course, *road)] + [uniforms(2, Purpose.COURSE, np.arange(200), 200)[0].ravel()]
    samples.append(np.roll(course[0], 1, axis=0).ravel())
    for u in samples:
        shares = np.histogram(u, bins=20, range=(0, 1))[0]
        # Chi-square of 19 degrees of freedom: mean 19, standard deviation 6.2; 60 lies beyond 6 of them.
        assert ((shares - 2000) ** 2 / 2000).sum() < 60
    correlations = np.corrcoef(samples) - np.eye(len(samples))
    assert np.abs(correlations).max() < 5 / 200  # 5 standard errors of a correlation of 40 000 pairs


def test_examples_run():
    """The examples in the module say what it does."""
    assert doctest.testmod(streams).failed == 0
