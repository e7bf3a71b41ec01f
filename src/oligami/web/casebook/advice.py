"""What the trial's rules say to a form while it is filled: allowed regimens, options of dose with BED, sums of lesions.

It informs; what is refused, asked or noted as a deviation the desk decides when the form is sent. Items are found by the concepts
of the form's role, so every trial's forms get what its protocol has rules for.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final, Literal

from oligami.data.history import read_history
from oligami.data.progression import find_progression
from oligami.data.reading import Reader
from oligami.protocol.compile import Compiled, CompiledForm
from oligami.protocol.model.forms import Form, FormRole, Item
from oligami.protocol.model.radiotherapy import DoseOption, RadiotherapyFile
from oligami.protocol.text import Text
from oligami.trial.radiotherapy import (
    biological_doses,
    find_lung_location,
    judge_prescription,
    technique_query,
)
from oligami.trial.registration import casebook_of
from oligami.trial.state import FormState, Subject
from oligami.trial.therapy import allowed_regimens
from oligami.web.casebook.fields import Hints, show_value

Tone = Literal["note", "good", "warn"]

#: The statuses of therapies and prescriptions as a page says them.
STATUS: Final[Mapping[str, Text]] = {
    "ALLOWED": Text("allowed", "可"),
    "ALLOWED_WITH_QUERY": Text("allowed; the study office is asked", "問合せの上で可"),
    "NOT_ALLOWED": Text("not allowed", "不可"),
    "UNDETERMINED": Text("cannot be told yet", "判定不能"),
    "NO_OPTION_FOR_SITE": Text("no option for this site", "この部位に規定なし"),
}
_TONES: Final[Mapping[str, Tone]] = {"ALLOWED": "good", "NOT_ALLOWED": "warn", "NO_OPTION_FOR_SITE": "warn"}
_SHOWN_OF_A_LESION: Final = ("kind", "site", "max_diameter_mm", "short_axis_mm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A sentence of advice."""

    text: Text
    tone: Tone = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table of advice: heads and rows of words."""

    title: Text
    heads: tuple[Text, ...]
    rows: tuple[tuple[Text, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What is shown beside a form, and what it says of single answers."""

    lines: tuple[Line, ...] = ()
    sheets: tuple[Sheet, ...] = ()
    hints: Hints = field(default_factory=Hints)


def advise(rules: Compiled, form: Form, subject: Subject, values: Mapping[str, Any], *, now: datetime) -> Advice:
    """Return the advice for a form as it stands.

    Args:
        rules: the protocol that rules the form.
        form: the form.
        subject: whose form it is, as saved.
        values: what was typed, as far as it can be (`Examined.values`).
        now: the instant, for what is read up to today.
    """
    lesions = _lesions_sheet(rules, subject)
    item = form.find("lesion_id")
    listed = _lesion_list(form)
    suggestions: dict[str, tuple[str, ...]] = {}
    known = tuple(known_lesions(rules, subject))
    if known and item is not None:
        suggestions[item.id] = known
    if known and listed is not None:
        suggestions[f"{listed[0].id}.{listed[1].id}"] = known
    sheets = lesions if suggestions else ()
    lines: tuple[Line, ...] = ()
    off: Mapping[str, Mapping[str, Text]] = {}
    more: tuple[Sheet, ...] = ()
    match form.role:
        case FormRole.RADIOTHERAPY if rules.protocol.radiotherapy is not None:
            lines, more = _radiotherapy(rules, form, values)
        case FormRole.THERAPY | FormRole.COURSE if rules.protocol.therapy is not None:
            lines, off = _therapy(rules, form, subject, values)
        case FormRole.ASSESSMENT if rules.protocol.response is not None:
            lines = _assessment(rules, form, subject, values, now)
        case _:
            pass
    return Advice(lines=lines, sheets=(*more, *sheets), hints=Hints(off=off, suggestions=suggestions))


def known_lesions(rules: Compiled, subject: Subject) -> Iterator[str]:
    """Yield the numbers of the lesions of the subject's registration."""
    for row, number in _registered_lesions(rules, subject):
        if isinstance(row.get(number), str):
            yield row[number]


def carried_rows(rules: Compiled, form: Form, subject: Subject) -> dict[str, list[dict[str, Any]]]:
    """Return the rows that a new form begins with, so that nothing is typed twice: the lesions' numbers.

    They come from the last occurrence of the same form, else from the registration. Only what names the lesion is carried over
    (its number, and whether it is a node); what was measured is not.
    """
    listed = _lesion_list(form)
    if listed is None:
        return {}
    item, number = listed
    kept = [each.id for each in item.field if (each.concept or each.id) in ("lesion_id", "nodal")]
    earlier = subject.of_form(form.id)
    rows = [
        {name: row[name] for name in kept if name in row}
        for row in (earlier[-1].values.get(item.id) or () if earlier else ())
        if row.get(number.id)
    ]
    return {item.id: rows or [{number.id: lesion} for lesion in known_lesions(rules, subject)][: item.max_rows]}


# ---------------------------------------------------------------- lesions


def _lesion_list(form: Form) -> tuple[Item, Item] | None:
    """Return the list item that asks about lesions one by one, and its field for the lesion's number."""
    for item in form.item:
        for each in item.field:
            if (each.concept or each.id) == "lesion_id":
                return item, each
    return None


def _registered_lesions(rules: Compiled, subject: Subject) -> Iterator[tuple[Mapping[str, Any], str]]:
    for form in rules.protocol.forms_of(FormRole.REGISTRATION):
        item = form.find("lesions")
        number = None if item is None else next((each.id for each in item.field if (each.concept or each.id) == "id"), None)
        if item is not None and number is not None:
            for row in subject.values(form.id).get(item.id) or ():
                yield row, number


def _lesions_sheet(rules: Compiled, subject: Subject) -> tuple[Sheet, ...]:
    for form in rules.protocol.forms_of(FormRole.REGISTRATION):
        item = form.find("lesions")
        rows = subject.values(form.id).get(item.id) if item is not None else None
        if item is not None and rows:
            return (_sheet_of_rows(rules.forms[form.id], item, rows),)
    return ()


def _sheet_of_rows(compiled: CompiledForm, item: Item, rows: Sequence[Mapping[str, Any]]) -> Sheet:
    fields = [each for each in item.field if (each.concept or each.id) in ("id", *_SHOWN_OF_A_LESION)]
    told = [each for each in fields if any(row.get(each.id) is not None for row in rows)]

    def cell(each: Item, row: Mapping[str, Any]) -> Text:
        path, value = f"{item.id}.{each.id}", row.get(each.id)
        return Text(show_value(compiled, path, each, value, "en"), show_value(compiled, path, each, value, "ja"))

    return Sheet(
        title=Text("Lesions at registration", "登録時の病変"),
        heads=tuple(each.label for each in told),
        rows=tuple(tuple(cell(each, row) for each in told) for row in rows),
    )


# ---------------------------------------------------------------- by role


def _therapy(
    rules: Compiled, form: Form, subject: Subject, values: Mapping[str, Any]
) -> tuple[tuple[Line, ...], Mapping[str, Mapping[str, Text]]]:
    """Return what the therapy table says of the regimen chosen, and why the others are not expected."""
    therapy = rules.protocol.therapy
    assert therapy is not None
    regimen = form.key("regimen")
    own = values if form.role is FormRole.THERAPY else {}
    verdicts = allowed_regimens(rules, {**casebook_of(subject, rules), **own, "site": subject.site})
    off, lines = {}, []
    for verdict in verdicts:
        why = verdict.reasons[0].text
        if verdict.status == "NOT_ALLOWED" and verdict.regimen is not None:
            off[verdict.regimen] = Text(f"not in the table: {why.en}", f"治療表で不可：{why.ja}")
        if verdict.regimen is not None and verdict.regimen == values.get(regimen):
            status = STATUS[verdict.status]
            lines += [
                Line(
                    text=Text(f"{status.en}: {reason.text.en}", f"{status.ja}：{reason.text.ja}"),
                    tone=_TONES.get(verdict.status, "note"),
                )
                for reason in verdict.reasons
            ]
            if verdict.planned_courses is not None:
                days, courses = verdict.course_days, verdict.planned_courses
                planned = Text(
                    f"{courses} courses of {days} days are planned in {therapy.window_days} days.",
                    f"{therapy.window_days}日間に1コース{days}日で{courses}コースを予定。",
                )
                lines.append(Line(text=planned))
    first = verdicts[0] if verdicts else None
    if first is not None and first.subtype is not None:
        lines.insert(0, Line(text=Text(f"Class of disease: {first.subtype}", f"病型：{first.subtype}")))
    unsure = [verdict.regimen for verdict in verdicts if verdict.status == "UNDETERMINED"]
    if unsure and len(unsure) == len(verdicts):
        why = verdicts[0].reasons[0].text
        lines.append(Line(text=Text(f"No regimen can be judged yet: {why.en}", f"まだ判定できません：{why.ja}"), tone="warn"))
    return tuple(lines), {regimen: off}


def _radiotherapy(rules: Compiled, form: Form, values: Mapping[str, Any]) -> tuple[tuple[Line, ...], tuple[Sheet, ...]]:
    file = rules.protocol.radiotherapy
    assert file is not None
    site, total, fractions = (values.get(form.key(concept)) for concept in ("site", "total_gy", "fractions"))
    where = form.find("lung_location")
    location = values.get(where.id) if where is not None else None
    lines = []
    if site is not None:
        right = total is None or total > 0
        verdict = judge_prescription(
            rules.protocol,
            site=site,
            lung_location=location,
            total_gy=total if right else None,
            fractions=fractions if fractions is None or fractions >= 1 else None,
        )
        status = STATUS[verdict.status]
        tone: Tone = _TONES.get(verdict.status, "note")
        lines.append(Line(text=Text(f"{status.en}: {verdict.reason.en}", f"{status.ja}：{verdict.reason.ja}"), tone=tone))
        if verdict.dose_per_fraction_gy is not None:
            per, figures = verdict.dose_per_fraction_gy, _figures(file, float(total or 0), int(fractions or 1))
            lines.append(Line(text=Text(f"{per:.2f} Gy a fraction. {figures}", f"1回 {per:.2f} Gy。{figures}")))
        asks = technique_query(verdict.option, values.get(form.key("technique"))) if verdict.option is not None else None
        if asks is not None:
            lines.append(Line(text=asks, tone="warn"))
        if site == file.prescription.location_site:
            found = find_lung_location(rules, values)
            lines.append(
                Line(
                    text=Text(
                        f"Location by the items above: {found.location}. {found.reason.en}",
                        f"入力項目から求めた位置：{found.location}。{found.reason.ja}",
                    ),
                    tone="note" if location in (None, found.location) else "warn",
                )
            )
    options = [
        option
        for option in file.option
        if site in (None, option.site) and location in (None, file.prescription.unknown_location, option.lung_location)
    ]
    options = options or [option for option in file.option if site in (None, option.site)]
    compiled = rules.forms[form.id]
    words = {code.value: code.label for codes in compiled.codes.values() for code in codes}
    heads = (
        Text("Site", "部位"),
        Text("Dose", "線量"),
        Text("Technique", "照射技術"),
        Text("BED / EQD2, Gy", "BED / EQD2（Gy）"),
    )
    sheet = Sheet(
        title=Text("Options of the protocol", "プロトコールの処方"),
        heads=heads,
        rows=tuple(_option_row(file, each, words) for each in options),
    )
    return tuple(lines), (sheet,) if options else ()


def _option_row(file: RadiotherapyFile, option: DoseOption, words: Mapping[str, Text]) -> tuple[Text, ...]:
    site = words.get(option.site, Text(option.site, option.site))
    where = words.get(option.lung_location or "", Text("", ""))
    place = Text(*(f"{one} ({other})" if other else one for one, other in ((site.en, where.en), (site.ja, where.ja))))
    low, high = option.total_gy_min, option.total_gy_max
    dose = f"{low:g} Gy" if low == high else f"{low:g}–{high:g} Gy"
    doses = biological_doses(file, high, option.fractions)
    figures = "\n".join(f"α/β {each.alpha_beta_gy:g}: {each.bed_gy:.1f} / {each.eqd2_gy:.1f}" for each in doses)
    return (
        place,
        Text(f"{dose} in {option.fractions}", f"{dose} / {option.fractions}回"),
        Text(option.technique, option.technique),
        Text(figures, figures),
    )


def _figures(file: RadiotherapyFile, total_gy: float, fractions: int) -> str:
    doses = biological_doses(file, total_gy, fractions)
    return "; ".join(f"α/β {dose.alpha_beta_gy:g}: BED {dose.bed_gy:.1f} Gy, EQD2 {dose.eqd2_gy:.1f} Gy" for dose in doses)


def _assessment(rules: Compiled, form: Form, subject: Subject, values: Mapping[str, Any], now: datetime) -> tuple[Line, ...]:
    """Return sum, baseline and smallest sum as the rules of response read the sizes typed, and what they make of them."""
    if values.get(form.key("assessment_date")) is None:
        return ()
    # Judged as the analysis would judge it: as one more form of the subject.
    number = 1 + max((occurrence for name, occurrence in subject.forms if name == form.id), default=0)
    typed = FormState(form.id, number, values, None, 0, now, rules.protocol.version)
    history = read_history(replace(subject, forms={**subject.forms, (form.id, number): typed}), Reader(rules.protocol), date.max)
    if history is None:
        return ()
    progression = find_progression(history, rules.protocol.response)
    judged = next(
        (each for scan, each in zip(progression.scans, progression.judged, strict=False) if scan.filled.state is typed), None
    )
    if judged is None:
        return ()
    lines = [
        Line(text=Text(f"{title.en}: {mm:g} mm", f"{title.ja}：{mm:g} mm"))
        for title, mm in (
            (Text("Sum of target lesions", "標的病変の径和"), judged.sum_mm),
            (Text("Baseline sum", "ベースライン径和"), judged.baseline_mm),
            (Text("Smallest sum so far", "最小径和"), judged.nadir_mm),
        )
        if mm is not None
    ]
    for title, percent in (
        (Text("Change from baseline", "ベースラインからの変化"), judged.change_from_baseline_pct),
        (Text("Change from the smallest sum", "最小径和からの変化"), judged.change_from_nadir_pct),
    ):
        if percent is not None:
            lines.append(Line(text=Text(f"{title.en}: {float(percent):+.1f} %", f"{title.ja}：{float(percent):+.1f} %")))
    said, overall = values.get(form.key("overall_response")), judged.overall
    differs = said is not None and said != overall
    lines.append(
        Line(
            text=Text(f"Overall response by the sizes: {overall}", f"計測値による総合効果：{overall}"),
            tone="warn" if differs else "note",
        )
    )
    return tuple(lines)
