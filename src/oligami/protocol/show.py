"""Prints a protocol for a reader: plain lines, a heading in both languages, each rule with its origin.

The lines are plain data so that the same words can go to a terminal, a file or a page.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from typing import Final

from oligami.protocol.model.common import Origin
from oligami.protocol.model.forms import Item
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.show_marks import describe_marks, describe_origin, limit_origin, walk_marks
from oligami.protocol.show_record import indent, show_trial
from oligami.protocol.show_settings import FILE_TITLES
from oligami.protocol.show_values import (
    count_provenance,
    describe_counting,
    describe_item,
    describe_limit,
    describe_thresholds,
    describe_title,
    describe_value,
    describe_window,
    name_site,
    render,
)
from oligami.protocol.show_words import say
from oligami.protocol.text import Language, Text


def show_protocol(protocol: Protocol, language: Language, *, part: str | None = None) -> Iterator[str]:
    """Yield a protocol, or one part of it, as lines.

    Args:
        protocol: the protocol.
        language: of the texts; headings carry both.
        part: one of `PARTS`; None shows them all.

    Raises:
        KeyError: there is no such part.
    """
    chosen = PARTS if part is None else {part: PARTS[part]}
    for title, show in chosen.values():
        lines = list(show(protocol, language))
        if lines:
            yield ""
            yield f"# {title.en} / {title.ja}"
            yield from lines


def count_parts(protocol: Protocol) -> dict[str, int]:
    """Return how much there is: forms, items, criteria, rules (all origins marked) and settings (those by default)."""
    origins = [mark.origin for mark in walk_marks(protocol)]
    return {
        "forms": len(protocol.forms),
        "items": sum(len(form.item) + sum(len(item.field) for item in form.item) for form in protocol.forms),
        "criteria": sum(len(stage.criterion) for stage in protocol.eligibility.stage),
        "rules": len(origins),
        "settings": sum(origin.is_setting for origin in origins),
    }


# ---------------------------------------------------------------- the parts


def _titled(protocol: Protocol, thing: object, language: Language, key: str = "") -> str:
    """Return a thing in one line: key, title, value and all its marks."""
    name = f"{key}  " if key else ""
    said = f"{describe_title(protocol, thing, language)}: {describe_value(protocol, thing, language)}"
    return f"{name}{said} {describe_marks(thing, language)}".rstrip()


def _show_allocation(protocol: Protocol, language: Language) -> Iterator[str]:
    yield "## Arms / 群"
    for arm in protocol.trial.arm:
        given = ", ".join(say(word, language) for word in arm.includes)
        role = "; ".join(word for word in (say(arm.role, language), given) if word)
        yield f"{arm.id}  {arm.title[language]} ({role}) {describe_marks(arm, language)}"
    rule = protocol.allocation
    yield f"## Allocation at / 割付の時期: {protocol.stage(rule.stage).title[language]}"
    yield _titled(protocol, rule, language)
    yield "## Factors / 割付調整因子"
    for factor in rule.factors:
        yield _titled(protocol, factor, language, factor.id)
    if rule.notes is not None:
        yield "## Notes / 注"
        yield from indent(rule.notes[language])


def _show_design(protocol: Protocol, language: Language) -> Iterator[str]:
    design = protocol.design
    yield f"{design.text[language].strip()} {describe_origin(design.origin, language)}"
    yield (
        f"registered / 登録: {design.registered_planned}    randomized / 無作為割付: {design.randomized_planned}"
        f"    computed / 算出: {design.randomized_computed}    sites / 施設: {design.sites_planned}"
    )
    yield (
        f"alpha / 有意水準 {design.alpha:g} ({design.sided}-sided / {'片側' if design.sided == 1 else '両側'})"
        f"    power / 検出力 {design.power:g}    difference / 差 {design.difference:g}"
        f"    at / 時点 {design.milestone_years:g} y"
    )
    yield f"accrual / 登録期間 {design.accrual_years:g} y    follow-up / 追跡期間 {design.follow_up_years:g} y"
    yield f"## Assumptions (* in force) / 仮定(* 現行) {describe_origin(design.preset_origin, language)}"
    for preset in design.preset:
        star = "*" if preset.id == design.preset_in_force else " "
        yield f"{star} {describe_value(protocol, preset, language)} {describe_marks(preset, language)}"
    yield "## Closing / 登録の終了"
    for closing in design.closing:
        yield _titled(protocol, closing, language)
    yield "## Interim analyses / 中間解析"
    if design.interim_plan is not None:
        yield f"{describe_value(protocol, design.interim_plan, language)} {describe_marks(design.interim_plan, language)}"
    yield from indent(design.interim[language])


def _show_eligibility(protocol: Protocol, language: Language) -> Iterator[str]:
    file = protocol.eligibility
    yield f"version of the rules / 規則の版: {file.rules_version}"
    if file.note is not None:
        yield from indent(file.note[language])
    for stage in file.stage:
        yield f"## {stage.id}: {stage.title.en} / {stage.title.ja} {describe_marks(stage, language)}"
        yield f"  {describe_value(protocol, stage, language)}"
        for criterion in stage.criterion:
            kind = say(criterion.kind, language)
            yield f"{criterion.id} ({kind}) {criterion.title[language]} {describe_marks(criterion, language)}"
            if criterion.record_text:
                yield f'    record / 登録記録: "{" ".join(criterion.record_text.split())}"'
            if criterion.reading is not None:
                yield f"    reading / 解釈: {criterion.reading[language]}"
            yield f"    met / 適合: {' '.join(criterion.met.split())}"
            if criterion.not_met is not None:
                yield f"    not met / 不適合: {' '.join(criterion.not_met.split())}"
    yield "## Derived items / 導出項目"
    for derived in file.derived:
        yield _titled(protocol, derived, language, derived.id)


def _show_therapy(protocol: Protocol, language: Language) -> Iterator[str]:
    therapy = protocol.therapy
    if therapy is None:
        return
    yield _titled(protocol, therapy, language)
    yield "## Classes / 分類"
    for derived in therapy.derived:
        yield _titled(protocol, derived, language, derived.id)
    yield "## Table / 表"
    for row in therapy.row:
        yield _titled(protocol, row, language, row.id)
    yield "## Regimens / レジメン"
    for regimen in therapy.regimen:
        courses = therapy.window_days // regimen.course_days
        yield (
            f"{regimen.code}  {regimen.title[language]}: {regimen.course_days} d × {courses}"
            f"; {regimen.dose[language]} {describe_marks(regimen, language)}"
        )
        yield from indent(regimen.given[language], "    ")
    yield "## Rules, the first that holds / 規則(最初に成り立つもの)"
    for rule in therapy.rule:
        yield f"{rule.id}  {say(rule.status, language)}: {rule.reason[language]} {describe_marks(rule, language)}"
        yield f"    when / 条件: {' '.join(rule.when.split())}"
    yield "## The same systemic therapy / 同一の全身薬物療法"
    yield f"{therapy.same_therapy.text[language]} {describe_marks(therapy.same_therapy, language)}"


def _show_radiotherapy(protocol: Protocol, language: Language) -> Iterator[str]:
    radiotherapy = protocol.radiotherapy
    if radiotherapy is None:
        return
    yield f"## Prescriptions / 線量分割 {describe_marks(radiotherapy, language)}"
    for option in radiotherapy.option:
        dose, technique = describe_value(protocol, option, language), say(option.technique, language)
        yield f"{option.id}  {describe_title(protocol, option, language)}: {dose}, {technique} {describe_marks(option, language)}"
    yield _titled(protocol, radiotherapy.prescription, language)
    yield from indent(radiotherapy.prescription.text[language])
    location = radiotherapy.lung_location
    yield f"## Where a lung lesion lies, the first that holds / 肺病変の位置(最初に成り立つもの) {describe_marks(location, language)}"
    for rule in location.rule:
        yield f"{rule.location} ({say(rule.location, language)}): {rule.reason[language]}"
        yield f"    when / 条件: {' '.join(rule.when.split())}"
    yield f"otherwise / その他: {location.otherwise} ({say(location.otherwise, language)})"
    yield "## Words of the record and how they are read / 登録記録の語とその解釈"
    for reading in radiotherapy.reading:
        yield _titled(protocol, reading, language)
    yield "## Checks of a plan / 治療計画の確認項目"
    for check in radiotherapy.plan_check:
        where = "" if check.applies_to == "all" else f" ({check.applies_to})"
        yield f"{check.id}{where}  {_titled(protocol, check, language)}"
        if describe_thresholds(check, language):
            yield from indent(check.text[language], "    ")
    yield "## Required structures / 必要な構造"
    for required in radiotherapy.required_structures:
        where = ", ".join((name_site(protocol, required.site, language), *(say(at, language) for at in required.lung_locations)))
        yield f"{where} ({required.text[language]}): {describe_value(protocol, required, language)} {describe_marks(required, language)}"
    yield "## Structure names / 構造の名称"
    for structure in radiotherapy.structure_name:
        yield f"{structure.name}: {', '.join(structure.aliases)}"
    if radiotherapy.dvh is not None:
        yield "## Dose-volume histogram / 線量体積ヒストグラム"
        yield from indent(radiotherapy.dvh[language])
    if protocol.constraints is not None:
        yield f"limits / 制約: {len(protocol.constraints.constraint)} (--file constraints)"


def _show_constraints(protocol: Protocol, language: Language) -> Iterator[str]:
    constraints = protocol.constraints
    if constraints is None:
        return
    yield f"{constraints.text[language]} {describe_marks(constraints, language)}"
    yield "count by provenance / 出所別の数:"
    for provenance, count in count_provenance(constraints).items():
        first = next(limit for limit in constraints.constraint if limit.provenance == provenance)
        yield f"  {provenance}: {count} {describe_origin(replace(limit_origin(first), cite=''), language)}"
    for group in constraints.same_limits:
        yield f"same limits / 同じ制約: {', '.join(group)}"
    for organ in dict.fromkeys(limit.organ for limit in constraints.constraint):
        yield f"## {organ}"
        for limit in constraints.constraint:
            if limit.organ == organ:
                note = f" — {limit.note}" if limit.note else ""
                yield f"  {limit.id}  {describe_limit(limit, language)} {describe_marks(limit, language)}{note}"


def _show_response(protocol: Protocol, language: Language) -> Iterator[str]:
    response = protocol.response
    if response is None:
        return
    yield f"{response.criteria}: {response.text[language]} {describe_marks(response, language)}"
    yield f"site of progression / 増悪部位: {response.site_rule[language]}"
    yield "## Numbers / 数値"
    for field in fields(response):
        value = getattr(response, field.name)
        if field.name not in {"criteria", "text", "site_rule", "overall"} and not isinstance(value, Origin):
            yield f"  {say(field.name, language)}: {render(value, language)}"
    yield "## Overall response / 総合効果 (target / non-target / new lesion; 標的 / 非標的 / 新病変)"
    for row in response.overall:
        yield f"  {row.target} / {row.non_target} / {row.new_lesion} → {row.overall}"


def _show_quality_of_life(protocol: Protocol, language: Language) -> Iterator[str]:
    quality = protocol.quality_of_life
    if quality is None:
        return
    yield _titled(protocol, quality, language)
    yield "## Scales / 尺度"
    for scale in quality.scale:
        kind = say(scale.kind, language)
        yield f"  {scale.id}  {scale.title[language]} ({kind}, {scale.lowest}–{scale.highest}): {', '.join(scale.items)}"
    rule = quality.non_progression
    yield "## Non-progression / 非増悪"
    yield _titled(protocol, rule, language)
    yield from indent(rule.text[language])
    if quality.reference:
        yield "## References / 参考"
        for reference in quality.reference:
            yield f"  - {reference[language]}"


def _show_schedule(protocol: Protocol, language: Language) -> Iterator[str]:
    for activity in protocol.schedule.activity:
        arms = f" ({', '.join(activity.arms)})" if activity.arms else ""
        yield f"{activity.id}{arms}  {activity.title[language]}: {activity.text[language]} {describe_marks(activity, language)}"
        yield f"    window / 許容期間: {describe_window(protocol, activity, language)}"


def _show_analysis(protocol: Protocol, language: Language) -> Iterator[str]:
    analysis = protocol.analysis
    for endpoint in analysis.endpoint:
        mark = "primary / 主要" if endpoint.primary else "secondary / 副次"
        yield f"{endpoint.id} ({mark})  {endpoint.title[language]} {describe_marks(endpoint, language)}"
        if endpoint.record_text:
            yield f'    record / 登録記録: "{" ".join(endpoint.record_text.split())}"'
        yield f"    {endpoint.definition[language]}"
        yield f"    {describe_counting(protocol, endpoint, language)}"
    yield "## Strata of the primary test / 主たる検定の層"
    for stratum in analysis.stratum:
        yield f"  {stratum.factor} {describe_marks(stratum, language)}"
    yield "## Conventions / 取り決め"
    yield _titled(protocol, analysis, language)
    yield from indent(analysis.text[language])
    yield "## Baseline table / 背景因子の表"
    for row in analysis.baseline:
        yield f"  {row.id}  {row.title[language]}: {row.expression} ({say(row.summary, language)})"


def _show_safety(protocol: Protocol, language: Language) -> Iterator[str]:
    safety = protocol.safety
    yield _titled(protocol, safety, language)
    yield "## Periods / 期間"
    for period in safety.period:
        yield _titled(protocol, period, language, period.id)
    yield "## Deadlines of reports / 報告期限"
    for deadline in safety.deadline:
        yield _titled(protocol, deadline, language, deadline.id)
    yield "## Grades of deviations / 逸脱の区分"
    for grade in safety.deviation_grade:
        yield f"{grade.id}  {grade.title[language]}: {grade.text[language]}"


def _show_codelists(protocol: Protocol, language: Language) -> Iterator[str]:
    for codelist in protocol.codelists:
        yield f"## {codelist.id}: {codelist.title.en} / {codelist.title.ja} {describe_marks(codelist, language)}"
        for code in codelist.code:
            yield f"  {code.value}  {code.label[language]}"


def _show_forms(protocol: Protocol, language: Language) -> Iterator[str]:
    for form in protocol.forms:
        kind = f"{say(form.role, language)}, {say(form.repeats, language)}"
        yield f"## {form.id} ({kind}): {form.title.en} / {form.title.ja} {describe_marks(form, language)}"
        if form.note is not None:
            yield from indent(form.note[language])
        yield from _show_items(protocol, form.item, language, "  ")
        for check in form.check:
            yield f"  ! {check.id}  {_titled(protocol, check, language)}"


def _show_items(protocol: Protocol, items: tuple[Item, ...], language: Language, by: str) -> Iterator[str]:
    for item in items:
        star = " *" if item.required else ""
        what = f"({describe_item(protocol, item, language)}) {describe_marks(item, language)}".rstrip()
        yield f"{by}{item.id}{star}  {item.label[language]} {what}"
        yield from _show_items(protocol, item.field, language, by + "    ")


Show = Callable[[Protocol, Language], Iterator[str]]

#: What can be shown, by the name of the file it stands in; `constraints` is radiotherapy_constraints.toml.
PARTS: Final[Mapping[str, tuple[Text, Show]]] = {
    "trial": (FILE_TITLES["trial"], show_trial),
    "allocation": (FILE_TITLES["allocation"], _show_allocation),
    "design": (FILE_TITLES["design"], _show_design),
    "eligibility": (FILE_TITLES["eligibility"], _show_eligibility),
    "therapy": (FILE_TITLES["therapy"], _show_therapy),
    "radiotherapy": (FILE_TITLES["radiotherapy"], _show_radiotherapy),
    "constraints": (FILE_TITLES["radiotherapy_constraints"], _show_constraints),
    "response": (FILE_TITLES["response"], _show_response),
    "quality_of_life": (FILE_TITLES["quality_of_life"], _show_quality_of_life),
    "schedule": (FILE_TITLES["schedule"], _show_schedule),
    "analysis": (FILE_TITLES["analysis"], _show_analysis),
    "safety": (FILE_TITLES["safety"], _show_safety),
    "codelists": (FILE_TITLES["codelists"], _show_codelists),
    "forms": (FILE_TITLES["forms"], _show_forms),
}
