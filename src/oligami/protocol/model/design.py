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
