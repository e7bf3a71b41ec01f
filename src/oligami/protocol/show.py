"""Prints a protocol for a reader: plain lines, a heading in both languages, each rule with its origin.

The lines are plain data so that the same words can go to a terminal, a file or a page.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final

from oligami.protocol.compile import resolve_codes
from oligami.protocol.model.common import Origin, OriginKind
from oligami.protocol.model.forms import Form, Item
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.text import Language, Text

_MARKS: Final[Mapping[OriginKind, Text]] = {
    OriginKind.RECORD: Text("record", "登録記録"),
    OriginKind.SOURCE: Text("source", "出典"),
    OriginKind.DEFAULT: Text("default, not from the protocol", "既定値(実施計画書によらない)"),
}


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


def list_settings(protocol: Protocol) -> Iterator[tuple[str, str, str]]:
    """Yield every rule that is ours and not the protocol's, as (file, key, why): the settings of the study office."""
    for file, part in _files(protocol):
        for key, origin in _origins(part, ""):
            if origin.is_setting:
                yield file, key, origin.cite


def show_settings(protocol: Protocol, language: Language) -> Iterator[str]:
    """Yield the settings of the study office as lines, file by file."""
    mark = _MARKS[OriginKind.DEFAULT]
    yield f"# Settings of the study office / 研究事務局の設定 ({mark.en} / {mark.ja})"
    last = ""
    for file, key, cite in list_settings(protocol):
        if file != last:
            yield ""
            yield file
            last = file
        yield f"  {key}: {mark[language]}" + (f" ({cite})" if cite else "")


def describe_origin(origin: Origin | None, language: Language) -> str:
    """Return the mark of a rule in brackets, with its citation."""
    if origin is None:
        return ""
    cite = f": {origin.cite}" if origin.cite else ""
    return f"[{_MARKS[origin.kind][language]}{cite}]"


# ---------------------------------------------------------------- origins


def _files(protocol: Protocol) -> Iterator[tuple[str, object]]:
    for name in ("trial", "eligibility", "allocation", "therapy", "radiotherapy"):
        yield f"{name}.toml", getattr(protocol, name)
    yield "radiotherapy_constraints.toml", protocol.constraints
    for name in ("response", "quality_of_life", "schedule", "design", "analysis", "safety"):
        yield f"{name}.toml", getattr(protocol, name)
    yield "codelists.toml", protocol.codelists
    for form in protocol.forms:
        yield f"forms/{form.id}.toml", form


def _origins(value: object, key: str) -> Iterator[tuple[str, Origin]]:
    """Yield each origin with the key of what it marks."""
    if isinstance(value, tuple):
        for place, each in enumerate(value, start=1):
            own = getattr(each, "id", None) or getattr(each, "code", None)
            yield from _origins(each, f"{key}[{own if isinstance(own, str) else place}]")
    elif is_dataclass(value):
        for each in fields(value):
            inner = getattr(value, each.name)
            if isinstance(inner, Origin):
                # `window_origin` marks the window, plain `origin` the whole.
                aspect = each.name.removesuffix("origin").rstrip("_")
                yield ".".join(part for part in (key, aspect) if part) or "(file)", inner
            else:
                yield from _origins(inner, f"{key}.{each.name}" if key else each.name)


# ---------------------------------------------------------------- the parts


def _show_trial(protocol: Protocol, language: Language) -> Iterator[str]:
    trial = protocol.trial
    who = trial.identification
    yield who.brief_title[language]
    yield " / ".join(word for word in (who.acronym, who.org_study_id, who.nct_id) if word)
    yield f"version / 版: {protocol.version}    digest / ダイジェスト: {protocol.digest}"
    status = trial.status
    yield f"status / 状況: {status.overall}  {status.start_date} – {status.completion_date}"
    yield f"sponsor / 主宰: {trial.sponsor.name}"
    yield f"sites / 施設: {len(trial.location)}    conditions / 疾患: {', '.join(text[language] for text in trial.conditions)}"
    yield ""
    yield trial.brief_summary[language].strip()
    if trial.open_point:
        yield ""
        yield "open points / 未確定事項:"
        for point in trial.open_point:
            yield f"  - {point[language]}"


def _show_arms(protocol: Protocol, language: Language) -> Iterator[str]:
    for arm in protocol.trial.arm:
        given = ", ".join(arm.includes)
        yield f"{arm.id}  {arm.title[language]} ({arm.role}{'; ' + given if given else ''}) {describe_origin(arm.origin, language)}"
    rule = protocol.allocation
    yield f"allocation / 割付: {rule.method}, {':'.join(str(arm.ratio) for arm in rule.arms)} {describe_origin(rule.origin, language)}"
    for factor in rule.factors:
        yield f"  {factor.id}: {factor.title[language]} = {factor.expression} {describe_origin(factor.origin, language)}"


def _show_design(protocol: Protocol, language: Language) -> Iterator[str]:
    design = protocol.design
    yield design.text[language].strip()
    yield f"registered / 登録: {design.registered_planned}    randomized / 無作為化: {design.randomized_planned}"
    yield (
        f"alpha {design.alpha:g} ({design.sided}-sided / {'片側' if design.sided == 1 else '両側'})"
        f"    power / 検出力 {design.power:g}    difference / 差 {design.difference:g}"
    )
    yield f"accrual / 登録期間 {design.accrual_years:g} y    follow-up / 追跡期間 {design.follow_up_years:g} y"
    for preset in design.preset:
        star = "*" if preset.id == design.preset_in_force else " "
        yield f"{star} {preset.id}: {preset.text[language]} {describe_origin(preset.origin, language)}"
    for closing in design.closing:
        yield f"  {closing.stage} ≤ {closing.limit}: {closing.text[language]} {describe_origin(closing.origin, language)}"


def _show_eligibility(protocol: Protocol, language: Language) -> Iterator[str]:
    for stage in protocol.eligibility.stage:
        yield f"## {stage.id}: {stage.title.en} / {stage.title.ja} {describe_origin(stage.origin, language)}"
        for criterion in stage.criterion:
            yield f"{criterion.id} ({criterion.kind}) {criterion.title[language]} {describe_origin(criterion.origin, language)}"
            if criterion.record_text:
                yield f'    record / 登録記録: "{" ".join(criterion.record_text.split())}"'
            if criterion.reading is not None:
                yield f"    reading / 解釈: {criterion.reading[language]}"
            yield f"    met: {' '.join(criterion.met.split())}"
            if criterion.not_met is not None:
                yield f"    not met: {' '.join(criterion.not_met.split())}"


def _show_therapy(protocol: Protocol, language: Language) -> Iterator[str]:
    therapy = protocol.therapy
    if therapy is None:
        return
    yield "## Table / 表"
    for row in therapy.row:
        yield f"{row.id}  {row.title[language]}: {', '.join(row.regimens)} {describe_origin(row.origin, language)}"
    yield "## Regimens / レジメン"
    for regimen in therapy.regimen:
        courses = therapy.window_days // regimen.course_days
        yield (
            f"{regimen.code}  {regimen.title[language]}: {regimen.course_days} d × {courses}"
            f"; {regimen.dose[language]} {describe_origin(regimen.origin, language)}"
        )
    yield "## Rules, the first that holds / 規則(最初に成り立つもの)"
    for rule in therapy.rule:
        yield f"{rule.id}  {rule.status}: {rule.reason[language]} {describe_origin(rule.origin, language)}"
        yield f"    when: {' '.join(rule.when.split())}"


def _show_radiotherapy(protocol: Protocol, language: Language) -> Iterator[str]:
    radiotherapy = protocol.radiotherapy
    if radiotherapy is None:
        return
    for option in radiotherapy.option:
        low, high = option.total_gy_min, option.total_gy_max
        dose = f"{low:g}" if low == high else f"{low:g}–{high:g}"
        place = f"{option.site} ({option.lung_location})" if option.lung_location else option.site
        yield f"{option.id}  {place}: {dose} Gy / {option.fractions} fr, {option.technique} {describe_origin(option.origin, language)}"
    yield f"{radiotherapy.prescription.text[language]} {describe_origin(radiotherapy.prescription.origin, language)}"
    if protocol.constraints is not None:
        yield f"limits / 制約: {len(protocol.constraints.constraint)} — {protocol.constraints.text[language]}"


def _show_response(protocol: Protocol, language: Language) -> Iterator[str]:
    if protocol.response is None:
        return
    yield f"{protocol.response.criteria}: {protocol.response.text[language]} {describe_origin(protocol.response.origin, language)}"
    for row in protocol.response.overall:
        yield f"  {row.target} / {row.non_target} / {row.new_lesion} → {row.overall}"


def _show_quality_of_life(protocol: Protocol, language: Language) -> Iterator[str]:
    quality = protocol.quality_of_life
    if quality is None:
        return
    yield f"{quality.instrument} {quality.version} {describe_origin(quality.origin, language)}"
    for scale in quality.scale:
        yield f"  {scale.id}  {scale.title[language]}: {', '.join(scale.items)}"
    yield f"{quality.non_progression.text[language]} {describe_origin(quality.non_progression.origin, language)}"


def _show_schedule(protocol: Protocol, language: Language) -> Iterator[str]:
    for activity in protocol.schedule.activity:
        arms = f" ({', '.join(activity.arms)})" if activity.arms else ""
        yield f"{activity.id}{arms}  {activity.title[language]}: {activity.text[language]} {describe_origin(activity.origin, language)}"


def _show_endpoints(protocol: Protocol, language: Language) -> Iterator[str]:
    for endpoint in protocol.analysis.endpoint:
        mark = "primary / 主要" if endpoint.primary else "secondary / 副次"
        yield f"{endpoint.id} ({mark})  {endpoint.title[language]} {describe_origin(endpoint.origin, language)}"
        yield f"    {endpoint.definition[language]} {describe_origin(endpoint.definition_origin, language)}"
        parts = [endpoint.population, endpoint.start or "", " | ".join(endpoint.event), endpoint.censor or ""]
        yield "    " + " → ".join(part for part in parts if part)


def _show_safety(protocol: Protocol, language: Language) -> Iterator[str]:
    safety = protocol.safety
    yield f"{safety.dictionary} {safety.dictionary_version}, severe / 重度: grade ≥ {safety.severe_grade}"
    for deadline in safety.deadline:
        yield f"{deadline.id}  {deadline.title[language]}: {deadline.hours} h {describe_origin(deadline.origin, language)}"


def _show_forms(protocol: Protocol, language: Language) -> Iterator[str]:
    for form in protocol.forms:
        yield f"## {form.id} ({form.role}, {form.repeats}): {form.title.en} / {form.title.ja}"
        yield from _show_items(protocol, form, form.item, language, "  ")


def _show_items(protocol: Protocol, form: Form, items: tuple[Item, ...], language: Language, indent: str) -> Iterator[str]:
    for item in items:
        words: list[str] = [item.type]
        if item.unit is not None:
            words.append(item.unit)
        if item.minimum is not None or item.maximum is not None:
            low = f"{item.minimum:g}" if item.minimum is not None else ""
            high = f"{item.maximum:g}" if item.maximum is not None else ""
            words.append(f"{low}–{high}")
        codes = resolve_codes(protocol, item)
        if codes:
            words.append(" | ".join(code.value for code in codes))
        if item.never is not None:
            words.append(f'or "{item.never}"')
        star = " *" if item.required else ""
        yield f"{indent}{item.id}{star}  {item.label[language]} ({'; '.join(words)})"
        yield from _show_items(protocol, form, item.field, language, indent + "    ")


Show = Callable[[Protocol, Language], Iterator[str]]

#: What can be shown, by the name of the file it stands in.
PARTS: Final[Mapping[str, tuple[Text, Show]]] = {
    "trial": (Text("Trial", "試験"), _show_trial),
    "allocation": (Text("Arms and allocation", "群と割付"), _show_arms),
    "design": (Text("Design", "デザイン"), _show_design),
    "eligibility": (Text("Eligibility", "適格規準"), _show_eligibility),
    "therapy": (Text("Systemic therapy", "全身療法"), _show_therapy),
    "radiotherapy": (Text("Radiotherapy", "放射線治療"), _show_radiotherapy),
    "response": (Text("Response", "効果判定"), _show_response),
    "quality_of_life": (Text("Quality of life", "生活の質"), _show_quality_of_life),
    "schedule": (Text("Schedule", "スケジュール"), _show_schedule),
    "analysis": (Text("Endpoints", "評価項目"), _show_endpoints),
    "safety": (Text("Safety", "安全性"), _show_safety),
    "forms": (Text("Forms", "調査票"), _show_forms),
}


def count_parts(protocol: Protocol) -> dict[str, int]:
    """Return how much there is: forms, items, criteria, rules (all origins marked) and settings (those by default)."""
    origins: list[Any] = [origin for _, part in _files(protocol) for _, origin in _origins(part, "")]
    return {
        "forms": len(protocol.forms),
        "items": sum(len(form.item) + sum(len(item.field) for item in form.item) for form in protocol.forms),
        "criteria": sum(len(stage.criterion) for stage in protocol.eligibility.stage),
        "rules": len(origins),
        "settings": sum(origin.is_setting for origin in origins),
    }
