"""The clinical rules used alone: one input as plain JSON gives one answer as plain JSON.

A verb names a judgement. The verbs follow from the protocol: one for each registration, one for each file of rules that it
has. Texts are objects with `en` and `ja` unless a language is asked for.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, cast

from oligami.protocol.compile import Compiled
from oligami.protocol.model.forms import FormRole
from oligami.protocol.model.quality_of_life import QualityOfLifeFile
from oligami.protocol.text import Language, Text
from oligami.trial.eligibility import VALUE_WORDS, explain_stage, judge_stage
from oligami.trial.judge_input import InputReader, JudgeError, JudgeProblem, examine_whole, plain, plain_reasons
from oligami.trial.quality_of_life import non_progression, score
from oligami.trial.radiotherapy import DoseVerdict, Grade, find_lung_location, judge_organ, judge_prescription, technique_query
from oligami.trial.response import (
    AssessedResponse,
    Assessment,
    Course,
    NewLesion,
    NonTargetLesion,
    Outcome,
    TargetLesion,
    assess_course,
    baseline_warnings,
    fibrosis_warnings,
    overall_survival,
    progression_free_survival,
)
from oligami.trial.therapy import explain_therapy, judge_therapy

__all__ = ["JudgeError", "JudgeProblem", "judge_line", "verbs"]

Judge = Callable[[Compiled, Mapping[str, Any], bool], dict[str, Any]]

_ELIGIBILITY: Final = "eligibility-"
_HIGHEST_SCORE: Final = 100
_MOST_GY: Final = 1000  # a larger dose is a slip of the unit, as is a volume of more than 100 litres
_MOST_CC: Final = 100_000
_GRADE_WORDS: Final[Mapping[Grade, str]] = {
    "PP": "PER_PROTOCOL",
    "DA": "ACCEPTABLE",
    "VU": "UNACCEPTABLE",
    "NE": "NOT_EVALUABLE",
}
_DATES_OF_COURSE: Final = ("randomised", "death", "last_alive", "clinical_progression")
_ITEM_NUMBER: Final = re.compile(r"[^0-9]*([0-9]+)\Z")


def verbs(compiled: Compiled) -> tuple[str, ...]:
    """Return the judgements that this protocol has rules for."""
    return tuple(_judges(compiled))


def judge_line(
    compiled: Compiled, verb: str, data: object, *, tree: bool = False, language: Language | None = None
) -> dict[str, Any]:
    """Judge one input.

    Args:
        compiled: the protocol.
        verb: one of `verbs(compiled)`.
        data: the items, as JSON has them.
        tree: whether to add the steps of the judgement as `tree`, where it rests on expressions.
        language: one language for all texts; None gives both.

    Returns:
        The answer, plain JSON.

    Raises:
        JudgeError: the input cannot be judged; it says which item and what to do.
        KeyError: there is no such verb.
    """
    judge = _judges(compiled)[verb]
    if not isinstance(data, Mapping):
        reader = InputReader()
        found = Text("a line that is no object", "オブジェクトでない行")
        reader.refuse(verb, found, Text("an object of items, {...}", "項目の一覧 {...}"))
        raise JudgeError(reader.problems)
    answer = judge(compiled, data, tree)
    return answer if language is None else cast(dict[str, Any], in_language(answer, language))


def in_language(value: Any, language: Language) -> Any:
    """Return plain JSON with every pair of wordings replaced by the one of a language."""
    if isinstance(value, dict):
        if value.keys() == {"en", "ja"}:
            return value[language]
        return {key: in_language(each, language) for key, each in value.items()}
    return [in_language(each, language) for each in value] if isinstance(value, list) else value


def _judges(compiled: Compiled) -> Mapping[str, Judge]:
    protocol = compiled.protocol
    found: dict[str, Judge] = {f"{_ELIGIBILITY}{stage}": _eligibility(stage) for stage in compiled.stages}
    if protocol.therapy is not None:
        found["therapy"] = _therapy
    if protocol.radiotherapy is not None:
        found["radiotherapy"] = _radiotherapy
        found["lung-location"] = _lung_location
        if protocol.constraints is not None:
            found["dose-constraint"] = _dose_constraint
    if protocol.response is not None:
        found["response"] = _response
    if protocol.quality_of_life is not None:
        found[protocol.quality_of_life.form.replace("_", "-")] = _scores
        found["qol-progression"] = _non_progression
    return found


# ---------------------------------------------------------------- eligibility and therapy


def _eligibility(stage: str) -> Judge:
    def judge(compiled: Compiled, data: Mapping[str, Any], tree: bool) -> dict[str, Any]:
        examined = examine_whole(compiled.forms[compiled.stages[stage].stage.form], data)
        verdict = judge_stage(compiled, stage, examined.values)
        answer: dict[str, Any] = {
            "verdict": verdict.verdict,
            "not_met": list(verdict.not_met),
            "unknown": list(verdict.unknown),
            "reasons": [
                {"rule": each.rule, "verdict": VALUE_WORDS[each.value], "text": plain(each.reason)}
                for each in verdict.criteria
                if each.value is not True
            ],
            "rules_version": verdict.rules_version,
        }
        if examined.warnings:
            answer["warnings"] = [{"rule": each.rule, "text": plain(each.text)} for each in examined.warnings]
        if tree:
            answer["tree"] = explain_stage(compiled, stage, examined.values).as_json()
        return answer

    return judge


def _therapy(compiled: Compiled, data: Mapping[str, Any], tree: bool) -> dict[str, Any]:
    therapy = compiled.protocol.therapy
    assert therapy is not None
    own = compiled.forms[therapy.form]
    regimen = own.form.key("regimen")
    reader = InputReader()
    forms = (own, compiled.forms[compiled.protocol.eligibility.stage[0].form])
    # A code outside the table is an answer (NOT_ALLOWED), so the regimen is not held against the form's codes.
    values = reader.form_items(forms, {name: value for name, value in data.items() if name != regimen})
    code = data.get(regimen)
    if not isinstance(code, str) or not code.strip():
        expected = Text("the code of the proposed regimen", "提案するレジメンのコード")
        reader.refuse(regimen, Text("no code", "コードなし"), expected)
    reader.finish()
    values[regimen] = code
    verdict = judge_therapy(compiled, values)
    answer: dict[str, Any] = {"status": verdict.status, "subtype": verdict.subtype or "unknown"}
    if verdict.course_days is not None:
        weeks = therapy.window_days // 7
        answer |= {"course_days": verdict.course_days, f"planned_courses_{weeks}_weeks": verdict.planned_courses}
    answer |= {"regimen": verdict.regimen, "row": verdict.row, "reasons": plain_reasons(verdict.reasons)}
    if tree:
        answer["tree"] = [{"rule": rule, **steps.as_json()} for rule, steps in explain_therapy(compiled, values)]
    return answer


# ---------------------------------------------------------------- radiotherapy


def _radiotherapy(compiled: Compiled, data: Mapping[str, Any], tree: bool) -> dict[str, Any]:
    rules = compiled.protocol.radiotherapy
    assert rules is not None
    reader = InputReader()
    reader.keys("", data, ("site", "lung_location", "total_gy", "fractions", "technique"))
    site = data.get("site")
    if not isinstance(site, str) or not site.strip():
        reader.refuse("site", Text("no site", "部位なし"), Text("the site of the lesion", "病変の部位"))
    form = compiled.protocol.form_of(FormRole.RADIOTHERAPY)
    dose = form.find("total_gy") if form is not None else None
    most_gy = dose.maximum if dose is not None and dose.maximum is not None else _MOST_GY
    total_gy = reader.number("total_gy", data.get("total_gy"), above=0, most=most_gy)
    fractions = reader.whole("fractions", data.get("fractions"), least=1, most=_most_fractions(compiled))
    location = data.get("lung_location")
    if location is not None:
        places = [rule.location for rule in rules.lung_location.rule]
        words = dict.fromkeys([*places, rules.lung_location.otherwise, rules.prescription.unknown_location])
        location = reader.word("lung_location", location, tuple(words))
    techniques = tuple(dict.fromkeys(option.technique for option in rules.option))
    technique = data.get("technique")
    if technique is not None:
        technique = reader.word("technique", technique, techniques)
    reader.finish()
    verdict = judge_prescription(compiled.protocol, site=site, lung_location=location, total_gy=total_gy, fractions=fractions)
    answer: dict[str, Any] = {"status": verdict.status, "dose_per_fraction": _rounded(verdict.dose_per_fraction_gy)}
    for each in verdict.doses:
        ratio = f"{each.alpha_beta_gy:g}"
        answer[f"BED{ratio}"] = _rounded(each.bed_gy)
        answer[f"EQD2_{ratio}"] = _rounded(each.eqd2_gy)
    answer["option"] = verdict.option.id if verdict.option is not None else None
    answer["reason"] = plain(verdict.reason)
    query = technique_query(verdict.option, technique) if verdict.option is not None else None
    if query is not None:
        answer["query"] = plain(query)
    return answer


def _lung_location(compiled: Compiled, data: Mapping[str, Any], tree: bool) -> dict[str, Any]:
    rules = compiled.protocol.radiotherapy
    assert rules is not None
    reader = InputReader()
    reader.keys("", data, rules.lung_location.items)
    own = {name: value for name, value in data.items() if name in rules.lung_location.items}
    values = reader.form_items((compiled.forms[rules.lung_location.form],), own)
    reader.finish()
    verdict = find_lung_location(compiled, values)
    answer: dict[str, Any] = {"lung_location": verdict.location, "reason": plain(verdict.reason)}
    if tree:
        answer["tree"] = [{"location": rule.location, **when.explain(values).as_json()} for rule, when in compiled.lung_location]
    return answer


def _dose_constraint(compiled: Compiled, data: Mapping[str, Any], tree: bool) -> dict[str, Any]:
    reader = InputReader()
    reader.keys("", data, ("fractions", "organ", "metric", "value", "metrics"))
    fractions = reader.whole("fractions", data.get("fractions"), least=1, most=_most_fractions(compiled))
    organ = data.get("organ")
    if not isinstance(organ, str) or not organ.strip():
        reader.refuse("organ", Text("no organ", "臓器なし"), Text("the name of an organ at risk", "リスク臓器の名称"))
        organ = ""
    figures = _dose_figures(reader, data)
    reader.finish()
    verdict = judge_organ(compiled.protocol, fractions=fractions, organ=organ, figures=figures)
    return {
        "status": _GRADE_WORDS[verdict.grade],
        "organ": verdict.organ,
        "limits": [_tell_limit(each) for each in verdict.doses],
        "reasons": plain_reasons(verdict.reasons),
    }


def _dose_figures(reader: InputReader, data: Mapping[str, Any]) -> dict[str, float | None]:
    """Read one metric with its value, or several as an object; null is not known."""
    if data.get("metrics") is None:
        metric = data.get("metric")
        if not isinstance(metric, str) or not metric.strip():
            reader.refuse("metric", Text("no metric", "指標なし"), Text("a metric such as D0.03cc", "指標(例 D0.03cc)"))
            return {}
        given = [("value", metric, data.get("value"))]
    else:
        for name in ("metric", "value"):
            if data.get(name) is not None:
                found = Text("a figure beside metrics", "metrics と並ぶ値")
                reader.refuse(name, found, Text("metric and value, or metrics alone", "metric と value、または metrics のみ"))
        table = reader.table("metrics", data["metrics"])
        if not table and isinstance(data["metrics"], Mapping):
            reader.refuse("metrics", Text("none", "なし"), Text("one metric or more", "1つ以上の指標"))
        given = [(f"metrics.{metric[:40]}", metric, value) for metric, value in table.items()]
    figures: dict[str, float | None] = {}
    for path, metric, value in given:
        if metric.strip().casefold() in {name.casefold() for name in figures}:
            reader.refuse(path, Text("a second value", "2つ目の値"), Text("one value a metric", "1指標1値"))
        figures[metric.strip()] = None if value is None else reader.number(path, value, least=0, most=_most_figure(metric))
    return figures


def _most_figure(metric: str) -> float:
    """Return the largest figure a metric can have: a share of a volume, a volume in cc, a dose in Gy."""
    if not metric.strip().upper().startswith("V"):
        return _MOST_GY
    return 100 if metric.strip().endswith("%") else _MOST_CC


def _tell_limit(dose: DoseVerdict) -> dict[str, Any]:
    row = dose.constraint
    return {
        "id": row.id,
        "metric": row.metric,
        "op": row.op,
        "limit": row.limit,
        "unit": row.unit,
        "value": dose.value,
        "kept": dose.kept,
        "grade": dose.grade,
        "level": row.level,
        "severity": row.severity,
        "cite": row.cite,
    }


def _most_fractions(compiled: Compiled) -> int:
    form = compiled.protocol.form_of(FormRole.RADIOTHERAPY)
    count = form.find("fractions") if form is not None else None
    return int(count.maximum) if count is not None and count.maximum is not None else 100


# ---------------------------------------------------------------- response


def _response(compiled: Compiled, data: Mapping[str, Any], tree: bool) -> dict[str, Any]:
    rules = compiled.protocol.response
    assert rules is not None
    reader = InputReader()
    reader.keys("", data, ("targets", "non_targets", "assessments", *_DATES_OF_COURSE))
    targets = [_target(reader, name, each) for name, each in reader.table("targets", data.get("targets")).items()]
    others = [_non_target(reader, name, each) for name, each in reader.table("non_targets", data.get("non_targets")).items()]
    words = [row.non_target for row in rules.overall if row.non_target != "*" and not row.non_target.startswith("not ")]
    names = ({target.id for target in targets}, {other.id for other in others})
    rows = reader.rows("assessments", data.get("assessments"), required=True)
    said = [
        _assessment(reader, f"assessments[{place}]", row, names, [*dict.fromkeys([*rules.codes_that_progress, *words])])
        for place, row in enumerate(rows, start=1)
    ]
    days = {name: reader.day(name, data.get(name)) for name in _DATES_OF_COURSE}
    assessments = [each for each in said if each is not None]
    if not targets and not others and not any(each.non_target for each in assessments):
        expected = Text("one lesion or more, here or under non_targets", "1つ以上の病変(ここまたは non_targets)")
        reader.refuse("targets", Text("no lesion at all", "病変なし"), expected)
    _check_order(reader, days, [each.date for each in assessments])
    reader.finish()
    course = assess_course(rules, targets, others, assessments)
    answer = _tell_course(course)
    start = days["randomised"]
    if start is not None:
        death = days["death"]
        # Somebody who was imaged was alive: without a date of last contact the last assessment stands for it.
        seen = [start, *(each.date for each in assessments), *_known(days["clinical_progression"])]
        last_alive = days["last_alive"] or max(seen)
        free = progression_free_survival(course, start=start, death=death, clinical_progression=days["clinical_progression"])
        answer["pfs"] = _tell_outcome(free)
        answer["os"] = _tell_outcome(overall_survival(start=start, death=death, last_alive=last_alive))
    warnings = baseline_warnings(rules, targets) + fibrosis_warnings(rules, targets, assessments, course)
    if warnings:
        answer["warnings"] = plain_reasons(warnings)
    return answer


def _target(reader: InputReader, name: str, data: object) -> TargetLesion:
    path = f"targets.{name}"
    table = reader.table(path, data)
    reader.keys(f"{path}.", table, ("mm", "nodal", "oligo", "organ", "resected", "last_fraction"))
    organ = table.get("organ")
    return TargetLesion(
        id=name,
        mm=reader.size(f"{path}.mm", table.get("mm"), baseline=True),
        nodal=reader.flag(f"{path}.nodal", table.get("nodal"), otherwise=False),
        oligo=reader.flag(f"{path}.oligo", table.get("oligo"), otherwise=True),
        organ=organ if isinstance(organ, str) else "",
        resected=reader.day(f"{path}.resected", table.get("resected")),
        last_fraction=reader.day(f"{path}.last_fraction", table.get("last_fraction")),
    )


def _non_target(reader: InputReader, name: str, data: object) -> NonTargetLesion:
    path = f"non_targets.{name}"
    table = reader.table(path, data)
    reader.keys(f"{path}.", table, ("oligo", "resected"))
    oligo = reader.flag(f"{path}.oligo", table.get("oligo"), otherwise=True)
    return NonTargetLesion(id=name, oligo=oligo, resected=reader.day(f"{path}.resected", table.get("resected")))


def _assessment(
    reader: InputReader, path: str, data: object, names: tuple[set[str], set[str]], words: list[str]
) -> Assessment | None:
    table = reader.table(path, data)
    reader.keys(f"{path}.", table, ("date", "sizes", "non_target", "new_lesion", "confirms_equivocal", "progressed"))
    day = reader.day(f"{path}.date", table.get("date"), required=True)
    sizes = reader.table(f"{path}.sizes", table.get("sizes"))
    reader.keys(f"{path}.sizes.", sizes, names[0])
    read = {
        name: None if size is None else reader.size(f"{path}.sizes.{name}", size)
        for name, size in sizes.items()
        if name in names[0]
    }
    new = table.get("new_lesion")
    new_words = ("no", "equivocal", "yes", "unknown")
    new_lesion = "no" if new is None else reader.word(f"{path}.new_lesion", new, new_words)
    non_target = table.get("non_target")
    if non_target is not None:
        non_target = reader.word(f"{path}.non_target", non_target, words)
    progressed = reader.rows(f"{path}.progressed", table.get("progressed"))
    reader.keys(f"{path}.progressed.", {str(each): None for each in progressed}, names[1])
    confirms = reader.flag(f"{path}.confirms_equivocal", table.get("confirms_equivocal"), otherwise=False)
    if day is None or new_lesion is None:
        return None
    return Assessment(
        date=day,
        sizes=read,
        non_target=non_target,
        new_lesion=cast(NewLesion, new_lesion),
        confirms_equivocal=confirms,
        progressed=tuple(str(each) for each in progressed),
    )


def _check_order(reader: InputReader, days: Mapping[str, date | None], assessed: list[date]) -> None:
    """Refuse dates that contradict one another: nobody is randomized or imaged after death, or known alive after it."""
    death, start = days["death"], days["randomised"]
    for name in ("randomised", "last_alive", "clinical_progression"):
        day = days[name]
        if day is not None and death is not None and day > death:
            reader.refuse(name, _day(day), Text(f"a date not after death on {death}", f"死亡日 {death} 以前の日付"))
    for name in ("death", "last_alive"):
        day = days[name]
        if day is not None and start is not None and day < start:
            reader.refuse(name, _day(day), Text(f"a date not before randomization on {start}", f"割付日 {start} 以降の日付"))
    for place, day in enumerate(assessed, start=1):
        if death is not None and day > death:
            expected = Text(f"a date not after death on {death}", f"死亡日 {death} 以前の日付")
            reader.refuse(f"assessments[{place}].date", _day(day), expected)


def _tell_course(course: Course) -> dict[str, Any]:
    return {
        "assessments": [_tell_assessment(each) for each in course.assessments],
        "progression_date": _iso(course.progression_date),
        "progression_site": course.progression_site,
    }


def _tell_assessment(each: AssessedResponse) -> dict[str, Any]:
    told: dict[str, Any] = {"date": each.date.isoformat(), "target": each.target, "overall": each.overall}
    if each.sum_mm is not None:
        told |= {
            "sum_mm": _mm(each.sum_mm),
            "baseline_mm": _mm(each.baseline_mm),
            "nadir_mm": _mm(each.nadir_mm),
            "change_from_baseline_pct": _percent(each.change_from_baseline_pct),
            "change_from_nadir_pct": _percent(each.change_from_nadir_pct),
            "change_from_nadir_mm": _mm(each.change_from_nadir_mm),
        }
    return told


def _tell_outcome(outcome: Outcome) -> dict[str, Any]:
    return {"event": int(outcome.event), "date": outcome.date.isoformat(), "days": outcome.days}


# ---------------------------------------------------------------- quality of life


def _scores(compiled: Compiled, data: Mapping[str, Any], tree: bool) -> dict[str, Any]:
    rules = compiled.protocol.quality_of_life
    assert rules is not None
    reader = InputReader()
    reader.keys("", data, ("items",))
    items = data.get("items")
    if not isinstance(items, Mapping):
        reader.refuse("items", Text("no object", "オブジェクトなし"), Text("the answers by item number", "項目番号ごとの回答"))
        raise JudgeError(reader.problems)
    names = _item_names(rules)
    reader.keys("items.", items, names)
    ranges = {name: (scale.lowest, scale.highest) for scale in rules.scale for name in scale.items}
    answers: dict[str, int | None] = {}
    for key, value in items.items():
        name = names.get(str(key))
        if name is not None and value is not None:
            low, high = ranges[name]
            if name in answers:
                reader.refuse(f"items.{key}", Text("a second answer", "2つ目の回答"), Text("one answer an item", "1項目1回答"))
            answers[name] = reader.whole(f"items.{key}", value, least=low, most=high)
    reader.finish()
    return {scale: _rounded(figure) for scale, figure in score(rules, answers).items()}


def _item_names(rules: QualityOfLifeFile) -> dict[str, str]:
    """Return the items by every name an answer may use: the item's id, or its number alone."""
    names: dict[str, str] = {}
    for scale in rules.scale:
        for name in scale.items:
            number = _ITEM_NUMBER.match(name)
            names |= {name: name, **({number.group(1): name} if number else {})}
    return names


def _non_progression(compiled: Compiled, data: Mapping[str, Any], tree: bool) -> dict[str, Any]:
    rules = compiled.protocol.quality_of_life
    assert rules is not None
    scale = rules.non_progression.scale
    reader = InputReader()
    keys = (f"baseline_{scale}", f"visit_{scale}")
    reader.keys("", data, (*keys, "died_before_visit"))
    baseline, visit = (
        None if data.get(key) is None else reader.number(key, data[key], least=0, most=_HIGHEST_SCORE) for key in keys
    )
    died = reader.flag("died_before_visit", data.get("died_before_visit"), otherwise=False)
    reader.finish()
    verdict = non_progression(rules, baseline=baseline, visit=visit, died_before_visit=died)
    return {"verdict": verdict, "threshold": rules.non_progression.threshold}


# ---------------------------------------------------------------- figures as they are printed


def _rounded(figure: float | None) -> float | None:
    return None if figure is None else round(figure, 2)


def _mm(size: Decimal | None) -> float | int | None:
    if size is None:
        return None
    return int(size) if size == size.to_integral_value() else float(size)


def _percent(change: Fraction | None) -> float | None:
    return None if change is None else float(round(change, 1))


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _known(day: date | None) -> tuple[date, ...]:
    return () if day is None else (day,)


def _day(day: date) -> Text:
    return Text(day.isoformat(), day.isoformat())
