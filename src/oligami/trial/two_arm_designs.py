"""Classical sequential designs for two arms, in exact arithmetic: the yardsticks minimization is compared with.

Each design is the probability that the next subject goes to the first arm, given how many went to either arm before.
`imbalance_distribution` turns any such design into the exact distribution of |nA - nB|. No trial draws from here.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction

#: Probability of the first arm for the next subject, from the counts (nA, nB) so far.
Design = Callable[[int, int], Fraction]

_HALF = Fraction(1, 2)


def complete() -> Design:
    """Return the plain coin: 1/2 whatever came before."""
    return lambda n_a, n_b: _HALF


def efron_coin(p: Fraction) -> Design:
    """Return Efron's biased coin: the arm with fewer subjects has probability p, a tie 1/2.

    Source: Efron (1971), Biometrika 58, 403-417.

    Raises:
        ValueError: p lies outside [1/2, 1].
    """
    if not _HALF <= p <= 1:
        raise ValueError(f"Efron's coin: found p = {p}; expected 1/2 <= p <= 1")
    return lambda n_a, n_b: _HALF if n_a == n_b else (p if n_a < n_b else 1 - p)


def wei_urn(alpha: int, beta: int) -> Design:
    """Return Wei's urn UD(alpha, beta): alpha balls of each arm to begin, beta of the other arm after every subject.

    An empty urn (alpha 0, first subject) is a plain coin.

    Source: Wei (1978), Annals of Statistics 6, 92-100.

    Raises:
        ValueError: a number of balls is negative.
    """
    if alpha < 0 or beta < 0:
        raise ValueError(f"Wei's urn: found alpha = {alpha}, beta = {beta}; expected 0 or more of each")

    def next_probability(n_a: int, n_b: int) -> Fraction:
        balls = 2 * alpha + beta * (n_a + n_b)
        return Fraction(alpha + beta * n_b, balls) if balls else _HALF

    return next_probability


def big_stick(b: int) -> Design:
    """Return the big stick: a plain coin until the difference reaches b, then the arm with fewer subjects.

    Source: Soares and Wu (1983), Communications in Statistics 12, 2017-2034.

    Raises:
        ValueError: b is below 1.
    """
    if b < 1:
        raise ValueError(f"big stick: found b = {b}; expected 1 or more")
    return lambda n_a, n_b: Fraction(0) if n_a - n_b >= b else Fraction(1) if n_b - n_a >= b else _HALF


def imbalance_distribution(design: Design, n: int) -> Mapping[int, Fraction]:
    """Return the exact distribution of |nA - nB| after n subjects; differences that cannot occur are left out.

    Follows the counts, at most n + 1 states, so a few hundred subjects are no trouble.

    Raises:
        ValueError: n is negative.
    """
    if n < 0:
        raise ValueError(f"imbalance distribution: found n = {n}; expected 0 or more")
    states = {0: Fraction(1)}  # probability by nA
    for step in range(n):
        after: dict[int, Fraction] = {}
        for n_a, mass in states.items():
            p = design(n_a, step - n_a)
            for count, share in ((n_a + 1, mass * p), (n_a, mass * (1 - p))):
                if share:
                    after[count] = after.get(count, Fraction(0)) + share
        states = after
    distribution: dict[int, Fraction] = {}
    for n_a, mass in states.items():
        difference = abs(2 * n_a - n)
        distribution[difference] = distribution.get(difference, Fraction(0)) + mass
    return dict(sorted(distribution.items()))
