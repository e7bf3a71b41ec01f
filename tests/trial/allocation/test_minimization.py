"""Minimization against published, generated and constructed cases."""

from fractions import Fraction

import pytest

from oligami.trial.allocation import (
    PriorAllocation,
    allocate,
    check_margins,
    choose_arm,
    imbalance_by_arm,
    probability_by_arm,
    tied_groups,
)


def at_levels(margins, factors):
    return {name: margins[name][level] for name, level in factors.items()}


def priors(rows, names):
    return [PriorAllocation(arm=row["arm"], factors={name: row[name] for name in names}) for row in rows]


@pytest.mark.parametrize("distance", ["range", "sd", "variance"])
def test_pocock_and_simon_section_3_4(rule_of, reference, distance):
    """Their example gives their imbalances, from subjects and from margins alike, factor by factor."""
    case = reference("ps1975_section_3_4")
    expected = case["expected"][distance]
    rule = rule_of(dict.fromkeys(case["arms"], 1), case["factors"], case["weights"], distance=distance, p_best=2 / 3)
    new = case["new_patient"]
    result = allocate(rule, new, priors(case["subjects_before"], case["factors"]), k=51, u=0.5)
    assert result.tally == at_levels(case["margins_before"], new)
    # The file prints 12 decimals.
    assert result.imbalance == pytest.approx(expected["G"], abs=1e-11)
    for name, levels in case["factors"].items():
        alone = rule_of(dict.fromkeys(case["arms"], 1), {name: levels}, distance=distance)
        distances = imbalance_by_arm(alone, {name: result.tally[name]})
        assert distances == pytest.approx({arm: expected["d_per_factor"][arm][name] for arm in case["arms"]})


def test_pocock_and_simon_probabilities(rule_of, reference):
    """The preferred arm has 2/3, the others 1/6 each, and the draw picks along the protocol's order."""
    case = reference("ps1975_section_3_4")
    rule = rule_of(dict.fromkeys(case["arms"], 1), case["factors"], case["weights"], p_best=2 / 3)
    before = priors(case["subjects_before"], case["factors"])
    published = {arm: float(Fraction(p)) for arm, p in case["published_result"]["probabilities"].items()}
    arms = []
    for u in (0.0, 0.16, 0.17, 0.33, 0.34, 0.999):
        result = allocate(rule, case["new_patient"], before, k=51, u=u)
        assert result.probability == pytest.approx(published)
        arms.append(result.arm)
    assert arms == ["Arm1", "Arm1", "Arm2", "Arm2", "Arm3", "Arm3"]


def test_rank_probabilities(rule_of, reference):
    """Rule (b) with constant q, and rule (a) as ranks."""
    four, two, best = reference("ps1975_rank_probabilities")["cases"]
    rule = rule_of(dict.fromkeys(four["G"], 1), {}, probability="rank", q=0.5)
    assert probability_by_arm(rule, four["G"]) == {arm: float(Fraction(p)) for arm, p in four["p"].items()}
    rule = rule_of({"A": 1, "B": 1}, {}, probability="rank", q=1.0)
    assert list(probability_by_arm(rule, {"A": 1, "B": 2}).values()) == [float(Fraction(p)) for p in two["p_by_rank"]]
    rule = rule_of(dict.fromkeys(four["G"], 1), {}, p_best=float(Fraction(best["p_best"])))
    by_rank = sorted(probability_by_arm(rule, four["G"]).values(), reverse=True)
    assert by_rank == pytest.approx([float(Fraction(p)) for p in best["p_by_rank"]])


def test_rank_rule_averages_tied_arms(rule_of):
    """Tied arms share the probabilities of the ranks they fill, whichever the tie rule: 3/10 and 1/5 become 1/4."""
    for ties in ("equal_split", "random_rank"):
        rule = rule_of(dict.fromkeys("ABCD", 1), {}, probability="rank", q=0.5, ties=ties)
        assert probability_by_arm(rule, {"A": 4, "B": 3, "C": 4, "D": 7}) == {"A": 0.25, "B": 0.4, "C": 0.25, "D": 0.1}


def test_scott_2002(rule_of, reference):
    """At margin level the imbalances are 4 and 2 and Control is preferred; as a set of subjects the table is refused."""
    case = reference("scott2002_adapted_table")
    levels = {name: list(table) for name, table in case["margins_before"].items()}
    rule = rule_of(dict.fromkeys(case["arms"], 1), levels, case["weights"])
    imbalance = imbalance_by_arm(rule, at_levels(case["margins_before"], case["new_patient"]))
    assert imbalance == case["expected"]["G"]
    assert tied_groups(imbalance)[0] == {case["expected"]["preferred"]}
    with pytest.raises(ValueError, match=r"found 6 subjects in arm Intervention over covariate_rate; expected 5"):
        check_margins(case["margins_before"])


def test_consistent_margins_pass(reference):
    """Pocock and Simon's margins come from one set of subjects; a negative count comes from none."""
    margins = reference("ps1975_section_3_4")["margins_before"]
    check_margins(margins)
    with pytest.raises(ValueError, match=r"found -1 at x 'a', arm A; expected 0 or more"):
        check_margins({"x": {"a": {"A": -1}}})


def test_tie_conventions(rule_of, reference):
    """Random rank and equal split give the two published triples; with two arms both give 1/2."""
    for convention in reference("tie_and_ratio_conventions")["ties"][:2]:
        example = convention["example"]
        ties = convention["name"].replace("-", "_")
        rule = rule_of(dict.fromkeys("ABC", 1), {}, p_best=example["p"], ties=ties)
        share = probability_by_arm(rule, {"A": 2, "B": 2, "C": 3})
        # Exact: probabilities are fractions of the decimals in the protocol.
        assert share == {arm: example[f"P({arm})"] for arm in "ABC"}
        two = rule_of({"A": 1, "B": 1}, {}, p_best=example["p"], ties=ties)
        assert probability_by_arm(two, {"A": 2, "B": 2}) == {"A": 0.5, "B": 0.5}


def test_ties_below_the_best_change_nothing(rule_of):
    """Under the rule `best`, the worse arms share 1 - p evenly whether they tie or not."""
    for ties in ("equal_split", "random_rank"):
        rule = rule_of(dict.fromkeys("ABC", 1), {}, p_best=0.8, ties=ties)
        assert probability_by_arm(rule, {"A": 5, "B": 1, "C": 5}) == {"A": 0.1, "B": 0.8, "C": 0.1}
        assert probability_by_arm(rule, {"A": 5, "B": 1, "C": 4}) == {"A": 0.1, "B": 0.8, "C": 0.1}


@pytest.mark.parametrize("probability", ["best", "rank"])
def test_all_tied_follows_the_ratio(rule_of, probability):
    """The first subject, and a trial without factors, are drawn in proportion to the ratio."""
    arms = {"A": 2, "B": 1, "C": 1}
    without = rule_of(arms, {}, probability=probability)
    prior = [PriorAllocation(arm="A", factors={}), PriorAllocation(arm="A", factors={})]
    result = allocate(without, {}, prior, k=3, u=0.6)
    assert (result.probability, result.arm) == ({"A": 0.5, "B": 0.25, "C": 0.25}, "B")
    assert (result.tally, result.imbalance) == ({}, {"A": 0, "B": 0, "C": 0})
    equal = rule_of(dict.fromkeys("ABC", 1), {"x": ["a", "b"]}, probability=probability)
    assert set(allocate(equal, {"x": "a"}, [], k=1, u=0.6).probability.values()) == {1 / 3}


def test_ratio_conventions(rule_of, reference):
    """(n+1)/r and n/r+1 scale the same counts differently when a ratio is not 1, and alike when all are 1."""
    assert [row["name"] for row in reference("tie_and_ratio_conventions")["unequal_ratio_counts"]] == [
        "(n+1)/r",
        "n/r + 1",
    ]
    tally = {"x": {"A": 3, "B": 2}}

    def of(ratio, convention):
        return imbalance_by_arm(rule_of(ratio, {"x": ["a"]}, ratio_counts=convention), tally)

    assert of({"A": 2, "B": 1}, "add_then_divide") == {"A": 0.0, "B": 1.5}  # 4/2 - 2; 3 - 3/2
    assert of({"A": 2, "B": 1}, "divide_then_add") == {"A": 0.5, "B": 1.5}  # 3/2+1 - 2; 2+1 - 3/2
    assert of({"A": 1, "B": 1}, "add_then_divide") == of({"A": 1, "B": 1}, "divide_then_add") == {"A": 2, "B": 0}


def test_minirand_cases(rule_of, reference):
    """All 220 states have Minirand's imbalances to 1e-9 and its best arms; the best arms share p."""
    cases = reference("minirand_differential")["cases"]
    assert len(cases) == 220
    for case in cases:
        arms = [f"T{number}" for number in range(case["arms"])]
        names = [f"F{number}" for number in range(len(case["weights"]))]
        rule = rule_of(
            dict(zip(arms, case["ratio"], strict=True)),
            {name: [str(level) for level in range(n)] for name, n in zip(names, case["levels"], strict=True)},
            dict(zip(names, case["weights"], strict=True)),
            distance={"var": "variance"}.get(case["method"], case["method"]),
            p_best=0.85,
        )

        def levels(x, names=names):
            return dict(zip(names, map(str, x), strict=True))

        prior = [PriorAllocation(arm=arms[row["arm"]], factors=levels(row["x"])) for row in case["assigned"]]
        result = allocate(rule, levels(case["new"]), prior, k=len(prior) + 1, u=0.0)
        assert list(result.imbalance.values()) == pytest.approx(case["G"], rel=1e-9, abs=1e-9), case["id"]
        best = {arms[index] for index in case["best"]}
        assert tied_groups(result.imbalance)[0] == best, case["id"]
        if len(best) < len(arms):
            assert [result.probability[arm] for arm in best] == pytest.approx([0.85 / len(best)] * len(best))


def test_single_factor(rule_of):
    """One factor is enough (a peer stops there)."""
    rule = rule_of({"A": 1, "B": 1}, {"x": ["a", "b"]})
    prior = [PriorAllocation(arm=arm, factors={"x": level}) for arm, level in ("Aa", "Aa", "Bb")]
    result = allocate(rule, {"x": "a"}, prior, k=4, u=0.3)
    assert (result.tally, result.imbalance) == ({"x": {"A": 2, "B": 0}}, {"A": 3, "B": 1})
    assert (result.probability, result.arm) == ({"A": 0.2, "B": 0.8}, "B")


def test_variance_ties_where_range_does_not(rule_of):
    """Margins (4,0), (3,5), (1,3): range 7 against 9, variance 13.5 against 13.5, so a tie and a plain coin."""
    names = ["x", "y", "z"]
    tally = {"x": {"A": 4, "B": 0}, "y": {"A": 3, "B": 5}, "z": {"A": 1, "B": 3}}
    ranges = rule_of({"A": 1, "B": 1}, {name: ["a"] for name in names})
    assert imbalance_by_arm(ranges, tally) == {"A": 7, "B": 9}
    variances = rule_of({"A": 1, "B": 1}, {name: ["a"] for name in names}, distance="variance")
    assert imbalance_by_arm(variances, tally) == {"A": 13.5, "B": 13.5}
    assert probability_by_arm(variances, imbalance_by_arm(variances, tally)) == {"A": 0.5, "B": 0.5}


def test_rounding_does_not_break_a_tie(rule_of):
    """Weights 0.1, 0.2 against 0.3 tie although 0.1 + 0.2 is not 0.3 in doubles; a true difference of 1e-6 does not."""
    names = ["x", "y", "z"]
    weights = {"x": 0.1, "y": 0.2, "z": 0.3}
    tally = {"x": {"A": 7, "B": 0}, "y": {"A": 7, "B": 0}, "z": {"A": 0, "B": 7}}
    rule = rule_of({"A": 1, "B": 1}, {name: ["a"] for name in names}, weights, distance="sd")
    assert probability_by_arm(rule, imbalance_by_arm(rule, tally)) == {"A": 0.5, "B": 0.5}
    assert probability_by_arm(rule, {"A": 0.1 + 0.2, "B": 0.3}) == {"A": 0.5, "B": 0.5}
    assert probability_by_arm(rule, {"A": 0.3 + 1e-6, "B": 0.3}) == {"A": 0.2, "B": 0.8}
    heavier = rule_of({"A": 1, "B": 1}, {name: ["a"] for name in names}, {**weights, "z": 0.300001}, distance="sd")
    assert probability_by_arm(heavier, imbalance_by_arm(heavier, tally)) == {"A": 0.8, "B": 0.2}


def test_constructed_sequence_replays(rule_of, reference):
    """Twelve subjects, draw by draw: imbalance, probability and arm at every step, six in either arm at the end."""
    case = reference("constructed_two_arm_sequence")
    rule = rule_of(
        {"A": 1, "B": 1},
        {"institution": [], "subtype": ["luminal", "HER2", "TN"], "lesions": ["1", "2-3"]},
        p_best=0.8,
    )
    prior = []
    for step in case["steps"]:
        result = allocate(rule, step["factors"], prior, k=step["patient"], u=float(step["u"]))
        assert result.imbalance == step["G"]
        assert result.probability["A"] == float(Fraction(step["P(A)"]))
        assert result.arm == step["assigned"]
        prior.append(PriorAllocation(arm=result.arm, factors=result.factors))
    assert {arm: sum(earlier.arm == arm for earlier in prior) for arm in "AB"} == case["final"]


def test_a_draw_at_the_border_goes_to_the_later_arm():
    """A if u < P(A), else B; an arm of probability 0 is never drawn, whatever rounding leaves."""
    assert choose_arm({"A": 0.2, "B": 0.8}, 0.2) == "B"
    assert choose_arm({"A": 0.2, "B": 0.8}, 0.2 - 2**-53) == "A"
    assert choose_arm({"A": 0.0, "B": 1.0}, 0.0) == "B"
    almost = 1 - 2**-53
    tenths = dict.fromkeys("ABCDEFGHIJ", 0.1)
    assert sum(tenths.values()) <= almost
    assert choose_arm({**tenths, "K": 0.0}, almost) == "J"
    with pytest.raises(ValueError, match="expected one above 0"):
        choose_arm({"A": 0.0}, 0.5)
