"""Holds the files of a protocol against one another: every reference must exist, every rule must be complete.

Expressions are `compile`'s errand, radiotherapy and response `vocabulary`'s. The closed words (endpoints, anchors, kinds) are
those that the model's docstrings name.
"""

from collections.abc import Callable, Collection, Sequence
from itertools import pairwise
from typing import Final

from oligami.protocol.finder import A_FORM, A_STAGE, A_VISIT, AN_ARM, AN_ITEM, NOT_NEGATIVE, POSITIVE, SHARE, Finder
from oligami.protocol.model.design import InterimPlan
from oligami.protocol.model.forms import REQUIRED_CONCEPTS, FormRole, Item
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.problems import Problem, find_near_miss
from oligami.protocol.text import Text
from oligami.protocol.vocabulary import look_at_constraints, look_at_radiotherapy, look_at_response

KINDS_OF_CRITERION: Final = ("inclusion", "exclusion", "structural")
TREATMENTS: Final = ("systemic_therapy", "local_therapy")
POPULATIONS: Final = ("randomized", "randomized_with_progression", "randomized_with_baseline_questionnaire", "treated")
STARTS: Final = ("randomization", "last_local_therapy")
CLINICAL_EVENTS: Final = ("death", "progression_imaging", "progression_clinical", "progression_of_treated_lesion")
CENSORINGS: Final = ("last_alive", "last_progression_free_assessment", "last_assessment_of_treated_lesions")
#: Anchors of the schedule that no single item holds.
COMPUTED_ANCHORS: Final = ("last_fraction", "last_local_therapy")

_SUM_OF_SHARES: Final = 1e-9  # block probabilities are decimals of a few digits


def find_faults(protocol: Protocol, unread: Collection[str] = ()) -> tuple[Problem, ...]:
    """Return everything that does not fit between or within the files of a protocol, file by file.

    unread: files that could not be read and are empty in `protocol`; nothing is said that would need them.
    """
    finder = Finder(protocol, unread)
    for look in _LOOKS:
        look(finder)
    return tuple(finder.problems)


# ---------------------------------------------------------------- trial, eligibility, allocation


def _look_at_trial(f: Finder) -> None:
    file, trial = "trial.toml", f.protocol.trial
    f.unique(file, "arm", (arm.id for arm in trial.arm))
    f.demand(len(trial.arm) >= 2, file, "arm", len(trial.arm), Text("two arms or more", "2つ以上の群"))
    roles = [arm.role for arm in trial.arm]
    if roles.count("control") != 1:
        f.add(file, "arm", Text(f"{roles.count('control')} control arms", f"対照群 {roles.count('control')} 個"), "1")
    labels = [arm.label.en for arm in trial.record_arm]
    for arm in trial.arm:
        what = Text("an arm of the record (label)", "登録記録の群(label)")
        f.exists(file, f"arm[{arm.id}].record_label", arm.record_label, labels, what)
        for word in arm.includes:
            f.exists(file, f"arm[{arm.id}].includes", word, TREATMENTS, Text("a treatment", "治療"))


def _look_at_eligibility(f: Finder) -> None:
    file, stages = "eligibility.toml", f.protocol.eligibility.stage
    ids = [stage.id for stage in stages]
    f.unique(file, "stage", ids)
    f.unique(file, "criterion", (each.id for stage in stages for each in stage.criterion))
    drawing = [stage.id for stage in stages if stage.randomizes]
    if len(drawing) != 1:
        names = ", ".join(drawing) or "-"
        expected = Text("exactly one stage with randomizes = true", "randomizes = true の登録段階がちょうど1つ")
        f.add(file, "stage", Text(f"{len(drawing)} ({names})", f"{len(drawing)} 個({names})"), expected)
    for place, stage in enumerate(stages):
        key = f"stage[{stage.id}]"
        f.exists(file, f"{key}.form", stage.form, f.forms, A_FORM)
        form = f.form(stage.form)
        if form is not None and form.role is not FormRole.REGISTRATION:
            found = Text(f"{form.id}, a form of role {form.role}", f"役割が {form.role} の調査票 {form.id}")
            f.add(file, f"{key}.form", found, Text("a form of role registration", "役割が registration の調査票"))
        if stage.follows is not None:
            earlier = Text("a stage that stands before", "前に置かれた登録段階")
            f.exists(file, f"{key}.follows", stage.follows, ids[:place], earlier)
        if stage.limit is not None:
            f.demand(stage.limit > 0, file, f"{key}.limit", stage.limit, POSITIVE)
        for criterion in stage.criterion:
            what = Text("a kind of criterion", "基準の種類")
            f.exists(file, f"{key}.criterion[{criterion.id}].kind", criterion.kind, KINDS_OF_CRITERION, what)


def _look_at_allocation(f: Finder) -> None:
    file, rule = "allocation.toml", f.protocol.allocation
    drawing = f.known([each.id for each in f.protocol.eligibility.stage if each.randomizes], "eligibility.toml")
    f.exists(file, "stage", rule.stage, drawing, A_STAGE)
    f.unique(file, "arms", (arm.id for arm in rule.arms))
    f.unique(file, "factors", (factor.id for factor in rule.factors))
    for arm in rule.arms:
        f.exists(file, f"arms[{arm.id}].id", arm.id, f.arms, AN_ARM)
        f.demand(arm.ratio >= 1, file, f"arms[{arm.id}].ratio", arm.ratio, Text("1 or more", "1 以上"))
    for arm_id in f.arms or ():
        if arm_id not in [arm.id for arm in rule.arms]:
            f.add(
                file,
                "arms",
                Text(f'no arm "{arm_id}"', f"群「{arm_id}」がない"),
                Text("every arm of trial.toml", "trial.toml の全群"),
            )
    for factor in rule.factors:
        f.demand(factor.weight > 0, file, f"factors[{factor.id}].weight", factor.weight, POSITIVE)
        f.unique(file, f"factors[{factor.id}].levels", factor.levels)
    f.demand(rule.initial_simple >= 0, file, "initial_simple", rule.initial_simple, NOT_NEGATIVE)
    arms = max(len(rule.arms), 1)
    if rule.method == "minimization":
        f.demand(
            bool(rule.factors), file, "factors", "0", Text("one factor or more for minimization", "最小化法には因子が1つ以上必要")
        )
        f.demand(0.5 <= rule.p_best <= 1, file, "p_best", rule.p_best, Text("0.5 to 1", "0.5〜1"))
        # Pocock and Simon (1975): outside these bounds rule (b) gives a probability below 0 or favours the worse arm.
        if rule.probability == "rank" and arms > 1:
            low, high = 1 / arms, 2 / (arms - 1)
            f.demand(low <= rule.q <= high, file, "q", rule.q, Text(f"{low:.4g} to {high:.4g}", f"{low:.4g}〜{high:.4g}"))
    if rule.method == "permuted_blocks":
        f.demand(bool(rule.block_sizes), file, "block_sizes", "0", Text("one block size or more", "ブロックサイズ1つ以上"))
        whole = sum(arm.ratio for arm in rule.arms) or 1
        for size in rule.block_sizes:
            expected = Text(f"a multiple of {whole}, the sum of the ratios", f"比の合計 {whole} の倍数")
            f.demand(size > 0 and size % whole == 0, file, "block_sizes", size, expected)
    shares = rule.block_probabilities
    if shares:
        expected = Text(
            f"{len(rule.block_sizes)} probabilities, one a block size", f"ブロックサイズごとに1つ(計 {len(rule.block_sizes)} 個)"
        )
        f.demand(len(shares) == len(rule.block_sizes), file, "block_probabilities", len(shares), expected)
        expected = Text("0 or more each, 1 in all", "各 0 以上、合計 1")
        good = min(shares) >= 0 and abs(sum(shares) - 1) <= _SUM_OF_SHARES
        f.demand(good, file, "block_probabilities", sum(shares), expected)


# ---------------------------------------------------------------- forms


def _look_at_forms(f: Finder) -> None:
    anchors = {activity.anchor for activity in f.protocol.schedule.activity}
    f.unique("codelists.toml", "codelist", (each.id for each in f.protocol.codelists))
    for codelist in f.protocol.codelists:
        f.unique("codelists.toml", f"codelist[{codelist.id}].code", (code.value for code in codelist.code))
    for form in f.protocol.forms:
        file = f"forms/{form.id}.toml"
        f.unique(file, "item", (item.id for item in form.item))
        f.unique(file, "concept", (item.concept or item.id for item in form.item))
        f.unique(file, "check", (check.id for check in form.check))
        if form.after_stage is not None:
            f.exists(file, "after_stage", form.after_stage, f.stages, A_STAGE)
        for visit in form.visits:
            f.exists(file, "visits", visit, f.visits, A_VISIT)
        own = [item.concept or item.id for item in form.item]
        for concept in REQUIRED_CONCEPTS[form.role]:
            if concept not in own:
                expected = Text(
                    f"an item with the id or concept {concept}, as role {form.role} asks for",
                    f"id または concept が {concept} の項目(役割 {form.role} に必須)",
                )
                found = Text(f"no item for {concept}", f"{concept} の項目がない")
                f.add(file, "item", found, expected, find_near_miss(concept, own))
            elif concept.endswith("_date") and (item := form.find(concept)) is not None and item.type != "date":
                f.add(file, f"item[{item.id}].type", f'"{item.type}"', Text('"date"', "「date」"))
        for item in form.item:
            _look_at_item(f, file, f"item[{item.id}]", item)
            concept = item.concept or item.id
            if item.partial and (form.needs_day(concept) or f"event:{concept}" in anchors):
                expected = Text(
                    f"whole dates alone: {concept} is counted from by the day",
                    f"年月日すべて({concept} は日単位の計算に使われる)",
                )
                f.add(file, f"item[{item.id}].partial", "true", expected)
        paths = [path for item in form.item for path in (item.id, *(f"{item.id}.{field.id}" for field in item.field))]
        for check in form.check:
            if check.item is not None:
                f.exists(file, f"check[{check.id}].item", check.item, paths, AN_ITEM)


def _look_at_item(f: Finder, file: str, key: str, item: Item) -> None:
    f.unique(file, f"{key}.code", (code.value for code in item.code))
    is_number = item.type in ("number", "integer")
    belongs: Sequence[tuple[str, bool, bool]] = (
        ("unit", item.unit is not None, is_number),
        ("minimum", item.minimum is not None, is_number),
        ("maximum", item.maximum is not None, is_number),
        ("exclusive_minimum", item.exclusive_minimum is not None, is_number),
        ("decimals", item.decimals is not None, item.type == "number"),
        ("code", bool(item.code), item.type == "code"),
        ("codelist", item.codelist is not None, item.type == "code"),
        ("unknown", bool(item.unknown), item.type == "code"),
        ("never", item.never is not None, item.type == "date"),
        ("partial", item.partial, item.type == "date"),
        ("field", bool(item.field), item.type == "list"),
    )
    for name, is_there, may_be in belongs:
        if is_there and not may_be:
            expected = Text(f"no {name} for an item of type {item.type}", f"型 {item.type} の項目に {name} は不要")
            f.add(file, f"{key}.{name}", name, expected)
    if item.partial and item.identity:
        expected = Text("whole dates alone for an item that identifies a person", "個人を識別する項目では年月日すべて")
        f.add(file, f"{key}.partial", "true", expected)
    if item.minimum is not None and item.maximum is not None:
        expected = Text(f"at most the maximum {item.maximum:g}", f"最大値 {item.maximum:g} 以下")
        f.demand(item.minimum <= item.maximum, file, f"{key}.minimum", item.minimum, expected)
    if item.decimals is not None:
        f.demand(0 <= item.decimals <= 12, file, f"{key}.decimals", item.decimals, Text("0 to 12", "0〜12"))
    f.demand(item.max_length > 0, file, f"{key}.max_length", item.max_length, POSITIVE)
    if item.type == "list":
        f.demand(bool(item.field), file, f"{key}.field", "0", Text("one field or more", "1つ以上の欄"))
        f.demand(item.max_rows > 0, file, f"{key}.max_rows", item.max_rows, POSITIVE)
        f.unique(file, f"{key}.field", (field.id for field in item.field))
        if item.identity or item.derive is not None:
            expected = Text("neither identity nor derive for a list", "リストに identity・derive は使えない")
            f.add(file, key, Text("a list with identity or derive", "identity・derive 付きのリスト"), expected)
        for field in item.field:
            if field.identity or field.derive is not None or field.show_when is not None:
                expected = Text(
                    "neither identity, derive nor show_when in a list", "リストの欄に identity・derive・show_when は使えない"
                )
                f.add(file, f"{key}.field[{field.id}]", field.id, expected)
            if field.type != "list":
                _look_at_item(f, file, f"{key}.field[{field.id}]", field)


# ---------------------------------------------------------------- therapy, quality of life


def _look_at_therapy(f: Finder) -> None:
    file, therapy = "therapy.toml", f.protocol.therapy
    if therapy is None:
        return
    codes = [regimen.code for regimen in therapy.regimen]
    f.exists(file, "form", therapy.form, f.forms_of(FormRole.THERAPY), A_FORM)
    entered = f.codes(f.form(therapy.form), "regimen")
    f.exists(file, "subtype", therapy.subtype, f.derived, Text("a derived item", "導出項目"))
    f.unique(file, "regimen", codes)
    f.unique(file, "row", (row.id for row in therapy.row))
    f.unique(file, "rule", (rule.id for rule in therapy.rule))
    f.demand(therapy.window_days > 0, file, "window_days", therapy.window_days, POSITIVE)
    for regimen in therapy.regimen:
        f.exists(file, f"regimen[{regimen.code}].code", regimen.code, entered, Text("a regimen of the form", "調査票のレジメン"))
        f.demand(regimen.course_days > 0, file, f"regimen[{regimen.code}].course_days", regimen.course_days, POSITIVE)
    for row in therapy.row:
        for code in row.regimens:
            f.exists(file, f"row[{row.id}].regimens", code, codes, Text("a regimen of this file", "このファイルのレジメン"))
    agents = [agent for regimen in therapy.regimen for agent in regimen.agents]
    if agents:
        for place, one in enumerate(therapy.same_therapy.switch_classes, start=1):
            for agent in one:
                what = Text("an agent of a regimen", "レジメンの薬剤")
                f.exists(file, f"same_therapy.switch_classes[{place}]", agent, agents, what)


def _look_at_quality_of_life(f: Finder) -> None:
    file, quality = "quality_of_life.toml", f.protocol.quality_of_life
    if quality is None:
        return
    f.exists(file, "form", quality.form, f.forms_of(FormRole.QUESTIONNAIRE), A_FORM)
    form = f.form(quality.form)
    names = [item.id for item in form.item] if form is not None else []
    scales = [scale.id for scale in quality.scale]
    f.unique(file, "scale", scales)
    for scale in quality.scale:
        for name in scale.items if names else ():
            f.exists(file, f"scale[{scale.id}].items", name, names, AN_ITEM)
        expected = Text(f"more than lowest, {scale.lowest}", f"lowest {scale.lowest} より大きい値")
        f.demand(scale.highest > scale.lowest, file, f"scale[{scale.id}].highest", scale.highest, expected)
    f.demand(
        0 < quality.answered_share <= 1, file, "answered_share", quality.answered_share, Text("above 0, at most 1", "0 超 1 以下")
    )
    rule = quality.non_progression
    f.exists(file, "non_progression.scale", rule.scale, scales, Text("a scale", "尺度"))
    f.demand(rule.threshold > 0, file, "non_progression.threshold", rule.threshold, POSITIVE)
    for key, visits in (("baseline_visit", (rule.baseline_visit,)), ("visits", rule.visits)):
        for visit in visits:
            f.exists(file, f"non_progression.{key}", visit, f.visits, A_VISIT)
    what = Text("one of non_progression.visits", "non_progression.visits のいずれか")
    f.exists(file, "non_progression.primary_visit", rule.primary_visit, rule.visits, what)


# ---------------------------------------------------------------- schedule, design, analysis, safety


def _look_at_schedule(f: Finder) -> None:
    file, activities = "schedule.toml", f.protocol.schedule.activity
    f.unique(file, "activity", (activity.id for activity in activities))
    f.unique(file, "visit_ids", (visit for activity in activities for visit in activity.visit_ids))
    rules = [f"schedule.{activity.id}" for activity in activities]
    for activity in activities:
        key = f"activity[{activity.id}]"
        word, _, name = activity.anchor.partition(":")
        if word == "registration":
            f.exists(file, f"{key}.anchor", name, f.stages, A_STAGE)
        elif word == "event":
            names = None if f.concepts is None else [*COMPUTED_ANCHORS, *f.concepts]
            f.exists(file, f"{key}.anchor", name, names, Text("a dated item or concept of a form", "調査票の日付項目または概念"))
        elif activity.anchor != "last_randomization":
            words = ["last_randomization", *(f"registration:{stage}" for stage in f.stages or ()), "event:NAME"]
            f.exists(file, f"{key}.anchor", activity.anchor, words, Text("an anchor", "起点"))
        if activity.deviation_rule is not None:
            # Several activities may share the rule of one of them; a rule of no activity would never be found again.
            what = Text("schedule.ACTIVITY, of an activity", "活動に対応する schedule.ACTIVITY")
            f.exists(file, f"{key}.deviation_rule", activity.deviation_rule, rules, what)
        if activity.form is not None:
            f.exists(file, f"{key}.form", activity.form, f.forms, A_FORM)
        for arm in activity.arms:
            f.exists(file, f"{key}.arms", arm, f.arms, AN_ARM)
        if activity.visit_ids:
            expected = Text(f"{len(activity.at_days)}, one a day of at_days", f"at_days と同数の {len(activity.at_days)} 個")
            good = len(activity.visit_ids) == len(activity.at_days)
            f.demand(good, file, f"{key}.visit_ids", len(activity.visit_ids), expected)
        if activity.earliest_day is not None and activity.latest_day is not None:
            expected = Text(f"at most latest_day {activity.latest_day}", f"latest_day {activity.latest_day} 以下")
            good = activity.earliest_day <= activity.latest_day
            f.demand(good, file, f"{key}.earliest_day", activity.earliest_day, expected)
        for days in (activity.before_days, activity.after_days):
            f.demand(days >= 0, file, f"{key}.before_days / after_days", days, NOT_NEGATIVE)
        for place, run in enumerate(activity.repeat, start=1):
            f.demand(run.every_days > 0, file, f"{key}.repeat[{place}].every_days", run.every_days, POSITIVE)
            expected = Text(f"at least from_day {run.from_day}", f"from_day {run.from_day} 以上")
            f.demand(run.to_day >= run.from_day, file, f"{key}.repeat[{place}].to_day", run.to_day, expected)


def _look_at_design(f: Finder) -> None:
    file, design = "design.toml", f.protocol.design
    presets = [preset.id for preset in design.preset]
    f.unique(file, "preset", presets)
    f.exists(file, "preset_in_force", design.preset_in_force, presets, Text("a preset", "プリセット"))
    for name in ("alpha", "power", "difference"):
        value = getattr(design, name)
        f.demand(0 < value < 1, file, name, value, SHARE)
    for name in ("milestone_years", "accrual_years", "registered_planned", "randomized_planned", "sites_planned"):
        value = getattr(design, name)
        f.demand(value > 0, file, name, value, POSITIVE)
    for preset in design.preset:
        for name in ("control_survival", "experimental_survival"):
            value = getattr(preset, name)
            f.demand(0 < value < 1, file, f"preset[{preset.id}].{name}", value, SHARE)
    if design.interim_plan is not None:
        _look_at_interim_plan(f, design.interim_plan)
    limits = {stage.id: stage for stage in f.protocol.eligibility.stage}
    for closing in design.closing:
        key = f"closing[{closing.stage}]"
        f.exists(file, f"{key}.stage", closing.stage, f.stages, A_STAGE)
        stage = limits.get(closing.stage)
        # The rule stands twice, for two readers; the two must say the same.
        if stage is not None and (stage.limit, stage.waiting_may_proceed) != (closing.limit, closing.waiting_may_proceed):
            said = f"limit {closing.limit}, waiting_may_proceed {str(closing.waiting_may_proceed).lower()}"
            wanted = f"limit {stage.limit}, waiting_may_proceed {str(stage.waiting_may_proceed).lower()}"
            expected = Text(f"{wanted}, as in eligibility.toml", f"eligibility.toml と同じ {wanted}")
            f.add(file, key, said, expected)


def _look_at_interim_plan(f: Finder, plan: InterimPlan) -> None:
    file, shares = "design.toml", plan.information
    ascending = all(earlier < later for earlier, later in pairwise(shares))
    expected = Text("ascending shares above 0, the last one 1", "0を超え昇順、最後が1")
    good = bool(shares) and shares[0] > 0 and ascending and shares[-1] == 1
    f.demand(good, file, "interim_plan.information", list(shares), expected)
    for side in ("efficacy", "futility"):
        family, parameter = getattr(plan, side), getattr(plan, f"{side}_parameter")
        key, wants = f"interim_plan.{side}_parameter", family in ("hwang_shih_decani", "kim_demets")
        expected = (
            Text(f"a number for {family}", f"{family} の数値") if wants else Text(f"none for {family}", f"{family} では不要")
        )
        f.demand((parameter is not None) == wants, file, key, "none" if parameter is None else parameter, expected)


def _look_at_analysis(f: Finder) -> None:
    file, plan = "analysis.toml", f.protocol.analysis
    names = [endpoint.id for endpoint in plan.endpoint]
    f.unique(file, "endpoint", names)
    f.unique(file, "baseline", (row.id for row in plan.baseline))
    primary = [endpoint.id for endpoint in plan.endpoint if endpoint.primary]
    if len(primary) != 1:
        expected = Text("exactly one endpoint with primary = true", "primary = true の評価項目がちょうど1つ")
        f.add(file, "endpoint", Text(f"{len(primary)} primary endpoints", f"主要評価項目 {len(primary)} 個"), expected)
    populations = [
        *POPULATIONS,
        *(f"registered:{stage}" for stage in f.stages or ()),
        *(f"randomized:{arm}" for arm in f.arms or ()),
    ]
    populated = f.known(populations, "eligibility.toml", "trial.toml")
    starts = f.known([*STARTS, *(f"registration:{stage}" for stage in f.stages or ())], "eligibility.toml")
    strata = None if f.factors is None or f.derived is None else [*f.factors, *f.derived]
    for endpoint in plan.endpoint:
        key = f"endpoint[{endpoint.id}]"
        f.exists(file, f"{key}.population", endpoint.population, populated, Text("a population", "対象集団"))
        if endpoint.start is not None:
            f.exists(file, f"{key}.start", endpoint.start, starts, Text("a start", "起算点"))
        for event in endpoint.event:
            f.exists(file, f"{key}.event", event, CLINICAL_EVENTS, Text("an event", "イベント"))
        if endpoint.censor is not None:
            f.exists(file, f"{key}.censor", endpoint.censor, CENSORINGS, Text("a censoring", "打ち切り"))
        if endpoint.kind == "time_to_event":
            for name in ("start", "event", "censor"):
                if not getattr(endpoint, name):
                    expected = Text(f"{name}, for kind time_to_event", f"time_to_event には {name} が必要")
                    f.add(file, f"{key}.{name}", Text("nothing", "記載なし"), expected)
        if endpoint.alternative_of is not None:
            others = [name for name in names if name != endpoint.id]
            f.exists(file, f"{key}.alternative_of", endpoint.alternative_of, others, Text("another endpoint", "別の評価項目"))
    for place, stratum in enumerate(plan.stratum, start=1):
        what = Text("a balancing factor or derived item", "割付因子または導出項目")
        f.exists(file, f"stratum[{place}].factor", stratum.factor, strata, what)
    for level in plan.confidence_levels:
        f.demand(0 < level < 1, file, "confidence_levels", level, SHARE)
    for years in plan.milestone_years:
        f.demand(years > 0, file, "milestone_years", years, POSITIVE)
    for name in ("days_per_month", "days_per_year"):
        f.demand(getattr(plan, name) > 0, file, name, getattr(plan, name), POSITIVE)


def _look_at_safety(f: Finder) -> None:
    file, safety = "safety.toml", f.protocol.safety
    f.demand(1 <= safety.severe_grade <= 5, file, "severe_grade", safety.severe_grade, Text("1 to 5", "1〜5"))
    f.unique(file, "period", (period.id for period in safety.period))
    f.unique(file, "deadline", (deadline.id for deadline in safety.deadline))
    f.unique(file, "deviation_grade", (grade.id for grade in safety.deviation_grade))
    starts = f.known(["randomization", *(f"registration:{stage}" for stage in f.stages or ())], "eligibility.toml")
    for period in safety.period:
        f.exists(file, f"period[{period.id}].starts", period.starts, starts, Text("a start", "起点"))
    for deadline in safety.deadline:
        f.demand(deadline.hours > 0, file, f"deadline[{deadline.id}].hours", deadline.hours, POSITIVE)


_LOOKS: Final[tuple[Callable[[Finder], None], ...]] = (
    _look_at_trial,
    _look_at_eligibility,
    _look_at_allocation,
    _look_at_forms,
    _look_at_therapy,
    look_at_radiotherapy,
    look_at_constraints,
    look_at_response,
    _look_at_quality_of_life,
    _look_at_schedule,
    _look_at_design,
    _look_at_analysis,
    _look_at_safety,
)
