"""Efron's coin, Wei's urn and the big stick against exact distributions."""

from fractions import Fraction

import pytest

from oligami.trial.two_arm_designs import big_stick, complete, efron_coin, imbalance_distribution, wei_urn

DESIGNS = {
    "efron_bcd_p_2_3": efron_coin(Fraction(2, 3)),
    "urn_ud_0_1": wei_urn(0, 1),
    "urn_ud_1_1": wei_urn(1, 1),
    "big_stick_b2": big_stick(2),
    "big_stick_b3": big_stick(3),
}


@pytest.mark.parametrize("name", DESIGNS)
def test_exact_distributions(reference, name):
    """|nA - nB| has the published distribution, as fractions, at every n given."""
    for n, published in reference("two_arm_designs_exact")[name].items():
        expected = {int(difference): Fraction(mass) for difference, mass in published.items()}
        assert imbalance_distribution(DESIGNS[name], int(n)) == expected


def test_efron_limits(reference):
    """At n = 50 and 51 the tie and the difference of 1 are close to their limits 1/2 and 3/4."""
    limits = reference("two_arm_designs_exact")["efron_limits_p_2_3"]
    at_50 = imbalance_distribution(efron_coin(Fraction(2, 3)), 50)[0]
    at_51 = imbalance_distribution(efron_coin(Fraction(2, 3)), 51)[1]
    # Printed to 10 decimals.
    assert float(at_50) == pytest.approx(limits["computed n=50"], abs=5e-11)
    assert float(at_51) == pytest.approx(limits["computed n=51"], abs=5e-11)
    # The limits are approached from above, like powers of 8/9.
    for n, difference, limit in ((200, 0, limits["n even: P(D=0)"]), (201, 1, limits["n odd: P(|D|=1)"])):
        excess = imbalance_distribution(efron_coin(Fraction(2, 3)), n)[difference] - Fraction(limit)
        assert 0 < excess < Fraction(8, 9) ** (n // 2)


def test_plain_coin_is_binomial():
    """Complete randomization of 4: 6/16, 8/16, 2/16."""
    assert imbalance_distribution(complete(), 4) == {0: Fraction(3, 8), 2: Fraction(1, 2), 4: Fraction(1, 8)}
    assert imbalance_distribution(complete(), 0) == {0: Fraction(1)}


@pytest.mark.parametrize("design", [*DESIGNS.values(), complete()])
def test_designs_are_symmetric(design):
    """Exchange the arms and the probability is the complement; a distribution sums to 1 exactly."""
    for n_a in range(8):
        for n_b in range(8):
            assert design(n_a, n_b) + design(n_b, n_a) == 1
    assert sum(imbalance_distribution(design, 30).values()) == 1


def test_impossible_designs_are_refused():
    """A coin against balance, balls below zero, a stick of length 0, less than no subject."""
    with pytest.raises(ValueError, match="found p = 1/3"):
        efron_coin(Fraction(1, 3))
    with pytest.raises(ValueError, match="found alpha = -1"):
        wei_urn(-1, 1)
    with pytest.raises(ValueError, match="found b = 0"):
        big_stick(0)
    with pytest.raises(ValueError, match="found n = -1"):
        imbalance_distribution(complete(), -1)
