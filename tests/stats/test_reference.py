"""The published reference values: every case of the survival, regression and proportion files, at its own tolerance.

An adapter a method turns a case's input into calls of the library and its answers into the shape expected.
"""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy.special import chdtrc

from oligami.stats.comparison import logrank
from oligami.stats.competing import cumulative_incidence
from oligami.stats.proportional_hazards import proportional_hazards_test
from oligami.stats.proportions import (
    Interval,
    Table,
    clopper_pearson,
    cochran_mantel_haenszel,
    fisher_exact,
    newcombe_difference,
    pearson_chi_square,
    wilson,
)
from oligami.stats.regression import cox
from oligami.stats.restricted_mean import restricted_mean_difference
from oligami.stats.survival import kaplan_meier, reverse_kaplan_meier, survival_difference
from stats_reference import Columns, columns_of, design, faults, label, levels, reference_cases, rows_where, stacked

FILES = ["kaplan_meier", "logrank", "rmst", "competing_risks", "followup_rates", "edge_cases"]
FILES += ["proportions", "oligami_trial"]
# Single keys that test_reference_curves reads.
KEYS_ELSEWHERE = {"gray", "gray_tests", "ratio_rmst", "ratio_rmtl", "person_time", "rate", "rate_lower", "rate_upper"}


def interval(found: Interval) -> list[float]:
    return [found.lower, found.upper]


# --- one adapter a method -------------------------------------------------------------------------------------------


def solve_kaplan_meier(case: dict[str, Any]) -> dict[str, Any]:
    given, data = case["input"], columns_of(case)
    options = {"conf_type": given["conf_type"], "conf_level": given.get("conf_level", 0.95)}
    if "times" not in given:
        return whole_curve(kaplan_meier(data["time"], data["event"], **options))
    groups = data[given["group"]] if given["group"] else np.full(data["time"].size, "all")
    answer = []
    for value in levels(groups):
        part = rows_where(data, groups == value)
        curve = kaplan_meier(part["time"], part["event"], **options)
        points, quantiles = curve.at(given["times"]), curve.quantile([0.25, 0.5, 0.75])
        answer.append(
            {
                "group": label(value),
                "n": curve.n,
                "events": curve.events,
                "time": points.time,
                "n_risk": points.n_risk,
                "surv": points.surv,
                "std_err_greenwood": points.std_err,
                "lower": points.lower,
                "upper": points.upper,
                "quantile_probs": quantiles.probability,
                "quantile": quantiles.time,
                "quantile_lower": quantiles.lower,
                "quantile_upper": quantiles.upper,
            }
        )
    return {"groups": answer}


def whole_curve(curve: Any) -> dict[str, Any]:
    middle = curve.quantile([0.5])
    return {
        "time": curve.time,
        "n_risk": curve.n_risk,
        "n_event": curve.n_event,
        "n_censor": curve.n_censored,
        "surv": curve.surv,
        "std_err_greenwood": curve.std_err,
        "lower": curve.lower,
        "upper": curve.upper,
        "median": curve.median,
        "median_lower": middle.lower[0],
        "median_upper": middle.upper[0],
        "cumhaz_nelson_aalen": curve.cumulative_hazard,
    }


def solve_left_truncated(case: dict[str, Any]) -> dict[str, Any]:
    data = columns_of(case)
    curve = kaplan_meier(data["stop"], data["event"], entry=data["start"], conf_type=case["input"]["conf_type"])
    return whole_curve(curve)


def solve_logrank(case: dict[str, Any]) -> dict[str, Any]:
    given, data = case["input"], columns_of(case)
    strata = stacked(data, given.get("strata"))
    result = logrank(data["time"], data["event"], data[given.get("group", "group")], strata=strata)
    answer = {
        "groups": [label(group) for group in result.groups],
        "n": result.n,
        "observed": result.observed,
        "expected": result.expected,
        "chisq": result.chisq,
        "df": result.df,
        "p_two_sided": result.p_two_sided,
    }
    if len(result.groups) == 2:
        answer |= {
            "experimental_group": label(result.groups[1]),
            "observed_exp": result.observed[1],
            "expected_exp": result.expected[1],
            "U": result.U,
            "V": result.V,
            "z": result.z,
            "p_one_sided": result.p_one_sided,
        }
    return answer


def solve_rmst(case: dict[str, Any]) -> dict[str, Any]:
    given, data = case["input"], columns_of(case)
    second = data[given["group"]] == float(given["arm1"])
    curves = [kaplan_meier(data["time"][arm], data["event"][arm]) for arm in (~second, second)]
    means = [curve.restricted_mean(given["tau"]) for curve in curves]
    gap = restricted_mean_difference(curves[0], curves[1], given["tau"], given["conf_level"])
    return {
        "tau": given["tau"],
        "arm0": {"rmst": means[0].value, "se": means[0].std_err},
        "arm1": {"rmst": means[1].value, "se": means[1].std_err},
        "diff_arm1_minus_arm0": {"est": gap.value, "lower": gap.lower, "upper": gap.upper, "p": gap.p_two_sided},
    }


def solve_cumulative_incidence(case: dict[str, Any]) -> dict[str, Any]:
    given, data = case["input"], columns_of(case)
    curves = incidence_curves(data["time"], data["cause"], data[given["group"]], given["times"], "group")
    return {"times": given["times"], "curves": curves}


def incidence_curves(
    time: np.ndarray, cause: np.ndarray, group: np.ndarray, times: list[float], word: str
) -> list[dict[str, Any]]:
    causes = sorted(set(cause.astype(int).tolist()) - {0})
    found = {g: cumulative_incidence(time[group == g], cause[group == g], causes=causes).at(times) for g in set(group)}
    return [
        {word: str(g), "cause": c, "cif": found[g][0][k], "var": found[g][1][k]}
        for (k, c), g in product(enumerate(causes), levels(group))
    ]


def solve_follow_up(case: dict[str, Any]) -> dict[str, Any]:
    given, data = case["input"], columns_of(case)
    groups = data[given["group"]]
    curves = [
        reverse_kaplan_meier(data["time"][groups == g], data["event"][groups == g], conf_type=given["conf_type"])
        for g in levels(groups)
    ]
    return {
        "group": [label(g) for g in levels(groups)],
        "median_followup": [curve.median for curve in curves],
        "lower": [curve.quantile([0.5]).lower[0] for curve in curves],
        "upper": [curve.quantile([0.5]).upper[0] for curve in curves],
        "events": [int(data["event"][groups == g].sum()) for g in levels(groups)],
    }


def solve_one_proportion(case: dict[str, Any]) -> dict[str, Any]:
    x, n = case["input"]["x"], case["input"]["n"]
    return {
        "estimate": x / n,
        "clopper_pearson_95": interval(clopper_pearson(x, n)),
        "clopper_pearson_90": interval(clopper_pearson(x, n, conf_level=0.9)),
        "wilson_95": interval(wilson(x, n)),
    }


def solve_two_proportions(case: dict[str, Any]) -> dict[str, Any]:
    table = Table(**case["input"])
    exact, pearson = fisher_exact(table), pearson_chi_square(table)
    return {
        "diff": table.x1 / table.n1 - table.x0 / table.n0,
        "newcombe_95": interval(newcombe_difference(table)),
        "fisher_p_two_sided": exact.p_two_sided,
        "fisher_p_greater": exact.p_greater,
        "fisher_p_less": exact.p_less,
        "odds_ratio_cmle": exact.odds_ratio,
        "odds_ratio_ci_95": interval(exact.odds_ratio_interval),
        "pearson_chisq": pearson.chisq,
        "pearson_p": pearson.p_two_sided,
    }


def solve_cmh(case: dict[str, Any]) -> dict[str, Any]:
    tables = [Table(x1=t["x1"], n1=t["x1"] + t["miss1"], x0=t["x0"], n0=t["x0"] + t["miss0"]) for t in case["input"]["tables"]]
    result = cochran_mantel_haenszel(tables)
    return {
        "chisq": result.chisq,
        "p_two_sided": result.p_two_sided,
        "common_or": result.odds_ratio,
        "ci_95": interval(result.interval),
    }


def trial_at_cutoff(case: dict[str, Any]) -> Columns:
    """Cut the made-up trial: censor at the cut-off or at loss to follow-up, whichever is first."""
    cutoff = case["input"].get("cutoff_day")
    data = columns_of(case)
    data = rows_where(data, data["entry_day"] < cutoff)
    censor = np.fmin(cutoff - data["entry_day"], data["ltfu_day"])
    death, progression = data["os_day"] <= censor, data["pd_day"] <= censor
    data["os_time"], data["os_event"] = np.where(death, data["os_day"], censor), death.astype(float)
    data["pfs_time"] = np.where(progression, data["pd_day"], data["os_time"])
    data["pfs_event"] = (progression | death).astype(float)
    data["pfs_cause"] = np.where(progression, data["pd_type"], np.where(death, 3, 0))
    data["B"] = (data["arm"] == "B").astype(float)
    return data


def trial_curves(data: Columns, endpoint: str) -> list[Any]:
    arms = [data["arm"] == arm for arm in "AB"]
    return [kaplan_meier(data[f"{endpoint}_time"][a], data[f"{endpoint}_event"][a]) for a in arms]


def solve_trial_os(case: dict[str, Any]) -> dict[str, Any]:
    data = trial_at_cutoff(case)
    time, event = data["os_time"], data["os_event"]
    plain, stratified = (logrank(time, event, data["arm"], strata=s) for s in (None, data["subtype"]))
    fit, fit_stratified = (cox(time, event, data["B"], strata=s) for s in (None, data["subtype"]))
    return {
        "n": time.size,
        "n_by_arm": dict(zip(plain.groups, plain.n, strict=True)),
        "events_by_arm": dict(zip(plain.groups, plain.observed, strict=True)),
        "logrank_z": plain.z,
        "logrank_p_one_sided": plain.p_one_sided,
        "stratified_logrank_z": stratified.z,
        "stratified_logrank_p_one_sided": stratified.p_one_sided,
        "hr": fit.hr[0],
        "hr_ci90": [limit[0] for limit in fit.confidence_interval(0.9)],
        "hr_ci95": [fit.ci_lower[0], fit.ci_upper[0]],
        "hr_stratified": fit_stratified.hr[0],
        "hr_stratified_ci90": [limit[0] for limit in fit_stratified.confidence_interval(0.9)],
    }


def solve_trial_km(case: dict[str, Any]) -> dict[str, Any]:
    answer = []
    for arm, curve in zip("AB", trial_curves(trial_at_cutoff(case), case["input"]["endpoint"]), strict=True):
        points = curve.at(case["input"]["times"])
        read = {name: getattr(points, name) for name in ("time", "n_risk", "surv", "lower", "upper")}
        answer.append({"arm": arm} | whole_curve(curve) | read)
    return {"arms": answer}


def solve_trial_5y(case: dict[str, Any]) -> dict[str, Any]:
    t = case["input"]["t"]
    a, b = trial_curves(trial_at_cutoff(case), "os")
    gap, gap90 = survival_difference(a, b, t), survival_difference(a, b, t, conf_level=0.9)
    mean = restricted_mean_difference(a, b, t)
    return {
        "surv_A": a.at([t]).surv[0],
        "surv_B": b.at([t]).surv[0],
        "diff_B_minus_A": gap.value,
        "se": gap.std_err,
        "ci95": [gap.lower, gap.upper],
        "ci90": [gap90.lower, gap90.upper],
        "rmst_diff_B_minus_A": mean.value,
        "rmst_diff_ci95": [mean.lower, mean.upper],
        "rmst_diff_p": mean.p_two_sided,
    }


def solve_trial_progression_site(case: dict[str, Any]) -> dict[str, Any]:
    data = trial_at_cutoff(case)
    return {"curves": incidence_curves(data["pfs_time"], data["pfs_cause"], data["arm"], case["input"]["times"], "arm")}


def solve_trial_subgroups(case: dict[str, Any]) -> dict[str, Any]:
    data = trial_at_cutoff(case)
    time, event, arm = data["os_time"], data["os_event"], data["B"]
    answer = []
    for variable in ("subtype", "n_mets", "denovo"):
        found = []
        for value in levels(data[variable]):
            inside = data[variable] == value
            fit = cox(time[inside], event[inside], arm[inside])
            found.append(
                {
                    "level": label(value),
                    "n": fit.n,
                    "events": fit.n_event,
                    "hr": fit.hr[0],
                    "ci95": [fit.ci_lower[0], fit.ci_upper[0]],
                }
            )
        dummies = [(data[variable] == value).astype(float) for value in levels(data[variable])[1:]]
        main = cox(time, event, np.column_stack([arm, *dummies]))
        full = cox(time, event, np.column_stack([arm, *dummies, *(arm * dummy for dummy in dummies)]))
        gain = 2 * (full.loglik - main.loglik)
        answer.append(
            {
                "variable": variable,
                "levels": found,
                "interaction_lrt": gain,
                "interaction_df": len(dummies),
                "interaction_p": chdtrc(len(dummies), gain),
            }
        )
    return {"subgroups": answer}


def solve_trial_adjusted(case: dict[str, Any]) -> dict[str, Any]:
    data = trial_at_cutoff(case)
    terms, strata = design(case["input"]["formula"], data)
    x = np.column_stack(list(terms.values()))
    fit = cox(data["os_time"], data["os_event"], x, names=list(terms), strata=strata)
    test = proportional_hazards_test(data["os_time"], data["os_event"], x, strata=strata)
    return {
        "terms": fit.terms,
        "coef": fit.coef,
        "se": fit.se,
        "zph_chisq": [*test.chisq, test.global_chisq],
        "zph_p": [*test.p, test.global_p],
    }


def solve_trial_proportions(case: dict[str, Any]) -> dict[str, Any]:
    data = trial_at_cutoff(case)
    answer = []
    for variable in ("ae_grade3", "sae", "qol_nonprog_12m"):
        b, a = (data[variable][(data["arm"] == arm) & ~np.isnan(data[variable])] for arm in "BA")
        table = Table(x1=int(b.sum()), n1=b.size, x0=int(a.sum()), n0=a.size)
        answer.append(
            {
                "variable": variable,
                "xB": table.x1,
                "nB": table.n1,
                "xA": table.x0,
                "nA": table.n0,
                "fisher_p_two_sided": fisher_exact(table).p_two_sided,
                "clopper_pearson_B": interval(clopper_pearson(table.x1, table.n1)),
                "clopper_pearson_A": interval(clopper_pearson(table.x0, table.n0)),
            }
        )
    return {"tables": answer}


SOLVERS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "kaplan_meier": solve_kaplan_meier,
    "kaplan_meier_left_truncated": solve_left_truncated,
    "logrank": solve_logrank,
    "logrank_stratified": solve_logrank,
    "rmst": solve_rmst,
    "cumulative_incidence_gray": solve_cumulative_incidence,
    "reverse_km_and_rates": solve_follow_up,
    "one_proportion": solve_one_proportion,
    "two_proportions": solve_two_proportions,
    "cochran_mantel_haenszel": solve_cmh,
    "trial_os_at_cutoff": solve_trial_os,
    "trial_km": solve_trial_km,
    "trial_5y_os": solve_trial_5y,
    "trial_progression_site_cif": solve_trial_progression_site,
    "trial_subgroup_hr": solve_trial_subgroups,
    "trial_adjusted_cox": solve_trial_adjusted,
    "trial_proportions": solve_trial_proportions,
}


@pytest.mark.parametrize(("case", "default"), reference_cases(FILES, SOLVERS.keys()))
def test_reference_value_is_met(case: dict[str, Any], default: dict[str, float]) -> None:
    """Every number of the case is met within the case's tolerance."""
    assert faults(case, default, SOLVERS[case["method"]](case), KEYS_ELSEWHERE) == []
