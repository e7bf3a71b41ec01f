"""design.toml: the numbers of the trial and where each comes from."""

from typing import Literal

from oligami.protocol.model.common import CONFIG, Identifier, Origin, Text, dataclass


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class SurvivalPreset:
    """An assumption on survival at the milestone behind the number of subjects."""

    id: str = Identifier
    control_survival: float
    experimental_survival: float
    text: Text
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Closing:
    """When registration closes."""

    stage: str
    limit: int
    waiting_may_proceed: bool
    text: Text
    origin: Origin


#: How alpha (or beta) is spent over the looks: Lan-DeMets functions, or `none` for no stopping on that side.
Spending = Literal["lan_demets_obrien_fleming", "lan_demets_pocock", "hwang_shih_decani", "kim_demets", "none"]


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class InterimPlan:
    """The looks at the primary endpoint before and at the end.

    information: shares of the planned events, ascending, the last one 1.
    efficacy / futility: how alpha / beta is spent; their parameters are those of the two families that have one.
    binding: whether the futility bound must be obeyed; if so it is counted on when alpha is spent.
    """

    information: tuple[float, ...]
    efficacy: Spending
    efficacy_parameter: float | None = None
    futility: Spending = "none"
    futility_parameter: float | None = None
    binding: bool = False
    text: Text
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class DesignFile:
    """The whole of design.toml. Shares are fractions of 1, times in years."""

    type: Literal["superiority"]
    phase: str
    sites_planned: int
    registered_planned: int
    randomized_planned: int
    randomized_computed: int
    milestone_years: float
    difference: float
    alpha: float
    sided: Literal[1, 2]
    power: float
    accrual_years: float
    follow_up_years: float
    preset: tuple[SurvivalPreset, ...]
    preset_in_force: str
    closing: tuple[Closing, ...]
    interim: Text
    text: Text
    origin: Origin
    preset_origin: Origin
    interim_plan: InterimPlan | None = None  # None: one analysis, at the end
