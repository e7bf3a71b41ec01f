"""All results of one cut in one frozen tree: what a report prints and what `numbers.json` holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from oligami.analysis.accrual import Accrual
from oligami.analysis.baseline import Baseline
from oligami.analysis.deviations import DataQualitySummary, DeviationSummary
from oligami.analysis.endpoints import EndpointResult
from oligami.analysis.flow import Flow
from oligami.analysis.local_therapy import LocalTherapy
from oligami.analysis.progression import ProgressionSites
from oligami.analysis.quality_of_life import QualityOfLife
from oligami.analysis.safety import Safety
from oligami.analysis.therapy import TherapyCourse
from oligami.data.datasets import Provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """What the first lines say besides the primary endpoint itself.

    planned_analysis: the day of the planned analysis, follow-up after the last randomization; None while accrual goes on.
    is_planned_analysis: whether the cut has reached it. Before that, p is descriptive.
    """

    primary: str
    registered: int
    randomized: int
    deaths: int
    planned_analysis: date | None
    is_planned_analysis: bool
    alpha: float
    sided: int
    milestone_years: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """The analysis of one cut. endpoints and progression_sites are by endpoint id, in the protocol's order."""

    provenance: Provenance
    arms: tuple[str, ...]
    headline: Headline
    flow: Flow
    accrual: Accrual
    baseline: Baseline
    endpoints: Mapping[str, EndpointResult]
    progression_sites: Mapping[str, ProgressionSites]
    local_therapy: tuple[LocalTherapy, ...]
    therapy: tuple[TherapyCourse, ...]
    safety: Safety | None
    quality_of_life: QualityOfLife | None
    deviations: DeviationSummary
    data_quality: DataQualitySummary
