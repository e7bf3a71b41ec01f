"""Radiotherapy: biological dose, whether a prescription is an option of the protocol, where a lung lesion lies, and limits.

Doses, sites and limits are the protocol's (radiotherapy.toml, radiotherapy_constraints.toml). Reading plans is not done here.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from oligami.protocol.compile import Compiled
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.model.radiotherapy import Constraint, DoseOption, PlanCheck, RadiotherapyFile
from oligami.protocol.text import Text

PrescriptionStatus = Literal["ALLOWED", "NOT_ALLOWED", "UNDETERMINED", "NO_OPTION_FOR_SITE"]
#: Per protocol, deviation acceptable, violation unacceptable, not evaluable: the grades of JCOG radiotherapy review.
Grade = Literal["PP", "DA", "VU", "NE"]


def bed(total_gy: float, fractions: int, alpha_beta_gy: float) -> float:
    """Return the biologically effective dose in Gy, n d (1 + d / (alpha/beta)), without time correction.

    Source: Fowler (1989), Br J Radiol 62, 679-694.
    """
    return total_gy * (1 + total_gy / fractions / alpha_beta_gy)


def eqd2(total_gy: float, fractions: int, alpha_beta_gy: float) -> float:
    """Return the dose in 2 Gy fractions with the same biological effect, BED / (1 + 2 / (alpha/beta)), in Gy."""
    return bed(total_gy, fractions, alpha_beta_gy) / (1 + 2 / alpha_beta_gy)


@dataclass(frozen=True, slots=True, kw_only=True)
class BiologicalDose:
    """BED and EQD2 in Gy for one alpha/beta (Gy)."""

    alpha_beta_gy: float
    bed_gy: float
    eqd2_gy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PrescriptionVerdict:
    """Whether a prescription is an option of the protocol, with its figures (None and empty where the dose is missing)."""

    status: PrescriptionStatus
    option: DoseOption | None
    dose_per_fraction_gy: float | None
    doses: tuple[BiologicalDose, ...]
    reason: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationVerdict:
    """Where a lung lesion lies, in the protocol's word, and why."""

    location: str
    reason: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseVerdict:
    """A dose figure held against a limit. `counts` is false for a limit that is only advice."""

    constraint: Constraint
    value: float | None
    kept: bool | None
    grade: Grade
    counts: bool


def judge_prescription(
    protocol: Protocol,
    *,
    site: str | None,
    lung_location: str | None,
    total_gy: float | None,
    fractions: int | None,
) -> PrescriptionVerdict:
    """Judge a prescription: site, location (only where the options depend on it), total dose and number of fractions.

    Doses are compared within the protocol's tolerance, both ends included. With the location unknown the answer is
    UNDETERMINED if the dose fits some location's option, else NOT_ALLOWED. Site or dose missing: UNDETERMINED.

    Raises:
        ValueError: the protocol has no radiotherapy file, or a dose is not above 0.
    """
    rules = _file(protocol)
    if (total_gy is not None and not (total_gy > 0 and math.isfinite(total_gy))) or (fractions is not None and fractions < 1):
        raise ValueError(f"{total_gy} Gy in {fractions} fractions: expected a dose above 0 in 1 fraction or more")
    options = [option for option in rules.option if option.site == site]
    found: tuple[PrescriptionStatus, DoseOption | None, Text]
    if site is not None and not options:
        found = "NO_OPTION_FOR_SITE", None, _no_option(rules, site)
    elif site is None or total_gy is None or fractions is None:
        missing = Text("Site, total dose or fractions are missing.", "部位・総線量・分割回数のいずれかが不足しています。")
        found = "UNDETERMINED", None, missing
    else:
        found = _match(rules, options, lung_location, total_gy, fractions)
    status, option, reason = found
    if total_gy is None or fractions is None:
        return PrescriptionVerdict(status=status, option=option, dose_per_fraction_gy=None, doses=(), reason=reason)
    return PrescriptionVerdict(
        status=status,
        option=option,
        dose_per_fraction_gy=total_gy / fractions,
        doses=biological_doses(rules, total_gy, fractions),
        reason=reason,
    )


def biological_doses(rules: RadiotherapyFile, total_gy: float, fractions: int) -> tuple[BiologicalDose, ...]:
    """Return BED and EQD2 for every alpha/beta of the protocol."""
    return tuple(
        BiologicalDose(alpha_beta_gy=ratio, bed_gy=bed(total_gy, fractions, ratio), eqd2_gy=eqd2(total_gy, fractions, ratio))
        for ratio in rules.prescription.alpha_beta_gy
    )


def technique_query(option: DoseOption, technique: str | None) -> Text | None:
    """Return the question to the study office when another technique than the option's was given; None if there is none."""
    if technique is None or technique == option.technique:
        return None
    return Text(
        f"Technique {technique}; {option.technique} is expected for {_describe(option).en}.",
        f"照射技術が {technique} です。{_describe(option).ja} では {option.technique} を想定しています。",
    )


def find_lung_location(compiled: Compiled, values: Mapping[str, Any]) -> LocationVerdict:
    """Find where a lung lesion lies: the first rule that is true decides; what is unknown is not true.

    Args:
        compiled: the protocol.
        values: the items that `lung_location.items` names; None or a missing key is unknown.

    Raises:
        ValueError: the protocol has no radiotherapy file.
        TypeError: an item is not of its type; the message names it.
    """
    for rule, when in compiled.lung_location:
        if when.value(values):
            return LocationVerdict(location=rule.location, reason=rule.reason)
    otherwise = _file(compiled.protocol).lung_location.otherwise
    return LocationVerdict(
        location=otherwise, reason=Text("None of the conditions before this one holds.", "上位の条件のいずれにも該当しません。")
    )


def limits(protocol: Protocol, fractions: int, organ: str) -> tuple[Constraint, ...]:
    """Return the limits of an organ for a number of fractions; an organ without its own has those of its other side.

    Args:
        protocol: the protocol.
        fractions: number of fractions of the plan.
        organ: TG-263 name.
    """
    if protocol.constraints is None:
        return ()
    rows = [row for row in protocol.constraints.constraint if row.fractions == fractions]
    own = tuple(row for row in rows if row.organ == organ)
    if own:
        return own
    twins = {name for group in protocol.constraints.same_limits if organ in group for name in group}
    return tuple(row for row in rows if row.organ in twins)


def judge_dose(protocol: Protocol, constraint: Constraint, value: float | None) -> DoseVerdict:
    """Hold a dose figure (in the constraint's unit) against a limit and grade an excess by the limit's severity.

    Without a plan check for the severity every excess is a violation.

    Raises:
        ValueError: the protocol has no radiotherapy file.
    """
    counts = constraint.level == "default"
    if value is None:
        return DoseVerdict(constraint=constraint, value=None, kept=None, grade="NE", counts=counts)
    # Decimals, so that a limit times 1.05 is what a reader computes by hand.
    figure, limit = Decimal(str(value)), Decimal(str(constraint.limit))
    kept = {"<": figure < limit, "<=": figure <= limit, ">": figure > limit, ">=": figure >= limit}[constraint.op]
    check = _severity_check(_file(protocol), constraint.severity)
    acceptable = Decimal(str(check.acceptable_max)) if check is not None and check.acceptable_max is not None else Decimal(1)
    if constraint.op in ("<", "<="):
        within = acceptable > 1 and figure <= limit * acceptable
    else:
        within = acceptable > 1 and figure >= limit / acceptable
    return DoseVerdict(
        constraint=constraint, value=value, kept=kept, grade="PP" if kept else "DA" if within else "VU", counts=counts
    )


def _match(
    rules: RadiotherapyFile, options: list[DoseOption], location: str | None, total_gy: float, fractions: int
) -> tuple[PrescriptionStatus, DoseOption | None, Text]:
    fitting = [option for option in options if _fits(rules, option, total_gy, fractions)]
    by_location = options[0].site == rules.prescription.location_site
    if by_location and location in (None, rules.prescription.unknown_location):
        if fitting:
            names = " / ".join(str(option.lung_location) for option in fitting)
            text = Text(
                f"The location is unknown; the dose is the option for {names}.",
                f"位置が不明です。この線量は {names} の選択肢に一致します。",
            )
            return "UNDETERMINED", None, text
    elif by_location:
        options = [option for option in options if option.lung_location == location]
        fitting = [option for option in fitting if option.lung_location == location]
    if fitting:
        return "ALLOWED", fitting[0], Text(f"Option: {_describe(fitting[0]).en}.", f"選択肢:{_describe(fitting[0]).ja}。")
    given = f"{total_gy:g} Gy / {fractions}"
    return (
        "NOT_ALLOWED",
        None,
        Text(
            f"{given} is no option; allowed: {', '.join(_describe(option).en for option in options)}.",
            f"{given} は選択肢にありません。認められる処方:{'、'.join(_describe(option).ja for option in options)}。",
        ),
    )


def _fits(rules: RadiotherapyFile, option: DoseOption, total_gy: float, fractions: int) -> bool:
    """Whether dose and fractions are the option's. In decimals: 24.01 - 24 is more than 0.01 in binary."""
    tolerance = Decimal(str(rules.prescription.tolerance_gy))
    total = Decimal(str(total_gy))
    low, high = Decimal(str(option.total_gy_min)) - tolerance, Decimal(str(option.total_gy_max)) + tolerance
    return option.fractions == fractions and low <= total <= high


def _no_option(rules: RadiotherapyFile, site: str) -> Text:
    sites = ", ".join(dict.fromkeys(option.site for option in rules.option))
    return Text(
        f"There is no radiotherapy option for {site[:40]} (only {sites}): surgery, or ask the study office.",
        f"{site[:40]} の放射線治療の選択肢はありません({sites} のみ)。手術を検討するか、研究事務局に問い合わせてください。",
    )


def _describe(option: DoseOption) -> Text:
    same = option.total_gy_min == option.total_gy_max
    dose = f"{option.total_gy_min:g} Gy" if same else f"{option.total_gy_min:g}-{option.total_gy_max:g} Gy"
    place = f" ({option.lung_location})" if option.lung_location else ""
    return Text(f"{option.site}{place} {dose} in {option.fractions}", f"{option.site}{place} {dose} / {option.fractions} 回")


def _severity_check(rules: RadiotherapyFile, severity: str) -> PlanCheck | None:
    return next((check for check in rules.plan_check if check.applies_to == f"severity {severity}"), None)


def _file(protocol: Protocol) -> RadiotherapyFile:
    if protocol.radiotherapy is None:
        raise ValueError(f"protocol {protocol.id} has no radiotherapy.toml")
    return protocol.radiotherapy
