"""Radiotherapy: biological dose, whether a prescription is an option of the protocol, where a lung lesion lies, and limits.

Doses, sites and limits are the protocol's (radiotherapy.toml, radiotherapy_constraints.toml). Reading plans is not done here.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

from oligami.protocol.compile import Compiled
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.model.radiotherapy import Constraint, DoseOption, PlanCheck, RadiotherapyFile
from oligami.protocol.problems import find_near_miss
from oligami.protocol.text import Reason, Text

PrescriptionStatus = Literal["ALLOWED", "NOT_ALLOWED", "UNDETERMINED", "NO_OPTION_FOR_SITE"]
#: Per protocol, deviation acceptable, violation unacceptable, not evaluable: the grades of JCOG radiotherapy review.
Grade = Literal["PP", "DA", "VU", "NE"]

#: What each grade is called in a sentence.
_GRADE_TEXTS: Final[Mapping[Grade, Text]] = {
    "DA": Text("an acceptable deviation", "許容逸脱"),
    "VU": Text("a violation", "違反"),
}
#: From the gravest: what is not known could still be a violation.
_GRAVEST: Final[tuple[Grade, ...]] = ("VU", "NE", "DA", "PP")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganVerdict:
    """The dose figures of an organ at risk held against its limits.

    organ: by the protocol's name; None if the name given is not known. grade: the gravest of the limits that count.
    """

    organ: str | None
    grade: Grade
    doses: tuple[DoseVerdict, ...]
    reasons: tuple[Reason, ...]


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


def find_organ(protocol: Protocol, name: str) -> str | None:
    """Return the protocol's name of a structure, found by name or alias; None for one it does not know.

    Case and punctuation do not matter: "spinal cord" and "Spinal_Cord" are the same.
    """
    wanted = _letters(name)
    known = _file(protocol).structure_name
    rows = protocol.constraints.constraint if protocol.constraints is not None else ()
    names = [*(each.name for each in known), *(row.organ for row in rows)]
    aliases = [(alias, each.name) for each in known for alias in each.aliases]
    return next((organ for word, organ in [*((each, each) for each in names), *aliases] if _letters(word) == wanted), None)


def judge_organ(protocol: Protocol, *, fractions: int, organ: str, figures: Mapping[str, float | None]) -> OrganVerdict:
    """Hold the dose figures of an organ at risk against its limits for a number of fractions.

    Only the limits of the figures that are given are judged; the reasons name the others. Limits that are only advice are
    shown and do not count. Without a limit that counts the answer is not evaluable.

    Args:
        protocol: the protocol.
        fractions: number of fractions of the plan.
        organ: name or alias of the structure.
        figures: by metric, such as D0.03cc, in the unit of its limits; None is not known. Case does not matter.

    Raises:
        ValueError: the protocol has no radiotherapy file.
    """
    name = find_organ(protocol, organ)
    rows = limits(protocol, fractions, name) if name is not None else ()
    if name is None or not rows:
        return OrganVerdict(organ=name, grade="NE", doses=(), reasons=(_no_limit(protocol, fractions, organ, name),))
    given = {metric.casefold(): value for metric, value in figures.items()}
    doses = [judge_dose(protocol, row, given[row.metric.casefold()]) for row in rows if row.metric.casefold() in given]
    grades = [each.grade for each in doses if each.counts]
    reasons = [_tell_dose(name, each) for each in doses if each.kept is not True]
    listed = {row.metric.casefold() for row in rows}
    unlisted = [metric for metric in figures if metric.casefold() not in listed]
    missing = list(dict.fromkeys(row.metric for row in rows if row.metric.casefold() not in given))
    if unlisted:
        names = ", ".join(metric[:40] for metric in unlisted)
        text = Text(
            f"{name} has no limit of {names} in {fractions} fractions.",
            f"{name} の {names} には {fractions} 回照射での制約がありません。",
        )
        reasons.append(Reason("radiotherapy.no_limit", text))
    if missing:
        text = Text(
            f"{name} has more limits in {fractions} fractions, not judged here: {', '.join(missing)}.",
            f"{name} には {fractions} 回照射でほかの制約もあります(今回は未判定):{'、'.join(missing)}。",
        )
        reasons.append(Reason("radiotherapy.not_given", text))
    if doses and not grades:
        text = Text("These limits are only advice and do not count.", "これらの制約は参考値であり、判定には用いません。")
        reasons.append(Reason("radiotherapy.advice", text))
    gravest: Grade = next((each for each in _GRAVEST if each in grades), "NE")
    return OrganVerdict(organ=name, grade=gravest, doses=tuple(doses), reasons=tuple(reasons))


def _tell_dose(organ: str, verdict: DoseVerdict) -> Reason:
    row = verdict.constraint
    limit = f"{row.op} {row.limit:g} {row.unit}"
    if verdict.value is None:
        text = Text(
            f"{organ} {row.metric}: no figure to hold against {limit}.",
            f"{organ} {row.metric}:制約 {limit} と比べる値がありません。",
        )
        return Reason(row.id, text)
    grade = _GRADE_TEXTS[verdict.grade] if verdict.counts else Text("only advice, does not count", "参考値であり判定に用いない")
    # In full: 26.0001 rounded to 26 would seem to keep a limit of 26.
    said = f"{Decimal(str(verdict.value)).normalize():f} {row.unit}"
    text = Text(
        f"{organ} {row.metric} is {said}; the limit in {row.fractions} fractions is {limit}: {grade.en}.",
        f"{organ} {row.metric} は {said} です。{row.fractions} 回照射での制約は {limit}:{grade.ja}。",
    )
    return Reason(row.id, text)


def _no_limit(protocol: Protocol, fractions: int, given: str, organ: str | None) -> Reason:
    rows = protocol.constraints.constraint if protocol.constraints is not None else ()
    if organ is None:
        near = find_near_miss(given, dict.fromkeys(row.organ for row in rows))
        hint = Text(f" Did you mean {near}?", f"{near} ではありませんか。") if near else Text("", "")
        text = Text(
            f'The protocol does not know a structure "{given[:40]}"; name it as TG-263 does.{hint.en}',
            f"「{given[:40]}」はプロトコールにない構造名です。TG-263 の名称を用いてください。{hint.ja}",
        )
        return Reason("radiotherapy.organ", text)
    elsewhere = sorted({row.fractions for row in rows})
    own = [count for count in elsewhere if limits(protocol, count, organ)]
    there = ", ".join(str(count) for count in own or elsewhere)
    if fractions not in elsewhere:
        text = Text(
            f"There is no table of limits for {fractions} fractions; there are for {there}.",
            f"{fractions} 回照射の制約表はありません。あるのは {there} 回です。",
        )
    elif own:
        text = Text(
            f"{organ} has no limit in {fractions} fractions; it has in {there}.",
            f"{organ} には {fractions} 回照射での制約がありません。あるのは {there} 回です。",
        )
    else:
        text = Text(f"{organ} has no limit.", f"{organ} には制約がありません。")
    return Reason("radiotherapy.no_limit", text)


def _letters(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


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
