"""What stands in force: a title and a value, in one language, for everything of a protocol that carries a mark.

The printed protocol and the agenda of settings both speak through these functions, so that they never differ.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Final

from oligami.protocol.compile import resolve_codes
from oligami.protocol.model.allocation import Allocation, Factor
from oligami.protocol.model.analysis import AnalysisFile, Endpoint, Period, ReportDeadline, SafetyFile, Stratum
from oligami.protocol.model.common import Origin
from oligami.protocol.model.derived import Derived
from oligami.protocol.model.design import Closing, DesignFile, InterimPlan, SurvivalPreset
from oligami.protocol.model.eligibility import Criterion, Stage
from oligami.protocol.model.forms import Check, Codelist, Form, FormRole, Item
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.model.quality_of_life import NonProgression, QualityOfLifeFile
from oligami.protocol.model.radiotherapy import (
    Constraint,
    ConstraintsFile,
    DoseOption,
    LungLocation,
    PlanCheck,
    Prescription,
    Reading,
    RequiredStructures,
)
from oligami.protocol.model.response import ResponseFile
from oligami.protocol.model.schedule import Activity
from oligami.protocol.model.therapy import Regimen, SameTherapy, TherapyFile, TherapyRow, TherapyRule
from oligami.protocol.show_marks import ASPECTS
from oligami.protocol.show_words import say
from oligami.protocol.text import Language, Text

# Titles of things that have none of their own.
_TITLES: Final[Mapping[type, Text]] = {
    Allocation: Text("Rule of allocation", "割付方法"),
    AnalysisFile: Text("Conventions of the analysis", "解析の取り決め"),
    Closing: Text("Closing of registration", "登録の終了"),
    ConstraintsFile: Text("Limits of organs at risk", "リスク臓器の線量制約"),
    DesignFile: Text("Assumption behind the number of subjects", "症例数設定の仮定"),
    LungLocation: Text("Where a lung lesion lies", "肺病変の位置"),
    NonProgression: Text("Non-progression", "非増悪"),
    Prescription: Text("How the dose is prescribed", "線量の処方"),
    QualityOfLifeFile: Text("Questionnaire", "調査票"),
    RequiredStructures: Text("Structures a plan must carry", "計画に必要な構造"),
    ResponseFile: Text("Response", "効果判定"),
    SafetyFile: Text("Grading of adverse events", "有害事象の評価"),
    SameTherapy: Text("The same systemic therapy", "同一の全身薬物療法"),
    Stratum: Text("Stratum of the primary test", "主たる検定の層"),
    InterimPlan: Text("Interim analyses", "中間解析"),
    SurvivalPreset: Text("Assumed survival", "仮定する生存割合"),
    TherapyFile: Text("Systemic therapy", "全身薬物療法"),
}


def describe_title(protocol: Protocol, thing: object, language: Language, *, aspect: str = "") -> str:
    """Return what a thing is called, in one line."""
    match thing:
        case TherapyRule():
            title = thing.reason[language].rstrip(".。")
        case DoseOption():
            place = f"{name_site(protocol, thing.site, language)} {say(thing.lung_location or '', language)}".strip()
            title = f"{place} {describe_dose(thing)}" if aspect else place
        case Reading():
            title = f'"{thing.record_text}"'
        case Constraint():
            title = f"{thing.organ} {thing.metric}"
        case Item():
            title = thing.label[language]
        case Check():
            title = thing.message[language]
        case RequiredStructures():
            title = f"{_TITLES[RequiredStructures][language]}: {thing.text[language]}"
        case Closing():
            title = f"{_TITLES[Closing][language]}: {protocol.stage(thing.stage).title[language]}"
        case _:
            own = getattr(thing, "title", None)
            given = own if isinstance(own, Text) else _TITLES.get(type(thing), Text("The whole file", "ファイル全体"))
            title = given[language]
    if aspect:
        title = f"{title} ({ASPECTS.get(aspect, Text(aspect, aspect))[language]})"
    return _one_line(title)


def describe_value(protocol: Protocol, thing: object, language: Language, *, aspect: str = "") -> str:
    """Return the value in force of a thing, or of one aspect of it, in one line."""
    said = _one_line(_value(protocol, thing, aspect, language))
    return said or say("none", language)


def name_site(protocol: Protocol, site: str, language: Language) -> str:
    """Return what the radiotherapy form calls a site."""
    form = protocol.form_of(FormRole.RADIOTHERAPY)
    item = form.find("site") if form is not None else None
    codes = resolve_codes(protocol, item) if item is not None else ()
    return next((code.label[language] for code in codes if code.value == site), site)


def count_provenance(constraints: ConstraintsFile) -> dict[str, int]:
    """Return how many limits there are of each provenance, the most first."""
    return dict(Counter(limit.provenance for limit in constraints.constraint).most_common())


def name_anchor(protocol: Protocol, anchor: str, language: Language) -> str:
    """Return an anchor in words: a registration, or the item that carries the dated concept."""
    kind, _, name = anchor.partition(":")
    if kind == "registration":
        return protocol.stage(name).title[language]
    if kind == "event":
        items = (form.find(name) for form in protocol.forms)
        return next((item.label[language] for item in items if item is not None), say(name, language))
    return say(anchor, language)


def render(value: object, language: Language) -> str:
    """Return any plain value of a protocol in words."""
    match value:
        case Text():
            return value[language]
        case bool():
            return say("yes" if value else "no", language)
        case float():
            return f"{value:g}"
        case str():
            return say(value, language)
        case tuple():
            return ", ".join(render(each, language) for each in value)
        case None:
            return ""
        case _ if is_dataclass(value):
            shown = [(each.name, getattr(value, each.name)) for each in fields(value)]
            return _pairs(((name, inner) for name, inner in shown if not isinstance(inner, Origin)), language)
        case _:
            return str(value)


def describe_window(protocol: Protocol, activity: Activity, language: Language) -> str:
    """Return the window of an activity: its days, counted from its anchor."""
    parts = []
    if activity.at_days:
        days = ", ".join(str(day) for day in activity.at_days)
        margin = f"-{activity.before_days}/+{activity.after_days}"
        names = f" ({', '.join(activity.visit_ids)})" if activity.visit_ids else ""
        parts.append(Text(f"day {days}{names}, {margin} days", f"第{days}日{names}、{margin}日")[language])
    for run in activity.repeat:
        margin = f"-{run.before_days}/+{run.after_days}"
        parts.append(
            Text(
                f"every {run.every_days} days, day {run.from_day} to {run.to_day}, {margin} days",
                f"{run.every_days}日毎、第{run.from_day}〜{run.to_day}日、{margin}日",
            )[language]
        )
    if not parts:
        low, high = activity.earliest_day, activity.latest_day
        if low is None:
            said = Text("any day", "随時") if high is None else Text(f"up to day {high}", f"第{high}日まで")
        else:
            said = (
                Text(f"from day {low}", f"第{low}日以降") if high is None else Text(f"day {low} to {high}", f"第{low}〜{high}日")
            )
        parts.append(said[language])
        if activity.target_day is not None:
            parts.append(Text(f"planned day {activity.target_day}", f"予定日 第{activity.target_day}日")[language])
    anchor = name_anchor(protocol, activity.anchor, language)
    parts.append(Text(f"from: {anchor} ({activity.anchor})", f"起点: {anchor} ({activity.anchor})")[language])
    if activity.until:
        parts.append(Text(f"until {activity.until}", f"{say(activity.until, 'ja')}まで")[language])
    return "; ".join(parts)


def describe_dose(option: DoseOption) -> str:
    """Return the dose of an option with its fractions."""
    low, high = option.total_gy_min, option.total_gy_max
    return f"{low:g} Gy / {option.fractions} fr" if low == high else f"{low:g}–{high:g} Gy / {option.fractions} fr"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _fields(thing: object, names: tuple[str, ...], language: Language) -> str:
    return _pairs([(name, getattr(thing, name)) for name in names], language)


def _pairs(pairs: Iterable[tuple[str, object]], language: Language) -> str:
    """Write names with their values; what says nothing is left out."""
    said = ((name, render(value, language)) for name, value in pairs)
    return "; ".join(f"{say(name, language)} {value}" for name, value in said if value)


def _value(protocol: Protocol, thing: object, aspect: str, language: Language) -> str:
    match thing:
        case Criterion():
            rule = f"{say('met', language)}: {thing.met}"
            if thing.not_met is not None:
                rule += f" / {say('not met', language)}: {thing.not_met}"
            return f"{thing.reading[language]} — {rule}" if aspect == "setting" and thing.reading is not None else rule
        case Stage():
            return _pairs([("limit", thing.limit), ("waiting_may_proceed", thing.waiting_may_proceed)], language)
        case Derived():
            cases = [f"{case.value} = {case.when}" for case in thing.case]
            if thing.otherwise is not None:
                cases.append(f"{say('otherwise', language)} {thing.otherwise}")
            return " | ".join(cases)
        case Factor():
            levels = " | ".join(thing.levels) or say("any", language)
            return f"{thing.expression} ({levels}); {say('weight', language)} {thing.weight:g}"
        case Allocation():
            return _describe_allocation(thing, language)
        case Regimen():
            return f"{thing.course_days} d; {thing.dose[language]}"
        case TherapyRow():
            return f"{', '.join(thing.regimens)}; {say('when', language)} {thing.when}"
        case TherapyRule():
            return f"{say(thing.status, language)}; {say('when', language)} {thing.when}"
        case TherapyFile():
            return _pairs([("window_days", thing.window_days)], language)
        case DoseOption():
            return say(thing.technique, language) if aspect == "technique" else describe_dose(thing)
        case LungLocation():
            steps = [f"{say(rule.location, language)} = {rule.when}" for rule in thing.rule]
            return " | ".join([*steps, f"{say('otherwise', language)} {say(thing.otherwise, language)}"])
        case Prescription():
            return _fields(thing, ("point", "tolerance_gy", "alpha_beta_gy"), language)
        case PlanCheck():
            return describe_thresholds(thing, language) or thing.text[language]
        case RequiredStructures():
            return ", ".join("/".join(group) for group in thing.structures)
        case ConstraintsFile():
            counted = ", ".join(f"{name} {count}" for name, count in count_provenance(thing).items())
            return f"{say('limits', language)} {len(thing.constraint)} ({counted})"
        case Constraint():
            return describe_limit(thing, language)
        case ResponseFile() if aspect == "setting":
            return _fields(thing, ("resected_leaves_sum", "fibrosis_months", "fibrosis_sites", "text", "site_rule"), language)
        case NonProgression():
            return _fields(
                thing, ("scale", "threshold", "thresholds_offered", "primary_visit", "baseline_visit", "visits"), language
            )
        case QualityOfLifeFile():
            return f"{thing.instrument} {thing.version}; {say('answered_share', language)} {thing.answered_share:g}"
        case Activity():
            window = describe_window(protocol, thing, language)
            if aspect == "window":
                return window
            # Where the window carries a mark of its own it is a line of its own.
            return thing.text[language] if thing.window_origin is not None else f"{thing.text[language]} {window}"
        case SurvivalPreset():
            shares = (("control", thing.control_survival), ("experimental", thing.experimental_survival))
            return f"{thing.id}: {_pairs(shares, language)}; {thing.text[language]}"
        case Closing():
            waiting = _pairs([("limit", thing.limit), ("waiting_may_proceed", thing.waiting_may_proceed)], language)
            return f"{waiting}; {thing.text[language]}"
        case InterimPlan():
            keys = ("information", "efficacy", "efficacy_parameter", "futility", "futility_parameter", "binding")
            return f"{_fields(thing, keys, language)}; {thing.text[language]}"
        case DesignFile() if aspect == "preset":
            return thing.preset_in_force
        case Endpoint():
            return f"{thing.definition[language]} {describe_counting(protocol, thing, language)}"
        case Stratum():
            return thing.factor
        case AnalysisFile():
            return _fields(
                thing,
                ("confidence_levels", "curve_confidence_type", "milestone_years", "days_per_month", "days_per_year"),
                language,
            )
        case Period():
            return _pairs([("starts", thing.starts), ("by_arm", thing.by_arm)], language)
        case ReportDeadline():
            return _pairs([("hours", thing.hours), ("category", thing.category), ("recipients", thing.recipients)], language)
        case SafetyFile():
            return f"{thing.dictionary} {thing.dictionary_version}; {say('severe_grade', language)} {thing.severe_grade}"
        case Codelist():
            return " | ".join(f"{code.value} = {code.label[language]}" for code in thing.code)
        case Item():
            return describe_item(protocol, thing, language)
        case Check():
            return f"{say(thing.level, language)}: {thing.holds}"
        case Form():
            names = ", ".join(item.id for item in thing.item)
            return f"{say(thing.role, language)}, {say(thing.repeats, language)}; {len(thing.item)}: {names}"
        case SameTherapy() | Reading():
            return thing.text[language]
        case _:
            # A mark this module does not know yet: the marked field itself, else all plain fields.
            return render(getattr(thing, aspect, thing) if aspect else thing, language)


def _describe_allocation(rule: Allocation, language: Language) -> str:
    ratio = f"{':'.join(arm.id for arm in rule.arms)} = {':'.join(str(arm.ratio) for arm in rule.arms)}"
    names = ["initial_simple", "tally_factors", "hidden_from_sites"]
    if rule.method == "minimization":
        constant = "p_best" if rule.probability == "best" else "q"
        names = ["distance", "probability", constant, "ties", "ratio_counts", *names]
    elif rule.method == "permuted_blocks":
        names = ["block_sizes", "block_probabilities", *names]
    rest = _pairs([(name, getattr(rule, name)) for name in names], language)
    weights = ", ".join(f"{factor.id} {factor.weight:g}" for factor in rule.factors)
    return f"{say(rule.method, language)}; {say('ratio', language)} {ratio}; {rest}; {say('weights', language)} {weights}"


def describe_thresholds(check: PlanCheck, language: Language) -> str:
    """Return the bounds of a check of a plan, per protocol and acceptable; "" if it has none."""
    said = []
    for name in ("per_protocol", "acceptable"):
        low, high = getattr(check, f"{name}_min"), getattr(check, f"{name}_max")
        if low is not None and high is not None:
            said.append(f"{say(name, language)} {low:g}–{high:g}")
        elif low is not None or high is not None:
            said.append(f"{say(name, language)} {f'≥ {low:g}' if high is None else f'≤ {high:g}'}")
    return "; ".join(said)


def describe_limit(limit: Constraint, language: Language) -> str:
    """Return a limit of an organ: fractions, metric, bound, level and severity."""
    level = f"{say(limit.level, language)}, {say(limit.severity, language)}"
    return f"{limit.fractions} fr: {limit.metric} {limit.op} {limit.limit:g} {limit.unit} ({level})"


def describe_counting(protocol: Protocol, endpoint: Endpoint, language: Language) -> str:
    """Return how an endpoint is counted: population, start, events and censoring."""

    def word(text: str) -> str:
        kind, _, name = text.partition(":")
        stages = {stage.id: stage.title for stage in protocol.eligibility.stage}
        arms = {arm.id: arm.short_title for arm in protocol.trial.arm}
        named = stages.get(name) or arms.get(name)
        return f"{say(kind, language)} ({named[language]})" if named is not None else say(text, language)

    events = " | ".join(word(event) for event in endpoint.event)
    parts = [word(endpoint.population), word(endpoint.start or ""), events, word(endpoint.censor or "")]
    return " → ".join(part for part in parts if part)


def describe_item(protocol: Protocol, item: Item, language: Language) -> str:
    """Return type, unit, limits and answers of an item."""
    words: list[str] = [say(item.type, language)]
    if item.unit is not None:
        words.append(item.unit)
    low_bound = item.minimum if item.minimum is not None else item.exclusive_minimum
    if low_bound is not None or item.maximum is not None:
        low = "" if low_bound is None else f"{low_bound:g}"
        above = ">" if item.minimum is None and low else ""
        words.append(f"{above}{low}–{'' if item.maximum is None else f'{item.maximum:g}'}")
    codes = resolve_codes(protocol, item)
    if codes:
        words.append(" | ".join(code.value for code in codes))
    if item.partial:
        words.append(say("year or month alone", language))
    if item.never is not None:
        words.append(f'{say("or", language)} "{item.never}"')
    return "; ".join(words)
