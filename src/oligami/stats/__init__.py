"""The statistics of a confirmatory survival trial: numerics on arrays that know no trial.

The functions a statistician asks for first are here by name, `from oligami.stats import kaplan_meier, logrank, cox`, and loaded
when they are used; the modules hold the rest:

- curves: `survival` (Kaplan-Meier), `nelson_aalen`, `restricted_mean`, `rates`, `competing` (Aalen-Johansen, Gray),
  `parametric`, `piecewise_exponential`, `reconstruction` (patient data from a published curve);
- comparisons: `comparison` (log-rank and its weights in `weights`), `combination` (MaxCombo), `milestone`;
- regression: `regression` (Cox), `proportional_hazards`, `profile_likelihood`, `prediction`, `residuals`, `concordance`,
  `subdistribution` (Fine and Gray);
- counts and questionnaires: `proportions`, `differences`, `deterioration`, `repeated_measures`;
- designs: the packages `sizing` (subjects, events, time) and `sequential` (looks before the end).

All are plain numpy and scipy; where the extra `fast` is installed, long columns go through compiled kernels that give the same
numbers (`fast`). Every published number they must meet stands in the tests.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from oligami.stats.combination import maxcombo as maxcombo
    from oligami.stats.comparison import logrank as logrank
    from oligami.stats.comparison import peto_hazard_ratio as peto_hazard_ratio
    from oligami.stats.competing import cumulative_incidence as cumulative_incidence
    from oligami.stats.competing import gray_test as gray_test
    from oligami.stats.competing import incidence_difference as incidence_difference
    from oligami.stats.deterioration import time_to_deterioration as time_to_deterioration
    from oligami.stats.differences import miettinen_nurminen_difference as miettinen_nurminen_difference
    from oligami.stats.differences import miettinen_nurminen_ratio as miettinen_nurminen_ratio
    from oligami.stats.milestone import milestone_difference as milestone_difference
    from oligami.stats.parametric import fit_exponential as fit_exponential
    from oligami.stats.parametric import fit_weibull as fit_weibull
    from oligami.stats.piecewise_exponential import fit_piecewise_exponential as fit_piecewise_exponential
    from oligami.stats.prediction import predict_survival as predict_survival
    from oligami.stats.profile_likelihood import profile_interval as profile_interval
    from oligami.stats.proportional_hazards import check_proportional_hazards as check_proportional_hazards
    from oligami.stats.proportional_hazards import proportional_hazards_test as proportional_hazards_test
    from oligami.stats.proportions import clopper_pearson as clopper_pearson
    from oligami.stats.proportions import newcombe_difference as newcombe_difference
    from oligami.stats.proportions import wilson as wilson
    from oligami.stats.rates import event_rates as event_rates
    from oligami.stats.reconstruction import reconstruct as reconstruct
    from oligami.stats.regression import cox as cox
    from oligami.stats.residuals import deviance_residuals as deviance_residuals
    from oligami.stats.residuals import dfbeta as dfbeta
    from oligami.stats.residuals import dfbetas as dfbetas
    from oligami.stats.residuals import martingale_residuals as martingale_residuals
    from oligami.stats.residuals import scaled_schoenfeld_residuals as scaled_schoenfeld_residuals
    from oligami.stats.residuals import schoenfeld_residuals as schoenfeld_residuals
    from oligami.stats.residuals import score_residuals as score_residuals
    from oligami.stats.restricted_mean import adjusted_restricted_mean as adjusted_restricted_mean
    from oligami.stats.restricted_mean import compare_restricted_means as compare_restricted_means
    from oligami.stats.restricted_mean import restricted_mean_difference as restricted_mean_difference
    from oligami.stats.subdistribution import fine_gray as fine_gray
    from oligami.stats.survival import kaplan_meier as kaplan_meier
    from oligami.stats.survival import reverse_kaplan_meier as reverse_kaplan_meier
    from oligami.stats.survival import survival_difference as survival_difference
    from oligami.stats.weights import FlemingHarrington as FlemingHarrington
    from oligami.stats.weights import ModestlyWeighted as ModestlyWeighted

_HOME = {
    "FlemingHarrington": "weights",
    "ModestlyWeighted": "weights",
    "adjusted_restricted_mean": "restricted_mean",
    "check_proportional_hazards": "proportional_hazards",
    "clopper_pearson": "proportions",
    "compare_restricted_means": "restricted_mean",
    "cox": "regression",
    "cumulative_incidence": "competing",
    "deviance_residuals": "residuals",
    "dfbeta": "residuals",
    "dfbetas": "residuals",
    "event_rates": "rates",
    "fine_gray": "subdistribution",
    "fit_exponential": "parametric",
    "fit_piecewise_exponential": "piecewise_exponential",
    "fit_weibull": "parametric",
    "gray_test": "competing",
    "incidence_difference": "competing",
    "kaplan_meier": "survival",
    "logrank": "comparison",
    "martingale_residuals": "residuals",
    "maxcombo": "combination",
    "miettinen_nurminen_difference": "differences",
    "miettinen_nurminen_ratio": "differences",
    "milestone_difference": "milestone",
    "newcombe_difference": "proportions",
    "peto_hazard_ratio": "comparison",
    "predict_survival": "prediction",
    "profile_interval": "profile_likelihood",
    "proportional_hazards_test": "proportional_hazards",
    "reconstruct": "reconstruction",
    "restricted_mean_difference": "restricted_mean",
    "reverse_kaplan_meier": "survival",
    "scaled_schoenfeld_residuals": "residuals",
    "schoenfeld_residuals": "residuals",
    "score_residuals": "residuals",
    "survival_difference": "survival",
    "time_to_deterioration": "deterioration",
    "wilson": "proportions",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    """Load a function when it is asked for: the command line must not wait for scipy."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """List the functions beside what is loaded."""
    return sorted({*globals(), *_HOME})
