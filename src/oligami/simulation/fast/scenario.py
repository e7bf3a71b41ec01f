"""A scenario of operating characteristics: what is assumed of a trial's people and survival, in TOML beside the protocol.

`TRIAL/operating/NAME.toml` names only what it assumes; numbers of subjects, times, the rule of allocation, looks and level come
from the protocol itself. Every table says in `cite` where its numbers come from. It is no part of the protocol: the digest
does not see it. (Scenarios of rehearsals, which fill whole forms, are `oligami.simulation.scenario`.)
"""

import json
import tomllib
from dataclasses import field
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, TypeAdapter, ValidationError

from oligami.protocol.model.common import CONFIG, Identifier, Text, dataclass
from oligami.simulation.faults import fault_lines
from oligami.simulation.scenario import ScenarioError

FOLDER = "operating"

Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Inside: TypeAlias = Annotated[float, Field(gt=0, lt=1)]
Positive: TypeAlias = Annotated[float, Field(gt=0)]
NotNegative: TypeAlias = Annotated[float, Field(ge=0)]
Cite: TypeAlias = Annotated[str, Field(min_length=1)]


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Rate:
    """From this month on people come at this relative rate (per month; only ratios matter)."""

    from_month: NotNegative
    rate: NotNegative


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Coming:
    """How people come. What is left out is the protocol's: number of registrations, years of accrual, sites.

    rate: relative rates by month, uniform if left out. site_sizes: `uneven` is the shape of the table of predictability.
    """

    registered: Annotated[int, Field(ge=2)] | None = None
    months: Positive | None = None
    rate: tuple[Rate, ...] = ()
    sites: Annotated[int, Field(ge=1)] | None = None
    site_sizes: Literal["even", "uneven"] = "uneven"
    cite: Cite


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Attrition:
    """The way to randomization.

    pass_share: who reaches it, for all or by level of the hazard factor; the protocol's planned share if left out.
    delay_months: from first registration to randomization, uniform between the two.
    """

    pass_share: Share | dict[str, Share] | None = None
    delay_months: tuple[NotNegative, NotNegative] = (0.0, 0.0)
    cite: Cite


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Effect:
    """From this month after randomization on, the hazard of the experimental arm is this multiple of the control's."""

    from_month: NotNegative = 0.0
    hazard_ratio: Positive


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Survival:
    """Survival after randomization in the control arm, and the effect.

    control: share alive at the protocol's milestone, for all or by level of `factor` (exponential); or control_curve: months and
        shares alive, through which the curve runs with piecewise constant hazards.
    experimental: share alive at the milestone in the experimental arm, which gives one hazard ratio for all; or `effect`: hazard
        ratios by time.
    factor: the balancing factor on which survival depends and by which the stratified tests are stratified.
    """

    control: Inside | dict[str, Inside] | None = None
    control_curve: tuple[tuple[Positive, Inside], ...] = ()
    experimental: Inside | None = None
    effect: tuple[Effect, ...] = ()
    factor: str | None = None
    cite: Cite


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Leaving:
    """Loss to follow-up (a year, either arm), and departures from the arm drawn.

    crossover_per_year: at which subjects of the control arm start the experimental therapy; crossover_ratio: what their hazard is
    multiplied by from then on. untreated_share: of the experimental arm, who never get the therapy.
    """

    lost_per_year: NotNegative = 0.0
    crossover_per_year: NotNegative = 0.0
    crossover_ratio: Positive = 1.0
    untreated_share: Share = 0.0
    cite: Cite


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Tests:
    """Tests besides the primary one (which is the protocol's log-rank test, stratified as the plan says), and their settings."""

    beside: tuple[Literal["logrank", "stratified", "weighted", "cox", "rmst", "milestone"], ...] = ()
    weight: tuple[NotNegative, NotNegative] = (0.0, 1.0)  # rho and gamma of Fleming and Harrington
    rmst_months: Positive | None = None  # the milestone if left out
    milestone_months: Positive | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class OperatingScenario:
    """The whole of a scenario file. shares: of the levels of balancing factors, by factor; equal shares where left out."""

    id: str = Identifier
    trial: str
    title: Text
    note: Text
    coming: Coming
    attrition: Attrition
    shares: dict[str, dict[str, NotNegative]] = field(default_factory=dict)
    shares_cite: str = ""
    survival: Survival
    leaving: Leaving
    tests: Tests = field(default_factory=Tests)

    def __post_init__(self) -> None:
        """Refuse what cannot be assumed together.

        Raises:
            ValueError: control survival or effect are given in no way or in two, or times do not ascend.
        """
        survival = self.survival
        if (survival.control is None) == (not survival.control_curve):
            raise ValueError("survival: give either `control` or `control_curve`")
        if (survival.experimental is None) == (not survival.effect):
            raise ValueError("survival: give either `experimental` or `effect`")
        if survival.experimental is not None and not isinstance(survival.control, float):
            raise ValueError("survival: `experimental` goes with one `control` for all; give `effect` instead")
        if isinstance(survival.control, dict) and survival.factor is None:
            raise ValueError("survival: `control` by level needs the `factor`")
        if isinstance(self.attrition.pass_share, dict) and survival.factor is None:
            raise ValueError("attrition: `pass_share` by level needs survival's `factor`")
        if self.shares and not self.shares_cite:
            raise ValueError("shares_cite: say where the shares come from")
        starts = {
            "survival.effect": [each.from_month for each in survival.effect],
            "coming.rate": [r.from_month for r in self.coming.rate],
        }
        for name, months in starts.items():
            if months and (months[0] != 0 or any(a >= b for a, b in pairwise(months))):
                raise ValueError(f"{name}: months are {months}; they start at 0 and ascend")
        curve = survival.control_curve
        if any(a[0] >= b[0] or a[1] < b[1] for a, b in pairwise(curve)):
            raise ValueError(f"survival.control_curve is {list(curve)}; months ascend and shares do not")
        if self.attrition.delay_months[0] > self.attrition.delay_months[1]:
            raise ValueError(f"attrition.delay_months is {self.attrition.delay_months}; the lower limit comes first")


def load_operating_scenario(path: Path) -> OperatingScenario:
    """Read a scenario file.

    Raises:
        ScenarioError: it cannot be read or does not fit; all faults at once, each with its key, what was found and expected.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ScenarioError(f"{path}: there is no such file") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ScenarioError(f"{path}: cannot be read as TOML: {error}") from error
    try:
        # As JSON and strict, as the protocol's files are read: a text is never taken for a number.
        return TypeAdapter(OperatingScenario).validate_json(json.dumps(raw, default=str), strict=True)
    except ValidationError as error:
        raise ScenarioError("\n".join(fault_lines(path.name, OperatingScenario, raw, error))) from error


def find_operating_scenarios(protocol_folder: Path) -> dict[str, Path]:
    """Return the scenarios beside a protocol's versions by name."""
    return {path.stem: path for path in sorted((protocol_folder.parent / FOLDER).glob("*.toml"))}


def find_operating_scenario(protocol_folder: Path, name: str) -> Path:
    """Return a scenario by path (ending in .toml) or by name beside the protocol's versions.

    Raises:
        ScenarioError: there is none of that name; the message lists what there is.
    """
    if name.endswith(".toml"):
        return Path(name)
    known = find_operating_scenarios(protocol_folder)
    if name not in known:
        raise ScenarioError(
            f"scenario {name!r}: not found in {FOLDER}/ beside the protocol; there are: {', '.join(known) or 'none'}"
        )
    return known[name]
