"""The published reference values of weighted tests, MaxCombo and milestones, each at its own tolerance."""

from collections.abc import Callable
from typing import Any

import pytest

from oligami.stats.combination import maxcombo
from oligami.stats.comparison import logrank
from oligami.stats.milestone import milestone_difference
from stats_reference import columns_of, faults, label, levels, reference_cases, stacked

FILES = ["fleming_harrington", "maxcombo", "milestone"]


def solve_fleming_harrington(case: dict[str, Any]) -> dict[str, Any]:
    given, data = case["input"], columns_of(case)
    answer = []
    for rho, gamma in given["rho_gamma"]:
        test = logrank(
            data["time"], data["event"], data[given["group"]], strata=stacked(data, given.get("strata")), weight=(rho, gamma)
        )
        assert label(test.groups[1]) == given["experimental_group"]
        names = ("U", "V", "z", "chisq", "p_two_sided", "p_one_sided")
        answer.append({"rho": rho, "gamma": gamma} | {name: getattr(test, name) for name in names})
    return {"results": answer}


def solve_maxcombo(case: dict[str, Any]) -> dict[str, Any]:
    given, data = case["input"], columns_of(case)
    test = maxcombo(data["time"], data["event"], data[given["group"]], weights=given["rho_gamma"])
    assert test.p_error < 1e-9
    return {
        "z": test.z,
        "correlation": test.correlation,
        "p_two_sided_max_abs": test.p_two_sided,
        "p_one_sided_min": test.p_one_sided,
    }


def solve_milestone(case: dict[str, Any]) -> dict[str, Any]:
    given, data = case["input"], columns_of(case)
    column = data[given["group"]]
    groups = sorted(levels(column), key=lambda value: label(value) == given["arm1"])
    plain, loglog, log = (
        milestone_difference(
            data["time"], data["event"], column, given["t"], scale=scale, groups=groups, conf_level=given["conf_level"]
        )
        for scale in ("plain", "log-log", "log")
    )
    return {
        "surv_arm0": plain.surv[0],
        "se_arm0": plain.std_err[0],
        "surv_arm1": plain.surv[1],
        "se_arm1": plain.std_err[1],
        "diff": plain.difference,
        "se_diff": plain.effect_std_err,
        "lower": plain.lower,
        "upper": plain.upper,
        "z": plain.z,
        "p_two_sided": plain.p_two_sided,
        "cloglog_z": loglog.z,
        "cloglog_p_two_sided": loglog.p_two_sided,
        "log_ratio": log.effect,
        "log_ratio_se": log.effect_std_err,
    }


SOLVERS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "fleming_harrington": solve_fleming_harrington,
    "maxcombo": solve_maxcombo,
    "milestone_difference": solve_milestone,
}


@pytest.mark.parametrize(("case", "default"), reference_cases(FILES, SOLVERS.keys()))
def test_reference_value_is_met(case: dict[str, Any], default: dict[str, float]) -> None:
    """Every number of the case is met within the case's tolerance."""
    assert faults(case, default, SOLVERS[case["method"]](case)) == []


@pytest.mark.parametrize(("case", "default"), reference_cases(["fleming_harrington"], {"fleming_harrington"}))
def test_weighted_tests_meet_nine_digits(case: dict[str, Any], default: dict[str, float]) -> None:
    """Weighted log-rank tests agree with R to 1e-9, beyond what the file asks."""
    assert faults(case | {"tolerance": {"rel": 1e-9, "abs": 1e-12}}, default, solve_fleming_harrington(case)) == []
