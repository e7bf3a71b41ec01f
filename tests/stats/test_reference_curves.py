"""The published reference values beyond single curves: ratios and adjusted differences of restricted means, Gray's test, rates."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from oligami.stats.competing import gray_test
from oligami.stats.rates import event_rates
from oligami.stats.restricted_mean import Ratio, adjusted_restricted_mean, compare_restricted_means
from oligami.stats.survival import Difference, kaplan_meier
from stats_reference import columns_of, faults, reference_cases, stacked


def comparison(found: Difference | Ratio) -> dict[str, float]:
    return {"est": found.value, "lower": found.lower, "upper": found.upper, "p": found.p_two_sided}


def solve_rmst(case: dict[str, Any]) -> dict[str, Any]:
    given, data = case["input"], columns_of(case)
    second = data[given["group"]] == float(given["arm1"])
    curves = [kaplan_meier(data["time"][arm], data["event"][arm]) for arm in (~second, second)]
    found = compare_restricted_means(*curves, given["tau"], given["conf_level"])
    return {
        "tau": found.a.tau,
        "arm0": {"rmst": found.a.value, "se": found.a.std_err},
        "arm1": {"rmst": found.b.value, "se": found.b.std_err},
        "diff_arm1_minus_arm0": comparison(found.difference),
        "ratio_rmst": comparison(found.ratio),
        "ratio_rmtl": comparison(found.ratio_lost),
    }


def solve_adjusted(case: dict[str, Any]) -> dict[str, Any]:
    given, data = case["input"], columns_of(case)
    second = data[given["group"]] == float(given["arm1"])
    covariates = stacked(data, given["covariates"])
    assert covariates is not None
    found = adjusted_restricted_mean(
        data["time"], data["event"], second, covariates, given["tau"], conf_level=given["conf_level"]
    )
    return {
        "tau": found.tau,
        "diff": comparison(found.difference) | {"se": found.difference.std_err},
        "log_ratio_rmst": np.log(found.ratio.value),
        "log_ratio_rmtl": np.log(found.ratio_lost.value),
    }


def solve_gray(case: dict[str, Any]) -> dict[str, Any]:
    given, data = case["input"], columns_of(case)
    strata = data[given["strata"]] if given["strata"] else None
    tests = []
    for cause in (1, 2):
        found = gray_test(data["time"], data["cause"], data[given["group"]], of=cause, strata=strata)
        tests.append({"cause": found.cause, "stat": found.chisq, "p": found.p_two_sided, "df": found.df})
    return {"gray_tests": tests}


def solve_rates(case: dict[str, Any]) -> dict[str, Any]:
    given, data = case["input"], columns_of(case)
    found = event_rates(data["time"], data["event"], group=data[given["group"]])
    return {
        "person_time": found.person_time,
        "events": found.events,
        "rate": found.rate,
        "rate_lower": found.lower,
        "rate_upper": found.upper,
    }


SOLVERS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "rmst": solve_rmst,
    "rmst_adjusted": solve_adjusted,
    "cumulative_incidence_gray": solve_gray,
    "reverse_km_and_rates": solve_rates,
}
# test_reference reads these.
ELSEWHERE = {"times", "curves", "group", "median_followup", "lower", "upper"}


@pytest.mark.parametrize(("case", "default"), reference_cases(["rmst", "competing_risks", "followup_rates"], SOLVERS.keys()))
def test_reference_value_is_met(case: dict[str, Any], default: dict[str, float]) -> None:
    """Every number of the case is met within the case's tolerance."""
    skipped = ELSEWHERE if case["method"] in {"cumulative_incidence_gray", "reverse_km_and_rates"} else set()
    assert faults(case, default, SOLVERS[case["method"]](case), skipped) == []
