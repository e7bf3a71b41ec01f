"""Group-sequential designs and their inference against the published reference values of R's rpact and gsDesign."""

import json
import math
from typing import Any

import numpy as np
import pytest

from oligami.stats.comparison import logrank
from oligami.stats.sequential import (
    Boundaries,
    boundaries,
    characteristics,
    conditional_power,
    drift_of_hazard_ratio,
    final_inference,
    haybittle_peto,
    monitor,
    obrien_fleming,
    operating,
    pocock,
    predictive_power,
    repeated_interval,
    sequential_p,
    spending_named,
    wang_tsiatis,
)
from stats_reference import FOLDER, Solver, columns_of, faults, reference_cases

FILES = [
    "spending_functions",
    "gs_bounds_efficacy",
    "gs_bounds_futility",
    "gs_characteristics",
    "gs_monitoring",
    "gs_inference",
    "conditional_power",
    "oligami_trial",
]


def planned(given: dict[str, Any], **more: Any) -> Boundaries:
    return boundaries(
        given["information_rates"],
        alpha=given["alpha_one_sided"],
        efficacy=spending_named(given["spending"], given.get("spending_parameter")),
        **more,
    )


def spending_function(case: dict[str, Any]) -> dict[str, Any]:
    given = case["input"]
    takes_one = given["function_name"] in ("hwang_shih_decani", "kim_demets")
    rule = spending_named(given["function_name"], given["parameter"] if takes_one else None)
    return {"cumulative_spend": rule.spent(given["t"], given["alpha"])}


def described(bounds: Boundaries) -> dict[str, Any]:
    return {
        "z_upper": bounds.z_efficacy,
        "z_upper_high_precision": bounds.z_efficacy,
        "nominal_p_one_sided": bounds.p_efficacy,
        "alpha_spent_cumulative": bounds.alpha_spent,
    }


def gs_efficacy_bounds(case: dict[str, Any]) -> dict[str, Any]:
    return described(planned(case["input"]))


def gs_classical_bounds(case: dict[str, Any]) -> dict[str, Any]:
    given = case["input"]
    family = {
        "obrien_fleming": obrien_fleming,
        "pocock": pocock,
        "haybittle_peto": haybittle_peto,
        "wang_tsiatis": lambda: wang_tsiatis(given["deltaWT"]),
    }[given["design"]]()
    return described(boundaries(np.arange(1, given["k"] + 1), alpha=given["alpha_one_sided"], efficacy=family))


def gs_efficacy_futility_bounds(case: dict[str, Any]) -> dict[str, Any]:
    given = case["input"]
    bounds = boundaries(
        given["information_rates"],
        alpha=given["alpha_one_sided"],
        beta=given["beta"],
        binding=given["binding"],
        efficacy=spending_named(given["alpha_spending"]),
        futility=spending_named(given["beta_spending"], given["beta_parameter"]),
    )
    does = operating(bounds, [0.0, bounds.drift])
    expected = does.expected_information * bounds.inflation
    return {
        "z_upper": bounds.z_efficacy,
        "z_lower": bounds.z_futility,
        "inflation_factor": bounds.inflation,
        "beta_spent_cumulative": bounds.beta_spent,
        "upper_cross_prob_h0": does.efficacy[0],
        "upper_cross_prob_h1": does.efficacy[1],
        "lower_cross_prob_h0": does.futility[0],
        "lower_cross_prob_h1": does.futility[1],
        "expected_information_ratio_h0": expected[0],
        "expected_information_ratio_h1": expected[1],
    }


def gs_design_characteristics(case: dict[str, Any]) -> dict[str, Any]:
    bounds = planned(case["input"])
    found = characteristics(bounds, 1 - case["input"]["beta"])
    return {
        "z_upper": bounds.z_efficacy,
        "drift_shift": found.drift**2,
        "fixed_shift": found.fixed_drift**2,
        "inflation_factor": found.inflation,
        "power_cumulative_h1": found.cumulative_power,
        "asn_ratio_h0": found.expected_null,
        "asn_ratio_h01": found.expected_between,
        "asn_ratio_h1": found.expected_alternative,
    }


def gs_monitoring_bounds(case: dict[str, Any]) -> dict[str, Any]:
    given = case["input"]
    most = given["planned_max_events"]
    plan = boundaries([most / 2, most], alpha=given["alpha_one_sided"], efficacy=spending_named(given["spending"]))
    seen = monitor(plan, given["actual_events"], final=True)
    np.testing.assert_allclose(seen.boundaries.spending_time, given["spending_time"], rtol=1e-13)
    return described(seen.boundaries)


def gs_inference_survival(case: dict[str, Any]) -> dict[str, Any]:
    given = case["input"]
    bounds, z, events = planned(given), given["logrank_z"], given["cumulative_events"]
    repeated = repeated_interval(bounds, z, events=events)
    final = final_inference(bounds, z[-1], look=len(z), events=events[-1])
    # The reference looks at hazard ratios from the other side: above 1 favours the experimental arm.
    return {
        "z_upper": bounds.z_efficacy,
        "effect_hr": math.exp(final.estimate),
        "repeated_ci_lower": np.exp(repeated.lower),
        "repeated_ci_upper": np.exp(repeated.upper),
        # It stops its search at 0.5 and says nothing above.
        "repeated_p": np.where(repeated.p > 0.5, np.nan, repeated.p),
        "final_stage": final.look,
        "final_p": final.p_one_sided,
        "final_ci_lower": math.exp(final.lower),
        "final_ci_upper": math.exp(final.upper),
        "median_unbiased_hr": math.exp(final.median_unbiased),
    }


def sequential_p_value(case: dict[str, Any]) -> dict[str, Any]:
    given = case["input"]
    bounds = boundaries([1, 2, 3], alpha=0.05, efficacy=spending_named(given["alpha_family"]))
    assert np.allclose(bounds.fraction[: len(given["z"])], given["information_rates_observed"])
    return {"sequential_p": sequential_p(bounds, given["z"])}


def conditional_predictive_power_single(case: dict[str, Any]) -> dict[str, Any]:
    given = case["input"]
    fixed = boundaries([1], alpha=0.05, efficacy=pocock())
    assert math.isclose(fixed.z_efficacy[0], given["z_final_critical"], rel_tol=1e-13)
    drift = given["drift_at_full_information"]
    rows = []
    for row in case["expected"]["results"]:
        at = {"z": row["z"], "fraction": row["info_fraction"]}
        rows.append(
            {
                "info_fraction": row["info_fraction"],
                "z": row["z"],
                "cp_null": conditional_power(fixed, effect="null", **at).power,
                "cp_design": conditional_power(fixed, effect=drift, **at).power,
                "cp_current_trend": conditional_power(fixed, effect="trend", **at).power,
                "predictive_flat_prior": predictive_power(fixed, **at).power,
                "predictive_design_centred_prior": predictive_power(
                    fixed, **at, prior_mean=drift, prior_sd=drift / given["z_final_critical"]
                ).power,
            }
        )
    return {"results": rows}


def conditional_predictive_power_multi(case: dict[str, Any]) -> dict[str, Any]:
    given = case["input"]
    bounds = planned(given, beta=given["beta"])
    at = {"z": given["z"], "look": given["interim"]}
    trend = conditional_power(bounds, **at)
    one_to_come = bounds.looks - given["interim"] == 1  # then the reference gives a bare number
    return {
        "z_upper": bounds.z_efficacy,
        "cp_current_trend": trend.power,
        "cp_null": conditional_power(bounds, effect="null", **at).power,
        "cp_design": conditional_power(bounds, effect="design", **at).power,
        "cp_by_stage_current_trend": trend.by_look[0] if one_to_come else trend.by_look,
        "predictive_flat_prior": predictive_power(bounds, **at).power,
    }


def trial_monitoring(case: dict[str, Any]) -> dict[str, Any]:
    given = case["input"]
    columns = columns_of(case)
    events, z = [], []
    for cutoff in given["cutoff_days"]:
        inside = columns["entry_day"] < cutoff
        at = {name: values[inside] for name, values in columns.items()}
        censored = np.fmin(cutoff - at["entry_day"], at["ltfu_day"])
        died = at["os_day"] <= censored
        test = logrank(np.fmin(at["os_day"], censored), died.astype(int), at["arm"], strata=at["subtype"])
        events.append(int(died.sum()))
        z.append(-test.z)
    most = given["planned_events"]
    plan = boundaries([most / 2, most], alpha=given["alpha_one_sided"], efficacy=spending_named(given["spending"]))
    seen = monitor(plan, events, z, final=True)
    fixed = boundaries([most], alpha=given["alpha_one_sided"], efficacy=pocock())
    drift = float(drift_of_hazard_ratio(math.log(0.57) / math.log(0.45), most))
    early = [{"z": score, "fraction": count / most} for score, count in zip(z[:2], events[:2], strict=True)]
    return {
        "events": events,
        "spending_time": seen.boundaries.spending_time,
        "alpha_spent_cumulative": seen.boundaries.alpha_spent,
        "z_upper": seen.boundaries.z_efficacy,
        "z_observed": z,
        "reject": [word == "reject" for word in seen.decision],
        "predictive_power_flat_prior_vs_z05": [predictive_power(fixed, **at).power for at in early],
        "conditional_power_hr_design": [conditional_power(fixed, effect=drift, **at).power for at in early],
    }


SOLVERS: dict[str, Solver] = {
    function.__name__: function
    for function in (
        spending_function,
        gs_efficacy_bounds,
        gs_classical_bounds,
        gs_efficacy_futility_bounds,
        gs_design_characteristics,
        gs_monitoring_bounds,
        gs_inference_survival,
        sequential_p_value,
        conditional_predictive_power_single,
        conditional_predictive_power_multi,
        trial_monitoring,
    )
}


@pytest.mark.parametrize(("case", "default"), reference_cases(FILES, frozenset(SOLVERS)))
def test_reference(case: dict[str, Any], default: dict[str, float]) -> None:
    """Every number of the case is met within its tolerance."""
    assert faults(case, default, SOLVERS[case["method"]](case)) == []


def test_every_case_is_read() -> None:
    """No method of these files is left without an adapter; of the whole trial's file only the monitoring belongs here."""
    read = reference_cases(FILES, frozenset(SOLVERS))
    methods = [parameters.values[0]["method"] for parameters in read]
    assert set(methods) == set(SOLVERS)
    written = sum(len(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))["cases"]) for name in FILES[:-1])
    assert len(methods) == written + 1
