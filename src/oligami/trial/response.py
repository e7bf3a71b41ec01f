"""How a course of disease is read: response at each assessment, progression with its date and site, PFS and OS.

The numbers and the table of overall response are the protocol's (response.toml). The rest is RECIST 1.1: Eisenhauer,
Eur J Cancer 2009;45:228. Sizes are compared as decimals, since 15.5 mm plus 20 % is not 18.6 in binary.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal

from oligami.protocol.model.response import ResponseFile
from oligami.protocol.text import Reason, Text

TargetResponse = Literal["CR", "PR", "SD", "PD", "NE"]
ProgressionSite = Literal["oligometastases", "non_oligometastases", "both"]
NewLesion = Literal["no", "equivocal", "yes", "unknown"]

NONE: Final = "none"  # the table's word for "there is no such lesion"
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetLesion:
    """A target lesion as measured at baseline, in mm: longest diameter, or short axis of a node.

    oligo: whether it is an oligometastasis (not the primary or a local recurrence). resected: the date of its surgery.
    organ: for the limit of targets an organ; empty if not known. last_fraction: the end of its radiotherapy.
    """

    id: str
    mm: float
    nodal: bool = False
    oligo: bool = True
    organ: str = ""
    resected: date | None = None
    last_fraction: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NonTargetLesion:
    """A lesion that is followed but not measured."""

    id: str
    oligo: bool = True
    resected: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """One imaging assessment.

    sizes: mm by target; None or a missing key: not assessed. Too small to measure is entered as the protocol's figure.
    non_target: the reader's word for all non-targets together; None: not assessed, or there is none.
    confirms_equivocal: this new lesion is the one that earlier assessments called equivocal.
    progressed: the non-targets that progressed, where the reader names them.
    """

    date: date
    sizes: Mapping[str, float | None] = field(default_factory=dict)
    non_target: str | None = None
    new_lesion: NewLesion = "no"
    confirms_equivocal: bool = False
    progressed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessedResponse:
    """What an assessment shows. The figures are None where the sum cannot be told and progression is not proven.

    target: None if there is no target lesion (any more). nadir_mm: the smallest evaluable sum before this assessment.
    changes: in percent, unrounded; None if the sum compared with is 0.
    """

    date: date
    target: TargetResponse | None
    overall: str
    progressed: bool
    evaluable: bool
    sum_mm: Decimal | None = None
    baseline_mm: Decimal | None = None
    nadir_mm: Decimal | None = None
    change_from_baseline_pct: Fraction | None = None
    change_from_nadir_pct: Fraction | None = None
    change_from_nadir_mm: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A course of disease by imaging, in order of dates. Clinical progression counts in PFS besides."""

    assessments: tuple[AssessedResponse, ...]
    progression_date: date | None
    progression_site: ProgressionSite | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A time to an event in days from the start (whose day is 0); `event` false: censored on `date`."""

    event: bool
    date: date
    days: int


def assess_course(
    rules: ResponseFile,
    baseline: Sequence[TargetLesion],
    non_targets: Sequence[NonTargetLesion],
    assessments: Iterable[Assessment],
) -> Course:
    """Judge every assessment of a course of disease.

    Baseline is the one before first registration throughout. A resected lesion leaves sum, baseline sum and nadir from the
    date of surgery (if the protocol says so); what was measured before is then compared without it.

    Returns:
        The responses in order of dates. Progression dates from the first assessment that shows it; a confirmed new lesion
        dates from the first scan that called it equivocal.
    """
    ordered = sorted(assessments, key=lambda each: each.date)
    responses = tuple(
        _assess(rules, baseline, non_targets, ordered[:place], assessment) for place, assessment in enumerate(ordered)
    )
    first = _first_progression(ordered, responses)
    if first is None:
        return Course(assessments=responses, progression_date=None, progression_site=None)
    when, place = first
    site = _find_site(rules, baseline, non_targets, ordered[:place], ordered[place])
    return Course(assessments=responses, progression_date=when, progression_site=site)


def find_progression_site(
    rules: ResponseFile,
    baseline: Sequence[TargetLesion],
    non_targets: Sequence[NonTargetLesion],
    assessments: Iterable[Assessment],
    on: date,
) -> ProgressionSite | None:
    """Return where the assessment of a date shows progression, taking the reader's word that it does.

    None if it says neither of a size, nor of a new lesion, nor of non-targets that progressed, or if there is no such
    assessment.
    """
    ordered = sorted(assessments, key=lambda each: each.date)
    place = next((place for place, each in enumerate(ordered) if each.date == on), None)
    if place is None:
        return None
    told = ordered[place]
    measured = any(told.sizes.get(lesion.id) is not None for lesion in _present(rules, baseline, on))
    if not measured and told.new_lesion != "yes" and told.non_target not in rules.codes_that_progress:
        return None
    return _find_site(rules, baseline, non_targets, ordered[:place], told)


def has_progressed(rules: ResponseFile, size_mm: float, smallest_mm: float) -> bool:
    """Whether a single lesion progressed from its own smallest size: by share and by mm, or from nothing at all."""
    return _has_grown(rules, _exact(size_mm), _exact(smallest_mm))


def progression_free_survival(
    course: Course, *, start: date, death: date | None = None, clinical_progression: date | None = None
) -> Outcome:
    """Return time to progression (imaging or clinical) or death, else to the last assessment that showed no progression.

    Not evaluable and missing assessments neither censor nor count as progression-free; without a progression-free
    assessment after the start the time is censored at day 0. A progression before the start is an event on day 0.
    """
    events = [day for day in (course.progression_date, clinical_progression, death) if day is not None]
    if events:
        return _outcome(start, max(start, min(events)), event=True)
    free = [each.date for each in course.assessments if each.evaluable and not each.progressed and each.date >= start]
    return _outcome(start, max(free, default=start), event=False)


def overall_survival(*, start: date, death: date | None, last_alive: date) -> Outcome:
    """Return time to death from any cause, else to the last date known alive."""
    return _outcome(start, last_alive if death is None else death, event=death is not None)


def may_be_fibrosis(rules: ResponseFile, site: str, last_fraction: date, on: date) -> bool:
    """Return whether regrowth on that date may be fibrosis after radiotherapy, so that the reader may call it equivocal."""
    months = (on.year - last_fraction.year) * 12 + on.month - last_fraction.month
    within = months < rules.fibrosis_months or (months == rules.fibrosis_months and on.day <= last_fraction.day)
    return site in rules.fibrosis_sites and on >= last_fraction and within


def fibrosis_warnings(
    rules: ResponseFile, baseline: Sequence[TargetLesion], assessments: Sequence[Assessment], course: Course
) -> tuple[Reason, ...]:
    """Return, for each assessment that shows progression, the irradiated targets whose growth may be fibrosis.

    Growth is from the lesion's own smallest size so far; the verdict is not changed, since the reader decides.
    """
    ordered = sorted(assessments, key=lambda each: each.date)
    found = []
    for place, (assessment, response) in enumerate(zip(ordered, course.assessments, strict=True)):
        for lesion in _present(rules, baseline, assessment.date) if response.progressed else ():
            size, done = _size(assessment, lesion), lesion.last_fraction
            if size is None or done is None or not may_be_fibrosis(rules, lesion.organ, done, assessment.date):
                continue
            if size > _smallest(lesion, ordered[:place]):
                text = Text(
                    f"Growth of {lesion.id} on {assessment.date}, within {rules.fibrosis_months} months of radiotherapy to the "
                    f"{lesion.organ}, may be fibrosis: the reader may hold it as equivocal.",
                    f"{assessment.date} の {lesion.id} の増大は、放射線治療({lesion.organ})後 {rules.fibrosis_months} か月以内で"
                    "あり、線維化の可能性があります。判定を保留できます。",
                )
                found.append(Reason("response.fibrosis", text))
    return tuple(found)


def baseline_warnings(rules: ResponseFile, baseline: Sequence[TargetLesion]) -> tuple[Reason, ...]:
    """Return what is unusual about the choice of target lesions: not measurable, too many, too many in an organ."""
    found = []
    for lesion in baseline:
        least = rules.measurable_node_short_axis_mm if lesion.nodal else rules.measurable_mm
        if lesion.mm < least:
            text = Text(
                f"Target {lesion.id} is below {least:g} mm and not measurable: follow it as a non-target.",
                f"標的病変 {lesion.id} は {least:g} mm 未満で測定可能病変ではありません。非標的病変として追跡してください。",
            )
            found.append(Reason("response.measurable", text))
    if len(baseline) > rules.max_targets:
        text = Text(f"More than {rules.max_targets} targets.", f"標的病変が {rules.max_targets} 個を超えています。")
        found.append(Reason("response.max_targets", text))
    organs = [lesion.organ for lesion in baseline if lesion.organ]
    for organ in dict.fromkeys(organs):
        if organs.count(organ) > rules.max_targets_per_organ:
            text = Text(
                f"More than {rules.max_targets_per_organ} targets in one organ ({organ}).",
                f"1臓器({organ})の標的病変が {rules.max_targets_per_organ} 個を超えています。",
            )
            found.append(Reason("response.max_targets_per_organ", text))
    return tuple(found)


# ---------------------------------------------------------------- one assessment


def _assess(
    rules: ResponseFile,
    baseline: Sequence[TargetLesion],
    non_targets: Sequence[NonTargetLesion],
    earlier: Sequence[Assessment],
    assessment: Assessment,
) -> AssessedResponse:
    lesions = _present(rules, baseline, assessment.date)
    non_target = assessment.non_target
    if non_target is None:
        non_target = "NE" if any(_is_present(rules, each.resected, assessment.date) for each in non_targets) else NONE
    sizes = {lesion.id: _size(assessment, lesion) for lesion in lesions}
    measured = [size for size in sizes.values() if size is not None]
    total, base = sum(measured, _ZERO), sum((_exact(lesion.mm) for lesion in lesions), _ZERO)
    nadir = _nadir(lesions, earlier)
    target = _judge_targets(rules, lesions, sizes, total=total, base=base, nadir=nadir) if lesions else None
    overall = _judge_overall(rules, target or NONE, non_target, assessment.new_lesion)
    progressed, evaluable = overall in rules.codes_that_progress, overall != "NE"
    if target is None or target == "NE":
        return AssessedResponse(date=assessment.date, target=target, overall=overall, progressed=progressed, evaluable=evaluable)
    return AssessedResponse(
        date=assessment.date,
        target=target,
        overall=overall,
        progressed=progressed,
        evaluable=evaluable,
        sum_mm=total,
        baseline_mm=base,
        nadir_mm=nadir,
        change_from_baseline_pct=_change(total, base),
        change_from_nadir_pct=_change(total, nadir),
        change_from_nadir_mm=total - nadir,
    )


def _judge_targets(
    rules: ResponseFile,
    lesions: Sequence[TargetLesion],
    sizes: Mapping[str, Decimal | None],
    *,
    total: Decimal,
    base: Decimal,
    nadir: Decimal,
) -> TargetResponse:
    """Judge the targets. Progression comes first: what is missing could only add to the sum of what was measured."""
    if _has_grown(rules, total, nadir):
        return "PD"
    if any(size is None for size in sizes.values()):
        return "NE"
    if all(_is_gone(rules, lesion, sizes[lesion.id]) for lesion in lesions):
        return "CR"
    if total <= base * (1 - _exact(rules.partial_decrease)):
        return "PR"
    return "SD"


def _judge_overall(rules: ResponseFile, target: str, non_target: str, new_lesion: str) -> str:
    for row in rules.overall:
        if _fits(row.target, target) and _fits(row.non_target, non_target) and _fits(row.new_lesion, new_lesion):
            return row.overall
    raise ValueError(f"response.toml has no row for target {target}, non-target {non_target}, new lesion {new_lesion}")


def _fits(pattern: str, word: str) -> bool:
    if pattern.startswith("not "):
        return word != pattern.removeprefix("not ")
    return pattern in ("*", word)


def _nadir(lesions: Sequence[TargetLesion], earlier: Iterable[Assessment]) -> Decimal:
    """Return the smallest evaluable sum of these lesions so far, baseline included."""
    smallest = sum((_exact(lesion.mm) for lesion in lesions), _ZERO)
    for assessment in earlier:
        sizes = [_size(assessment, lesion) for lesion in lesions]
        known = [size for size in sizes if size is not None]
        if len(known) == len(sizes):
            smallest = min(smallest, sum(known, _ZERO))
    return smallest


def _has_grown(rules: ResponseFile, size: Decimal, smallest: Decimal) -> bool:
    """Whether a sum (or one lesion) progressed from its smallest: by share and by mm, or from nothing at all."""
    if smallest == 0:
        return size > 0
    grown = size - smallest
    return grown >= smallest * _exact(rules.progression_increase) and grown >= _exact(rules.progression_increase_mm)


def _is_gone(rules: ResponseFile, lesion: TargetLesion, size: Decimal | None) -> bool:
    return size is not None and (size < _exact(rules.normal_node_below_mm) if lesion.nodal else size == 0)


# ---------------------------------------------------------------- progression


def _first_progression(ordered: Sequence[Assessment], responses: Sequence[AssessedResponse]) -> tuple[date, int] | None:
    """Return when progression came first, and the place of the assessment that showed it."""
    first_equivocal: date | None = None
    found: list[tuple[date, int]] = []
    for place, (assessment, response) in enumerate(zip(ordered, responses, strict=True)):
        if response.progressed:
            confirmed = assessment.new_lesion == "yes" and assessment.confirms_equivocal and first_equivocal is not None
            found.append((first_equivocal if confirmed and first_equivocal is not None else assessment.date, place))
        if assessment.new_lesion == "equivocal" and first_equivocal is None:
            first_equivocal = assessment.date
    return min(found, default=None)


def _find_site(
    rules: ResponseFile,
    baseline: Sequence[TargetLesion],
    non_targets: Sequence[NonTargetLesion],
    earlier: Sequence[Assessment],
    assessment: Assessment,
) -> ProgressionSite:
    """Return where an assessment shows progression: at the oligometastases, elsewhere, or both."""
    growths: list[tuple[Decimal, TargetLesion]] = []
    sides: set[bool] = set()  # True: at the oligometastases
    if assessment.new_lesion == "yes":
        sides.add(False)
    for lesion in _present(rules, baseline, assessment.date):
        size = _size(assessment, lesion)
        if size is not None:
            smallest = _smallest(lesion, earlier)
            growths.append((size - smallest, lesion))
            if _has_grown(rules, size, smallest):
                sides.add(lesion.oligo)
    if assessment.non_target in rules.codes_that_progress:
        named = [each for each in non_targets if each.id in assessment.progressed] or list(non_targets)
        # Nothing is said of the lesion that progressed: followed lesions are oligometastases unless marked otherwise.
        sides |= {each.oligo for each in named} or {True}
    if not sides and growths:
        largest = max(growth for growth, _ in growths)
        sides = {lesion.oligo for growth, lesion in growths if growth == largest}
    if sides == {True, False}:
        return "both"
    return "oligometastases" if True in sides else "non_oligometastases"


# ---------------------------------------------------------------- small things


def _present(rules: ResponseFile, baseline: Sequence[TargetLesion], on: date) -> list[TargetLesion]:
    """Return the targets that are still in the sum on a date."""
    return [lesion for lesion in baseline if _is_present(rules, lesion.resected, on)]


def _is_present(rules: ResponseFile, resected: date | None, on: date) -> bool:
    return resected is None or not rules.resected_leaves_sum or on < resected


def _size(assessment: Assessment, lesion: TargetLesion) -> Decimal | None:
    size = assessment.sizes.get(lesion.id)
    return None if size is None else _exact(size)


def _smallest(lesion: TargetLesion, earlier: Iterable[Assessment]) -> Decimal:
    """Return the smallest size of a lesion so far, baseline included."""
    return min([_exact(lesion.mm), *(known for each in earlier if (known := _size(each, lesion)) is not None)])


def _exact(number: float) -> Decimal:
    return Decimal(str(number))


def _change(now: Decimal, before: Decimal) -> Fraction | None:
    return None if before == 0 else 100 * (Fraction(now) - Fraction(before)) / Fraction(before)


def _outcome(start: date, day: date, *, event: bool) -> Outcome:
    return Outcome(event=event, date=day, days=(day - start).days)
