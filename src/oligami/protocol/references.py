"""Holds the files of a protocol against one another: every reference must exist, every rule must be complete.

Expressions are `compile`'s errand. The closed words (endpoints, anchors, kinds) are those that the model's docstrings name.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from oligami.protocol.compile import resolve_codes
from oligami.protocol.model.forms import REQUIRED_CONCEPTS, Form, FormRole, Item
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.problems import Problem, find_near_miss, list_words, make_problem
from oligami.protocol.text import Text

KINDS_OF_CRITERION: Final = ("inclusion", "exclusion", "structural")
TREATMENTS: Final = ("systemic_therapy", "local_therapy")
POPULATIONS: Final = ("randomized", "randomized_with_progression", "randomized_with_baseline_questionnaire", "treated")
STARTS: Final = ("randomization", "last_local_therapy")
CLINICAL_EVENTS: Final = ("death", "progression_imaging", "progression_clinical", "progression_of_treated_lesion")
CENSORINGS: Final = ("last_alive", "last_progression_free_assessment", "last_assessment_of_treated_lesions")
#: Anchors of the schedule that no single item holds.
COMPUTED_ANCHORS: Final = ("last_fraction", "last_local_therapy")
LEVELS_OF_LIMIT: Final = ("default", "advice")
TARGET_RESPONSES: Final = ("CR", "PR", "SD", "PD", "NE", "none")

_SUM_OF_SHARES: Final = 1e-9  # block probabilities are decimals of a few digits


def find_faults(protocol: Protocol) -> tuple[Problem, ...]:
    """Return everything that does not fit between or within the files of a protocol, file by file."""
    finder = _Finder(protocol)
    for look in _LOOKS:
        look(finder)
    return tuple(finder.problems)


class _Finder:
    """The protocol, its names, and the problems found so far."""

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self.problems: list[Problem] = []
        self.stages = [stage.id for stage in protocol.eligibility.stage]
        self.arms = [arm.id for arm in protocol.trial.arm]
        self.forms = [form.id for form in protocol.forms]
        self.derived = [each.id for each in protocol.eligibility.derived]
        if protocol.therapy is not None:
            self.derived += [each.id for each in protocol.therapy.derived]
        self.factors = [factor.id for factor in protocol.allocation.factors]
        activities = protocol.schedule.activity
        self.visits = [visit for activity in activities for visit in activity.visit_ids]
        self.visits += [activity.id for activity in activities]
        self.concepts = [item.concept or item.id for form in protocol.forms for item in form.item if item.type == "date"]

    def add(self, file: str, key: str, found: Text | str, expected: Text | str, near: str | None = None) -> None:
        self.problems.append(make_problem(file, key, found=found, expected=expected, near_miss=near))

    def exists(self, file: str, key: str, word: str, names: Iterable[str], what: Text) -> None:
        """Report a word that is not among the names."""
        known = list(dict.fromkeys(names))
        if word not in known:
            there = list_words(known) if known else Text("none", "なし")
            expected = Text(f"{what.en}: {there.en}", f"{what.ja}: {there.ja}")
            self.add(file, key, f'"{word}"', expected, find_near_miss(word, known))

    def unique(self, file: str, key: str, names: Iterable[str]) -> None:
        """Report each name that stands twice."""
        seen: set[str] = set()
        for name in names:
            if name in seen:
                self.add(file, f"{key}[{name}]", Text(f'a second "{name}"', f"2つ目の「{name}」"), _UNIQUE)
            seen.add(name)

    def demand(self, holds: bool, file: str, key: str, found: object, expected: Text) -> None:
        """Report a value that does not hold what is expected of it."""
        if not holds:
            self.add(file, key, str(found), expected)

    def item_codes(self, form: Form | None, concept: str) -> tuple[str, ...]:
        """Return the codes of the item that carries a concept; none if it is not coded."""
        item = form.find(concept) if form is not None else None
        return tuple(code.value for code in resolve_codes(self.protocol, item)) if item is not None else ()

    def form(self, form_id: str) -> Form | None:
        return next((form for form in self.protocol.forms if form.id == form_id), None)


_UNIQUE: Final = Text("each name once", "同じ名前は一度だけ")
_A_STAGE: Final = Text("a stage of eligibility.toml", "eligibility.toml の登録段階")
_AN_ARM: Final = Text("an arm of trial.toml", "trial.toml の群")
_A_FORM: Final = Text("a form", "調査票")
_A_VISIT: Final = Text("a visit or activity of schedule.toml", "schedule.toml の来院または活動")
_AN_ITEM: Final = Text("an item of the form", "調査票の項目")
_POSITIVE: Final = Text("more than 0", "0 より大きい値")
_NOT_NEGATIVE: Final = Text("0 or more", "0 以上")
_SHARE: Final = Text("more than 0 and less than 1", "0 より大きく 1 未満")


# ---------------------------------------------------------------- trial, eligibility, allocation


def _look_at_trial(f: _Finder) -> None:
    file, trial = "trial.toml", f.protocol.trial
    f.unique(file, "arm", f.arms)
    f.demand(len(f.arms) >= 2, file, "arm", len(f.arms), Text("two arms or more", "2つ以上の群"))
    roles = [arm.role for arm in trial.arm]
    if roles.count("control") != 1:
        f.add(file, "arm", Text(f"{roles.count('control')} control arms", f"対照群 {roles.count('control')} 個"), "1")
    labels = [arm.label.en for arm in trial.record_arm]
    for arm in trial.arm:
        what = Text("an arm of the record (label)", "登録記録の群(label)")
        f.exists(file, f"arm[{arm.id}].record_label", arm.record_label, labels, what)
        for word in arm.includes:
            f.exists(file, f"arm[{arm.id}].includes", word, TREATMENTS, Text("a treatment", "治療"))


def _look_at_eligibility(f: _Finder) -> None:
    file, stages = "eligibility.toml", f.protocol.eligibility.stage
    f.unique(file, "stage", f.stages)
    f.unique(file, "criterion", (each.id for stage in stages for each in stage.criterion))
    drawing = [stage.id for stage in stages if stage.randomizes]
    if len(drawing) != 1:
        names = ", ".join(drawing) or "-"
        expected = Text("exactly one stage with randomizes = true", "randomizes = true の登録段階がちょうど1つ")
        f.add(file, "stage", Text(f"{len(drawing)} ({names})", f"{len(drawing)} 個({names})"), expected)
    for place, stage in enumerate(stages):
        key = f"stage[{stage.id}]"
        f.exists(file, f"{key}.form", stage.form, f.forms, _A_FORM)
        form = f.form(stage.form)
        if form is not None and form.role is not FormRole.REGISTRATION:
            found = Text(f"{form.id}, a form of role {form.role}", f"役割が {form.role} の調査票 {form.id}")
            f.add(file, f"{key}.form", found, Text("a form of role registration", "役割が registration の調査票"))
        if stage.follows is not None:
            earlier = Text("a stage that stands before", "前に置かれた登録段階")
            f.exists(file, f"{key}.follows", stage.follows, f.stages[:place], earlier)
        if stage.limit is not None:
            f.demand(stage.limit > 0, file, f"{key}.limit", stage.limit, _POSITIVE)
        for criterion in stage.criterion:
            what = Text("a kind of criterion", "基準の種類")
            f.exists(file, f"{key}.criterion[{criterion.id}].kind", criterion.kind, KINDS_OF_CRITERION, what)


def _look_at_allocation(f: _Finder) -> None:
    file, rule = "allocation.toml", f.protocol.allocation
    f.exists(file, "stage", rule.stage, [each.id for each in f.protocol.eligibility.stage if each.randomizes], _A_STAGE)
    f.unique(file, "arms", (arm.id for arm in rule.arms))
    f.unique(file, "factors", f.factors)
    for arm in rule.arms:
        f.exists(file, f"arms[{arm.id}].id", arm.id, f.arms, _AN_ARM)
        f.demand(arm.ratio >= 1, file, f"arms[{arm.id}].ratio", arm.ratio, Text("1 or more", "1 以上"))
    for arm_id in f.arms:
        if arm_id not in [arm.id for arm in rule.arms]:
            f.add(
                file,
                "arms",
                Text(f'no arm "{arm_id}"', f"群「{arm_id}」がない"),
                Text("every arm of trial.toml", "trial.toml の全群"),
            )
    for factor in rule.factors:
        f.demand(factor.weight > 0, file, f"factors[{factor.id}].weight", factor.weight, _POSITIVE)
        f.unique(file, f"factors[{factor.id}].levels", factor.levels)
    f.demand(rule.initial_simple >= 0, file, "initial_simple", rule.initial_simple, _NOT_NEGATIVE)
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


def _look_at_forms(f: _Finder) -> None:
    f.unique("codelists.toml", "codelist", (each.id for each in f.protocol.codelists))
    for codelist in f.protocol.codelists:
        f.unique("codelists.toml", f"codelist[{codelist.id}].code", (code.value for code in codelist.code))
    for form in f.protocol.forms:
        file = f"forms/{form.id}.toml"
        f.unique(file, "item", (item.id for item in form.item))
        f.unique(file, "concept", (item.concept or item.id for item in form.item))
        f.unique(file, "check", (check.id for check in form.check))
        if form.after_stage is not None:
            f.exists(file, "after_stage", form.after_stage, f.stages, _A_STAGE)
        for visit in form.visits:
            f.exists(file, "visits", visit, f.visits, _A_VISIT)
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
        paths = [path for item in form.item for path in (item.id, *(f"{item.id}.{field.id}" for field in item.field))]
        for check in form.check:
            if check.item is not None:
                f.exists(file, f"check[{check.id}].item", check.item, paths, _AN_ITEM)


def _look_at_item(f: _Finder, file: str, key: str, item: Item) -> None:
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
        ("field", bool(item.field), item.type == "list"),
    )
    for name, is_there, may_be in belongs:
        if is_there and not may_be:
            expected = Text(f"no {name} for an item of type {item.type}", f"型 {item.type} の項目に {name} は不要")
            f.add(file, f"{key}.{name}", name, expected)
    if item.minimum is not None and item.maximum is not None:
        expected = Text(f"at most the maximum {item.maximum:g}", f"最大値 {item.maximum:g} 以下")
        f.demand(item.minimum <= item.maximum, file, f"{key}.minimum", item.minimum, expected)
    if item.decimals is not None:
        f.demand(0 <= item.decimals <= 12, file, f"{key}.decimals", item.decimals, Text("0 to 12", "0〜12"))
    f.demand(item.max_length > 0, file, f"{key}.max_length", item.max_length, _POSITIVE)
    if item.type == "list":
        f.demand(bool(item.field), file, f"{key}.field", "0", Text("one field or more", "1つ以上の欄"))
        f.demand(item.max_rows > 0, file, f"{key}.max_rows", item.max_rows, _POSITIVE)
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


# ---------------------------------------------------------------- therapy, radiotherapy, response, quality of life


def _look_at_therapy(f: _Finder) -> None:
    file, therapy = "therapy.toml", f.protocol.therapy
    if therapy is None:
        return
    codes = [regimen.code for regimen in therapy.regimen]
    f.exists(file, "form", therapy.form, [form.id for form in f.protocol.forms_of(FormRole.THERAPY)], _A_FORM)
    f.exists(file, "subtype", therapy.subtype, f.derived, Text("a derived item", "導出項目"))
    f.unique(file, "regimen", codes)
    f.unique(file, "row", (row.id for row in therapy.row))
    f.unique(file, "rule", (rule.id for rule in therapy.rule))
    f.demand(therapy.window_days > 0, file, "window_days", therapy.window_days, _POSITIVE)
    for regimen in therapy.regimen:
        f.demand(regimen.course_days > 0, file, f"regimen[{regimen.code}].course_days", regimen.course_days, _POSITIVE)
    for row in therapy.row:
        for code in row.regimens:
            f.exists(file, f"row[{row.id}].regimens", code, codes, Text("a regimen of this file", "このファイルのレジメン"))
    agents = [agent for regimen in therapy.regimen for agent in regimen.agents]
    if agents:
        for place, one in enumerate(therapy.same_therapy.switch_classes, start=1):
            for agent in one:
                what = Text("an agent of a regimen", "レジメンの薬剤")
                f.exists(file, f"same_therapy.switch_classes[{place}]", agent, agents, what)


def _look_at_radiotherapy(f: _Finder) -> None:
    file, radiotherapy = "radiotherapy.toml", f.protocol.radiotherapy
    if radiotherapy is None:
        return
    form = f.protocol.form_of(FormRole.RADIOTHERAPY)
    if form is None:
        f.add(
            file, "", Text("no form of role radiotherapy", "役割 radiotherapy の調査票がない"), Text("such a form", "その調査票")
        )
    sites = f.item_codes(form, "site")
    lung = radiotherapy.lung_location
    places = [*(rule.location for rule in lung.rule), lung.otherwise]
    f.unique(file, "option", (option.id for option in radiotherapy.option))
    for option in radiotherapy.option:
        key = f"option[{option.id}]"
        if sites:
            f.exists(file, f"{key}.site", option.site, sites, Text("a site of the radiotherapy form", "放射線治療調査票の部位"))
        if option.site == radiotherapy.prescription.location_site:
            word = option.lung_location or ""
            f.exists(file, f"{key}.lung_location", word, places, Text("a location of lung_location", "lung_location の部位"))
        elif option.lung_location is not None:
            expected = Text(f"none, for a site other than {radiotherapy.prescription.location_site}", "この部位では不要")
            f.add(file, f"{key}.lung_location", f'"{option.lung_location}"', expected)
        f.demand(option.fractions > 0, file, f"{key}.fractions", option.fractions, _POSITIVE)
        f.demand(option.total_gy_min > 0, file, f"{key}.total_gy_min", option.total_gy_min, _POSITIVE)
        expected = Text(f"at least total_gy_min {option.total_gy_min:g}", f"total_gy_min {option.total_gy_min:g} 以上")
        good = option.total_gy_max >= option.total_gy_min
        f.demand(good, file, f"{key}.total_gy_max", option.total_gy_max, expected)
    tolerance = radiotherapy.prescription.tolerance_gy
    f.demand(tolerance >= 0, file, "prescription.tolerance_gy", tolerance, _NOT_NEGATIVE)
    for ratio in radiotherapy.prescription.alpha_beta_gy:
        f.demand(ratio > 0, file, "prescription.alpha_beta_gy", ratio, _POSITIVE)
    f.exists(file, "lung_location.form", lung.form, f.forms, _A_FORM)
    home = f.form(lung.form)
    if home is not None:
        for name in lung.items:
            f.exists(file, "lung_location.items", name, [item.id for item in home.item], _AN_ITEM)
    f.unique(file, "plan_check", (check.id for check in radiotherapy.plan_check))
    f.unique(file, "structure_name", (each.name for each in radiotherapy.structure_name))
    aliases = [alias.casefold() for each in radiotherapy.structure_name for alias in {a.casefold() for a in each.aliases}]
    f.unique(file, "structure_name.aliases", aliases)


def _look_at_constraints(f: _Finder) -> None:
    file, constraints = "radiotherapy_constraints.toml", f.protocol.constraints
    if constraints is None:
        return
    f.unique(file, "constraint", (each.id for each in constraints.constraint))
    for each in constraints.constraint:
        key = f"constraint[{each.id}]"
        f.demand(each.fractions > 0, file, f"{key}.fractions", each.fractions, _POSITIVE)
        f.demand(each.limit >= 0, file, f"{key}.limit", each.limit, _NOT_NEGATIVE)
        f.exists(file, f"{key}.level", each.level, LEVELS_OF_LIMIT, Text("a level", "水準"))


def _look_at_response(f: _Finder) -> None:
    file, response = "response.toml", f.protocol.response
    if response is None:
        return
    rows = response.overall
    targets = list(dict.fromkeys([*TARGET_RESPONSES, *_plain(row.target for row in rows)]))
    others = list(dict.fromkeys(["PD", *_plain(row.non_target for row in rows)]))
    news = list(dict.fromkeys(["yes", "no", *_plain(row.new_lesion for row in rows)]))
    for target in targets:
        for other in others:
            for new in news:
                if not any(
                    _covers(row.target, target) and _covers(row.non_target, other) and _covers(row.new_lesion, new)
                    for row in rows
                ):
                    found = Text(
                        f"no row for target {target}, non-target {other}, new lesion {new}",
                        f"標的 {target}、非標的 {other}、新病変 {new} の行がない",
                    )
                    f.add(file, "overall", found, Text("a row for every combination", "すべての組合せの行"))
    for name in ("measurable_mm", "max_targets", "max_targets_per_organ", "progression_increase", "partial_decrease"):
        value = getattr(response, name)
        f.demand(value > 0, file, name, value, _POSITIVE)


def _plain(words: Iterable[str]) -> Iterator[str]:
    """Yield the words that name one value, without `*` and `not X`."""
    return (word for word in words if word != "*" and not word.startswith("not "))


def _covers(pattern: str, word: str) -> bool:
    if pattern.startswith("not "):
        return word != pattern.removeprefix("not ")
    return pattern in ("*", word)


def _look_at_quality_of_life(f: _Finder) -> None:
    file, quality = "quality_of_life.toml", f.protocol.quality_of_life
    if quality is None:
        return
    forms = [form.id for form in f.protocol.forms_of(FormRole.QUESTIONNAIRE)]
    f.exists(file, "form", quality.form, forms, _A_FORM)
    form = f.form(quality.form)
    names = [item.id for item in form.item] if form is not None else []
    scales = [scale.id for scale in quality.scale]
    f.unique(file, "scale", scales)
    for scale in quality.scale:
        for name in scale.items if names else ():
            f.exists(file, f"scale[{scale.id}].items", name, names, _AN_ITEM)
        expected = Text(f"more than lowest, {scale.lowest}", f"lowest {scale.lowest} より大きい値")
        f.demand(scale.highest > scale.lowest, file, f"scale[{scale.id}].highest", scale.highest, expected)
    f.demand(
        0 < quality.answered_share <= 1, file, "answered_share", quality.answered_share, Text("above 0, at most 1", "0 超 1 以下")
    )
    rule = quality.non_progression
    f.exists(file, "non_progression.scale", rule.scale, scales, Text("a scale", "尺度"))
    f.demand(rule.threshold > 0, file, "non_progression.threshold", rule.threshold, _POSITIVE)
    for key, visits in (("baseline_visit", (rule.baseline_visit,)), ("visits", rule.visits)):
        for visit in visits:
            f.exists(file, f"non_progression.{key}", visit, f.visits, _A_VISIT)
    what = Text("one of non_progression.visits", "non_progression.visits のいずれか")
    f.exists(file, "non_progression.primary_visit", rule.primary_visit, rule.visits, what)


# ---------------------------------------------------------------- schedule, design, analysis, safety


def _look_at_schedule(f: _Finder) -> None:
    file, activities = "schedule.toml", f.protocol.schedule.activity
    f.unique(file, "activity", (activity.id for activity in activities))
    f.unique(file, "visit_ids", (visit for activity in activities for visit in activity.visit_ids))
    for activity in activities:
        key = f"activity[{activity.id}]"
        word, _, name = activity.anchor.partition(":")
        if word == "registration":
            f.exists(file, f"{key}.anchor", name, f.stages, _A_STAGE)
        elif word == "event":
            names = [*COMPUTED_ANCHORS, *f.concepts]
            f.exists(file, f"{key}.anchor", name, names, Text("a dated item or concept of a form", "調査票の日付項目または概念"))
        elif activity.anchor != "last_randomization":
            words = ["last_randomization", *(f"registration:{stage}" for stage in f.stages), "event:NAME"]
            f.exists(file, f"{key}.anchor", activity.anchor, words, Text("an anchor", "起点"))
        if activity.form is not None:
            f.exists(file, f"{key}.form", activity.form, f.forms, _A_FORM)
        for arm in activity.arms:
            f.exists(file, f"{key}.arms", arm, f.arms, _AN_ARM)
        if activity.visit_ids:
            expected = Text(f"{len(activity.at_days)}, one a day of at_days", f"at_days と同数の {len(activity.at_days)} 個")
            good = len(activity.visit_ids) == len(activity.at_days)
            f.demand(good, file, f"{key}.visit_ids", len(activity.visit_ids), expected)
        if activity.earliest_day is not None and activity.latest_day is not None:
            expected = Text(f"at most latest_day {activity.latest_day}", f"latest_day {activity.latest_day} 以下")
            good = activity.earliest_day <= activity.latest_day
            f.demand(good, file, f"{key}.earliest_day", activity.earliest_day, expected)
        for days in (activity.before_days, activity.after_days):
            f.demand(days >= 0, file, f"{key}.before_days / after_days", days, _NOT_NEGATIVE)
        for place, run in enumerate(activity.repeat, start=1):
            f.demand(run.every_days > 0, file, f"{key}.repeat[{place}].every_days", run.every_days, _POSITIVE)
            expected = Text(f"at least from_day {run.from_day}", f"from_day {run.from_day} 以上")
            f.demand(run.to_day >= run.from_day, file, f"{key}.repeat[{place}].to_day", run.to_day, expected)


def _look_at_design(f: _Finder) -> None:
    file, design = "design.toml", f.protocol.design
    presets = [preset.id for preset in design.preset]
    f.unique(file, "preset", presets)
    f.exists(file, "preset_in_force", design.preset_in_force, presets, Text("a preset", "プリセット"))
    for name in ("alpha", "power", "difference"):
        value = getattr(design, name)
        f.demand(0 < value < 1, file, name, value, _SHARE)
    for name in ("milestone_years", "accrual_years", "registered_planned", "randomized_planned", "sites_planned"):
        value = getattr(design, name)
        f.demand(value > 0, file, name, value, _POSITIVE)
    for preset in design.preset:
        for name in ("control_survival", "experimental_survival"):
            value = getattr(preset, name)
            f.demand(0 < value < 1, file, f"preset[{preset.id}].{name}", value, _SHARE)
    limits = {stage.id: stage for stage in f.protocol.eligibility.stage}
    for closing in design.closing:
        key = f"closing[{closing.stage}]"
        f.exists(file, f"{key}.stage", closing.stage, f.stages, _A_STAGE)
        stage = limits.get(closing.stage)
        # The rule stands twice, for two readers; the two must say the same.
        if stage is not None and (stage.limit, stage.waiting_may_proceed) != (closing.limit, closing.waiting_may_proceed):
            said = f"limit {closing.limit}, waiting_may_proceed {str(closing.waiting_may_proceed).lower()}"
            wanted = f"limit {stage.limit}, waiting_may_proceed {str(stage.waiting_may_proceed).lower()}"
            expected = Text(f"{wanted}, as in eligibility.toml", f"eligibility.toml と同じ {wanted}")
            f.add(file, key, said, expected)


def _look_at_analysis(f: _Finder) -> None:
    file, plan = "analysis.toml", f.protocol.analysis
    names = [endpoint.id for endpoint in plan.endpoint]
    f.unique(file, "endpoint", names)
    f.unique(file, "baseline", (row.id for row in plan.baseline))
    primary = [endpoint.id for endpoint in plan.endpoint if endpoint.primary]
    if len(primary) != 1:
        expected = Text("exactly one endpoint with primary = true", "primary = true の評価項目がちょうど1つ")
        f.add(file, "endpoint", Text(f"{len(primary)} primary endpoints", f"主要評価項目 {len(primary)} 個"), expected)
    populations = [*POPULATIONS, *(f"registered:{stage}" for stage in f.stages), *(f"randomized:{arm}" for arm in f.arms)]
    starts = [*STARTS, *(f"registration:{stage}" for stage in f.stages)]
    for endpoint in plan.endpoint:
        key = f"endpoint[{endpoint.id}]"
        f.exists(file, f"{key}.population", endpoint.population, populations, Text("a population", "対象集団"))
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
        f.exists(file, f"stratum[{place}].factor", stratum.factor, [*f.factors, *f.derived], what)
    for level in plan.confidence_levels:
        f.demand(0 < level < 1, file, "confidence_levels", level, _SHARE)
    for years in plan.milestone_years:
        f.demand(years > 0, file, "milestone_years", years, _POSITIVE)
    for name in ("days_per_month", "days_per_year"):
        f.demand(getattr(plan, name) > 0, file, name, getattr(plan, name), _POSITIVE)


def _look_at_safety(f: _Finder) -> None:
    file, safety = "safety.toml", f.protocol.safety
    f.demand(1 <= safety.severe_grade <= 5, file, "severe_grade", safety.severe_grade, Text("1 to 5", "1〜5"))
    f.unique(file, "period", (period.id for period in safety.period))
    f.unique(file, "deadline", (deadline.id for deadline in safety.deadline))
    f.unique(file, "deviation_grade", (grade.id for grade in safety.deviation_grade))
    starts = ["randomization", *(f"registration:{stage}" for stage in f.stages)]
    for period in safety.period:
        f.exists(file, f"period[{period.id}].starts", period.starts, starts, Text("a start", "起点"))
    for deadline in safety.deadline:
        f.demand(deadline.hours > 0, file, f"deadline[{deadline.id}].hours", deadline.hours, _POSITIVE)


_LOOKS: Final[tuple[Callable[[_Finder], None], ...]] = (
    _look_at_trial,
    _look_at_eligibility,
    _look_at_allocation,
    _look_at_forms,
    _look_at_therapy,
    _look_at_radiotherapy,
    _look_at_constraints,
    _look_at_response,
    _look_at_quality_of_life,
    _look_at_schedule,
    _look_at_design,
    _look_at_analysis,
    _look_at_safety,
)
