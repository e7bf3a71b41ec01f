"""The planned numbers reproduced: subjects over the survival a trial leaves unstated, and registrations over the share that goes on."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from oligami.analysis.design.basis import allocation_ratio
from oligami.protocol.model.protocol import Protocol
from oligami.stats.sizing import baseline_table, registered_needed, registration, share_needed, uniform

#: By expected events at the planned end, in the order of the page.
METHODS: Final = (
    "schoenfeld", "freedman", "rubinstein", "lachin_foulkes", "lachin_foulkes_unpooled", "lakatos", "collett_simpson",
    "freedman_midpoint",
)  # fmt: skip
#: By survival at the milestone alone, as if nobody were followed any longer.
MILESTONE_METHODS: Final = (
    "schoenfeld_milestone", "freedman_milestone", "two_binomials", "two_binomials_arcsine", "kaplan_meier_milestone",
)  # fmt: skip
#: Read otherwise: the years of follow-up count from the first subject, so that the last is followed for less.
OVERALL_METHODS: Final = ("schoenfeld", "freedman", "lachin_foulkes", "lakatos")

ASSURANCES: Final = (0.8, 0.9, 0.95)


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRow:
    """The subjects one control survival asks for, by method: unrounded, and with each arm rounded up."""

    control: float
    experimental: float
    hazard_ratio: float
    presets: tuple[str, ...]
    in_page: bool
    subjects: Mapping[str, float]
    rounded: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A method and a control survival that give the number of the record."""

    method: str
    control: float
    presets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeTable:
    """Subjects over control survival. total: of the record, the number looked for.

    rows: follow-up counted from the end of accrual, as the protocol has it; by `METHODS`. milestone: by `MILESTONE_METHODS`.
    overall: the same years counted from the first subject, by `OVERALL_METHODS`; empty where they are no longer than accrual.
    """

    total: int
    rows: tuple[SizeRow, ...]
    milestone: tuple[SizeRow, ...]
    overall: tuple[SizeRow, ...]
    matches: tuple[Match, ...]  # among `rows`


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareRow:
    """What the planned registrations bring at one share that goes on, and how many it would take."""

    share: float
    is_implied: bool
    expected: float
    fewest: int  # 80 % of trials randomize between this
    most: int  # and this number
    probability_enough: float
    needed_on_average: int
    needed: Mapping[str, int]  # by assurance, "0.8" ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Registrations:
    """From the registrations to the randomized. share_for: that the planned registrations need, by assurance."""

    registered: int
    randomized: int
    implied: float
    probability_enough: float
    rows: tuple[ShareRow, ...]
    share_for: Mapping[str, float]


def size_table(protocol: Protocol) -> SizeTable:
    """Return the subjects over a span of control survivals around the presets, a point of percentage a row."""
    design = protocol.design
    presets = {each.id: each.control_survival for each in design.preset}
    base = _span(protocol)

    def rows(methods: tuple[str, ...], followup: float) -> tuple[SizeRow, ...]:
        found = baseline_table(
            base,
            difference=design.difference,
            milestone=design.milestone_years,
            accrual=uniform(design.accrual_years),
            followup=followup,
            alpha=design.alpha,
            power=design.power,
            sides=design.sided,
            allocation=allocation_ratio(protocol),
            methods=methods,
        )
        return tuple(
            SizeRow(
                control=control,
                experimental=float(found.survival_experimental[i]),
                hazard_ratio=float(found.hazard_ratio[i]),
                presets=_named(presets, control),
                in_page=round(100 * control) % 5 == 0 or bool(_named(presets, control)),
                subjects={name: float(column[i]) for name, column in found.subjects.items()},
                rounded={name: int(column[i]) for name, column in found.subjects_rounded.items()},
            )
            for i, control in enumerate(base)
        )

    planned = rows(METHODS, design.follow_up_years)
    after = design.follow_up_years - design.accrual_years
    return SizeTable(
        total=design.randomized_computed,
        rows=planned,
        milestone=rows(MILESTONE_METHODS, design.follow_up_years),
        overall=rows(OVERALL_METHODS, after) if after > 0 else (),
        matches=tuple(
            Match(method=method, control=row.control, presets=row.presets)
            for method in METHODS
            for row in planned
            if row.rounded[method] == design.randomized_computed
        ),
    )


def control_span(protocol: Protocol) -> tuple[float, float]:
    """Return the control survivals that tables and pictures go through: ten points and more around the presets."""
    controls = [each.control_survival for each in protocol.design.preset]
    low = max(0.05, math.floor(10 * min(controls) + 1e-9) / 10 - 0.1)
    return low, min(math.ceil(10 * max(controls) - 1e-9) / 10 + 0.1, 0.98 - protocol.design.difference)


def _span(protocol: Protocol) -> list[float]:
    low, high = control_span(protocol)
    points = {percent / 100 for percent in range(round(100 * low), math.floor(100 * high + 1e-9) + 1)}
    # A preset between two points has a row of its own.
    return sorted(points | {each.control_survival for each in protocol.design.preset})


def _named(presets: Mapping[str, float], control: float) -> tuple[str, ...]:
    return tuple(name for name, own in presets.items() if math.isclose(own, control, abs_tol=1e-9))


def registrations(protocol: Protocol) -> Registrations | None:
    """Return what the share that goes on from registration to randomization means; None where all do."""
    design = protocol.design
    registered, randomized = design.registered_planned, design.randomized_planned
    if registered == randomized:
        return None
    implied = randomized / registered
    centre = round(implied / 0.05) * 0.05
    shares = sorted({round(float(share), 10) for share in centre + np.arange(-3, 4) * 0.05 if 0 < share <= 1} | {implied})
    rows = []
    for share in shares:
        found = registration(registered, randomized, share)
        rows.append(
            ShareRow(
                share=share,
                is_implied=share == implied,
                expected=found.expected,
                fewest=found.fewest,
                most=found.most,
                probability_enough=found.probability_enough,
                needed_on_average=registered_needed(randomized, share),
                needed={str(sure): registered_needed(randomized, share, assurance=sure) for sure in ASSURANCES},
            )
        )
    return Registrations(
        registered=registered,
        randomized=randomized,
        implied=implied,
        probability_enough=registration(registered, randomized, implied).probability_enough,
        rows=tuple(rows),
        share_for={str(sure): share_needed(registered, randomized, assurance=sure) for sure in ASSURANCES},
    )
