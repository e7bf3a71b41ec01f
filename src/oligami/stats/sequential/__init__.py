"""Group-sequential designs: boundaries, what they cost and win, their monitoring, and inference after stopping.

Positive Z favours the experimental arm. Information is anything proportional to the inverse variance of the estimated
effect: events, Fisher information, patients. The drift is the mean of Z at the last planned look, effect x sqrt(its
information).

`spending` and `classical` name the families; `boundaries` solves them on the recursion of `recursion`; `characteristics`
says what a design does; `monitoring` follows the information actually observed; `inference` estimates after
stopping; `conditional` looks ahead from an interim analysis; `effect` translates hazard ratios.
"""

from oligami.stats.sequential.boundaries import Boundaries, boundaries, given_boundaries
from oligami.stats.sequential.characteristics import (
    Characteristics,
    Operating,
    characteristics,
    drift_for_power,
    inflation_factor,
    operating,
)
from oligami.stats.sequential.classical import Classical, haybittle_peto, obrien_fleming, pocock, wang_tsiatis
from oligami.stats.sequential.conditional import ConditionalPower, conditional_error, conditional_power, predictive_power
from oligami.stats.sequential.effect import drift_of_hazard_ratio, hazard_ratio_of_z
from oligami.stats.sequential.inference import (
    FinalInference,
    RepeatedIntervals,
    final_inference,
    repeated_interval,
    repeated_p,
    sequential_p,
)
from oligami.stats.sequential.monitoring import Monitoring, monitor
from oligami.stats.sequential.spending import (
    Spending,
    hwang_shih_decani,
    kim_demets,
    spending_named,
    spending_obrien_fleming,
    spending_pocock,
    user_spending,
)

__all__ = [
    "Boundaries",
    "Characteristics",
    "Classical",
    "ConditionalPower",
    "FinalInference",
    "Monitoring",
    "Operating",
    "RepeatedIntervals",
    "Spending",
    "boundaries",
    "characteristics",
    "conditional_error",
    "conditional_power",
    "drift_for_power",
    "drift_of_hazard_ratio",
    "final_inference",
    "given_boundaries",
    "haybittle_peto",
    "hazard_ratio_of_z",
    "hwang_shih_decani",
    "inflation_factor",
    "kim_demets",
    "monitor",
    "obrien_fleming",
    "operating",
    "pocock",
    "predictive_power",
    "repeated_interval",
    "repeated_p",
    "sequential_p",
    "spending_named",
    "spending_obrien_fleming",
    "spending_pocock",
    "user_spending",
    "wang_tsiatis",
]
