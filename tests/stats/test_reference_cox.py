"""The published reference values of regression: every Cox, proportional-hazards and Fine-Gray case, at its tolerance."""

from typing import Any

import numpy as np
import pytest

from oligami.stats.concordance import concordance
from oligami.stats.partial_likelihood import linear_predictor
from oligami.stats.prediction import predict_survival
from oligami.stats.proportional_hazards import check_proportional_hazards
from oligami.stats.regression import cox
from oligami.stats.subdistribution import fine_gray
from stats_reference import columns_of, design, faults, label, levels, reference_cases

FILES = ["cox", "cox_zph", "competing_risks", "edge_cases"]
OF_THE_FIT = ("n", "n_event", "terms", "coef", "se", "robust_se", "hr", "ci_lower", "ci_upper", "z", "df", "p_two_sided")
OF_THE_TESTS = ("p_one_sided_lower", "loglik_null", "loglik", "lrt_chisq", "wald_chisq", "score_chisq")


def solve_cox(case: dict[str, Any]) -> dict[str, Any]:
    given, data = case["input"], columns_of(case)
    terms, strata = design(given["formula"], data)
    x = np.column_stack(list(terms.values()))
    cluster = data[given["cluster"]] if given["cluster"] else None
    fit = cox(
        data["time"],
        data["event"],
        x,
        names=list(terms),
        strata=strata,
        ties=given["ties"],
        cluster=cluster,
        conf_level=given["conf_level"],
    )
    order = concordance(data["time"], data["event"], linear_predictor(x, fit.coef), strata=strata, cluster=cluster)
    answer = {name: getattr(fit, name) for name in OF_THE_FIT + OF_THE_TESTS}
    answer |= {"concordance": order.estimate, "concordance_se": order.std_err}
    if wanted := case["expected"].get("baseline_cumhaz"):
        (curve,) = predict_survival(fit, np.zeros((1, len(terms))))
        answer["baseline_cumhaz"] = {"time": wanted["time"], "cumhaz": curve.at(wanted["time"]).cumulative_hazard}
    return answer


def solve_zph(case: dict[str, Any]) -> dict[str, Any]:
    given, data = case["input"], columns_of(case)
    terms, strata = design(given["formula"], data)
    x = np.column_stack(list(terms.values()))
    fit = cox(data["time"], data["event"], x, names=list(terms), strata=strata, ties=given["ties"])
    answer = []
    for wanted in case["expected"]["results"]:
        test = check_proportional_hazards(fit, scale=wanted["transform"])
        answer.append(
            {
                "transform": wanted["transform"],
                "terms": [*test.terms, "GLOBAL"],
                "chisq": [*test.chisq, test.global_chisq],
                "df": [1] * len(test.terms) + [test.global_df],
                "p": [*test.p, test.global_p],
            }
        )
    return {"results": answer}


def solve_fine_gray(case: dict[str, Any]) -> dict[str, Any]:
    given, data = case["input"], columns_of(case)
    terms = {}
    for name in given["covariates"]:
        if data[name].dtype.kind == "U":
            terms |= {f"{name}{label(value)}": data[name] == value for value in levels(data[name])[1:]}
        else:
            terms[name] = data[name]
    x = np.column_stack(list(terms.values())).astype(float)
    fit = fine_gray(data["time"], data["cause"], x, of_cause=given["failcode"], censored=given["censor_code"], names=list(terms))
    names = ("n", "terms", "coef", "se", "shr", "p_two_sided", "loglik_null", "loglik")
    return {name: getattr(fit, name) for name in names}


SOLVERS = {"cox_ph": solve_cox, "proportional_hazards_test": solve_zph, "fine_gray": solve_fine_gray}


@pytest.mark.parametrize(("case", "default"), reference_cases(FILES, SOLVERS.keys()))
def test_reference_value_is_met(case: dict[str, Any], default: dict[str, float]) -> None:
    """Every number of the case is met within the case's tolerance."""
    assert faults(case, default, SOLVERS[case["method"]](case)) == []
