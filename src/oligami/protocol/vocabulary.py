"""The closed words of radiotherapy.toml, radiotherapy_constraints.toml and response.toml: a slip there changes the medicine.

Words of the trial (sites, techniques, responses) are the codes of its own forms; structures and severities are those that
radiotherapy.toml declares. Only the words of the trade itself stand here: target volumes, dose metrics, RECIST responses.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Final

from oligami.protocol.finder import A_FORM, AN_ITEM, NOT_NEGATIVE, POSITIVE, Finder
from oligami.protocol.model.forms import FormRole
from oligami.protocol.model.radiotherapy import Constraint, PlanCheck, RadiotherapyFile
from oligami.protocol.model.response import Overall
from oligami.protocol.problems import find_near_miss
from oligami.protocol.text import Text

LEVELS_OF_LIMIT: Final = ("default", "advice")
PROVENANCES: Final = ("READ", "KNOWN", "KNOWN+CROSSREAD", "DERIVED")
#: Target volumes of ICRU 83; every plan has its own, so radiotherapy.toml need not name them.
TARGET_VOLUMES: Final = ("GTV", "CTV", "ITV", "PTV")
TARGET_RESPONSES: Final = ("CR", "PR", "SD", "PD", "NE", "none")
#: What the table of overall response is asked for besides the codes of the form.
NON_TARGET_RESPONSES: Final = ("NE", "none")
NEW_LESIONS: Final = ("no", "equivocal", "yes", "unknown")

_NUMBER: Final = r"(?P<number>[0-9]+(?:\.[0-9]+)?)"
#: Dose metrics and the unit of their figures: dose to the hottest (D) or coldest (DC) volume, volume from a dose on (V).
_METRICS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile("Mean|Max|Min"), "Gy"),
    (re.compile(f"DC?{_NUMBER}cc"), "Gy"),
    (re.compile(f"D{_NUMBER}%"), "Gy"),
    (re.compile(f"V{_NUMBER}Gy"), "cc"),
    (re.compile(f"V{_NUMBER}Gy%"), "%"),
)
_FEW: Final = re.compile(r"(?:(?P<site>[^,]+), )?(?P<count>[0-9]+) fractions or fewer(?:, (?P<besides>[^,]+) excepted)?")
_MANY: Final = re.compile(r"(?:(?P<site>[^,]+), )?more than (?P<count>[0-9]+) fractions(?:, (?P<besides>[^,]+) excepted)?")

_A_SITE: Final = Text("a site of the radiotherapy form", "放射線治療調査票の部位")
_A_LOCATION: Final = Text("a location of lung_location", "lung_location の部位")
_A_STRUCTURE: Final = Text("a structure_name of radiotherapy.toml", "radiotherapy.toml の structure_name")


# ---------------------------------------------------------------- radiotherapy.toml


def look_at_radiotherapy(f: Finder) -> None:
    """Report what is wrong with prescriptions, lung locations, plan checks and structures."""
    file, radiotherapy = "radiotherapy.toml", f.protocol.radiotherapy
    if radiotherapy is None:
        return
    form = f.protocol.form_of(FormRole.RADIOTHERAPY)
    if form is None and not f.unread_forms:
        found = Text("no form of role radiotherapy", "役割 radiotherapy の調査票がない")
        f.add(file, "", found, Text("such a form", "その調査票"))
    sites, techniques = f.codes(form, "site"), f.codes(form, "technique")
    lung = radiotherapy.lung_location
    places = [*(rule.location for rule in lung.rule), lung.otherwise]
    f.unique(file, "option", (option.id for option in radiotherapy.option))
    for option in radiotherapy.option:
        key = f"option[{option.id}]"
        f.exists(file, f"{key}.site", option.site, sites, _A_SITE)
        what = Text("a technique of the radiotherapy form", "放射線治療調査票の照射技術")
        f.exists(file, f"{key}.technique", option.technique, techniques, what)
        if option.site == radiotherapy.prescription.location_site:
            f.exists(file, f"{key}.lung_location", option.lung_location or "", places, _A_LOCATION)
        elif option.lung_location is not None:
            expected = Text(f"none, for a site other than {radiotherapy.prescription.location_site}", "この部位では不要")
            f.add(file, f"{key}.lung_location", f'"{option.lung_location}"', expected)
        f.demand(option.fractions > 0, file, f"{key}.fractions", option.fractions, POSITIVE)
        f.demand(option.total_gy_min > 0, file, f"{key}.total_gy_min", option.total_gy_min, POSITIVE)
        expected = Text(f"at least total_gy_min {option.total_gy_min:g}", f"total_gy_min {option.total_gy_min:g} 以上")
        good = option.total_gy_max >= option.total_gy_min
        f.demand(good, file, f"{key}.total_gy_max", option.total_gy_max, expected)
    prescription = radiotherapy.prescription
    f.exists(file, "prescription.location_site", prescription.location_site, sites, _A_SITE)
    f.demand(prescription.tolerance_gy >= 0, file, "prescription.tolerance_gy", prescription.tolerance_gy, NOT_NEGATIVE)
    for ratio in prescription.alpha_beta_gy:
        f.demand(ratio > 0, file, "prescription.alpha_beta_gy", ratio, POSITIVE)
    f.exists(file, "lung_location.form", lung.form, f.forms, A_FORM)
    home = f.form(lung.form)
    if home is not None:
        for name in lung.items:
            f.exists(file, "lung_location.items", name, [item.id for item in home.item], AN_ITEM)
    _look_at_plan_checks(f, file, radiotherapy, sites)
    _look_at_structures(f, file, radiotherapy, sites, places)


def _look_at_plan_checks(f: Finder, file: str, radiotherapy: RadiotherapyFile, sites: list[str] | None) -> None:
    f.unique(file, "plan_check", (check.id for check in radiotherapy.plan_check))
    constraints = f.protocol.constraints
    severities = list(dict.fromkeys(each.severity for each in constraints.constraint)) if constraints is not None else []
    counts = sorted({str(option.fractions) for option in radiotherapy.option}, key=int)
    uses = list(dict.fromkeys(check.applies_to for check in radiotherapy.plan_check))
    for check in radiotherapy.plan_check:
        key = f"plan_check[{check.id}].applies_to"
        words = check.applies_to
        match = _FEW.fullmatch(words) or _MANY.fullmatch(words)
        if words.startswith("severity "):
            what = Text("a severity of radiotherapy_constraints.toml", "radiotherapy_constraints.toml の重み")
            names = f.known([f"severity {each}" for each in severities], "radiotherapy_constraints.toml")
            f.exists(file, key, words, names, what)
        elif match is not None:
            for site in (match["site"], match["besides"]):
                if site is not None:
                    f.exists(file, key, site, sites, _A_SITE)
            what = Text("a number of fractions of an option", "選択肢の分割回数")
            f.exists(file, key, match["count"], counts, what)
        elif words != "all":
            expected = Text(
                "all, severity NAME, [SITE,] N fractions or fewer [, SITE excepted], or [SITE,] more than N fractions",
                "all、severity NAME、[SITE,] N fractions or fewer [, SITE excepted]、[SITE,] more than N fractions のいずれか",
            )
            near = find_near_miss(words, (each for each in [*uses, "all"] if each != words))
            f.add(file, key, f'"{words}"', expected, near)
        _look_at_bounds(f, file, f"plan_check[{check.id}]", check)


def _look_at_bounds(f: Finder, file: str, key: str, check: PlanCheck) -> None:
    """An acceptable deviation lies outside the bounds of per protocol, and a lower bound below an upper one."""
    ordered = ("acceptable_min", "per_protocol_min", "per_protocol_max", "acceptable_max")
    there = [(name, value) for name in ordered if (value := getattr(check, name)) is not None]
    for (lower, low), (upper, high) in pairwise(there):
        expected = Text(f"at least {lower} {low:g}", f"{lower} {low:g} 以上")
        f.demand(low <= high, file, f"{key}.{upper}", f"{high:g}", expected)
    for end in ("min", "max"):
        has_inner, has_outer = (getattr(check, f"{grade}_{end}") is not None for grade in ("per_protocol", "acceptable"))
        if has_outer and not has_inner:
            expected = Text(f"per_protocol_{end}, beside acceptable_{end}", f"acceptable_{end} と対になる per_protocol_{end}")
            f.add(file, f"{key}.per_protocol_{end}", Text("nothing", "記載なし"), expected)


def _look_at_structures(f: Finder, file: str, radiotherapy: RadiotherapyFile, sites: list[str] | None, places: list[str]) -> None:
    f.unique(file, "structure_name", (each.name for each in radiotherapy.structure_name))
    aliases = [alias for each in radiotherapy.structure_name for alias in sorted({a.casefold() for a in each.aliases})]
    f.unique(file, "structure_name.aliases", aliases)
    structures = _structures(radiotherapy)
    for row, required in enumerate(radiotherapy.required_structures, start=1):
        key = f"required_structures[{row}]"
        f.exists(file, f"{key}.site", required.site, sites, _A_SITE)
        for place in required.lung_locations:
            f.exists(file, f"{key}.lung_locations", place, places, _A_LOCATION)
        for structure in (each for group in required.structures for each in group):
            f.exists(file, f"{key}.structures", structure, structures, _A_STRUCTURE)


def _structures(radiotherapy: RadiotherapyFile) -> list[str] | None:
    """Return the structures a plan can carry; None if the protocol names none."""
    names = [each.name for each in radiotherapy.structure_name]
    return [*names, *TARGET_VOLUMES] if names else None


# ---------------------------------------------------------------- radiotherapy_constraints.toml


def look_at_constraints(f: Finder) -> None:
    """Report what is wrong with the limits of organs at risk. A word that is wrong in many rows is told once."""
    file, constraints = "radiotherapy_constraints.toml", f.protocol.constraints
    if constraints is None:
        return
    rows = constraints.constraint
    f.unique(file, "constraint", (each.id for each in rows))
    radiotherapy = f.protocol.radiotherapy
    if radiotherapy is not None:
        structures = f.known(_structures(radiotherapy) or [], "radiotherapy.toml") or None
        parts = [(f"constraint[{each.id}].organ", part) for each in rows for part in each.organ.split("-", 1)]
        f.each_exists(file, parts, structures, _A_STRUCTURE)
        shared = [(f"same_limits[{place}]", organ) for place, one in enumerate(constraints.same_limits, 1) for organ in one]
        f.each_exists(file, shared, structures, _A_STRUCTURE)
        start = "severity "
        judged = [check.applies_to.removeprefix(start) for check in radiotherapy.plan_check if check.applies_to.startswith(start)]
        what = Text("a severity that a plan_check of radiotherapy.toml applies to", "radiotherapy.toml の plan_check がある重み")
        severities = [(f"constraint[{each.id}].severity", each.severity) for each in rows]
        f.each_exists(file, severities, f.known(judged, "radiotherapy.toml"), what)
    f.unique(file, "same_limits", (organ for one in constraints.same_limits for organ in one))
    levels = [(f"constraint[{each.id}].level", each.level) for each in rows]
    f.each_exists(file, levels, LEVELS_OF_LIMIT, Text("a level", "水準"))
    provenances = [(f"constraint[{each.id}].provenance", each.provenance) for each in rows]
    f.each_exists(file, provenances, PROVENANCES, Text("a provenance", "出所の種類"))
    metrics = {each.metric: _unit_of(each.metric) for each in rows}
    for each in rows:
        key = f"constraint[{each.id}]"
        f.demand(each.fractions > 0, file, f"{key}.fractions", each.fractions, POSITIVE)
        f.demand(each.limit >= 0, file, f"{key}.limit", f"{each.limit:g}", NOT_NEGATIVE)
        _look_at_metric(f, file, key, each, metrics)


def _look_at_metric(f: Finder, file: str, key: str, row: Constraint, metrics: Mapping[str, str | None]) -> None:
    unit = metrics[row.metric]
    if unit is None:
        expected = Text(
            "a dose metric: D0.03cc, D95%, DC700cc (coldest), V20Gy (in cc), V20Gy% (in %), Mean, Max or Min",
            "線量指標: D0.03cc、D95%、DC700cc(低線量側)、V20Gy(cc)、V20Gy%(%)、Mean、Max、Min",
        )
        known = [metric for metric, its_unit in metrics.items() if its_unit is not None]
        f.add(file, f"{key}.metric", f'"{row.metric}"', expected, find_near_miss(row.metric, known))
    elif row.unit != unit:
        expected = Text(f"{unit}, the unit of {row.metric}", f"{row.metric} の単位 {unit}")
        f.add(file, f"{key}.unit", f'"{row.unit}"', expected, unit)
    elif unit == "%":
        f.demand(row.limit <= 100, file, f"{key}.limit", f"{row.limit:g}", Text("at most 100 %", "100 % 以下"))


def _unit_of(metric: str) -> str | None:
    """Return the unit of a metric's figures, or None if it is no metric; a share of more than 100 % is none."""
    for pattern, unit in _METRICS:
        match = pattern.fullmatch(metric)
        if match is not None:
            is_share = metric.startswith("D") and metric.endswith("%")
            return None if is_share and float(match["number"]) > 100 else unit
    return None


# ---------------------------------------------------------------- response.toml


def look_at_response(f: Finder) -> None:
    """Report what is wrong with the rules of response: words, a table with gaps, numbers that cannot be."""
    file, response = "response.toml", f.protocol.response
    if response is None:
        return
    form = f.protocol.form_of(FormRole.ASSESSMENT)
    overall = f.codes(form, "overall_response")
    others = f.codes(form, "non_target")
    news = list(dict.fromkeys([*NEW_LESIONS, *(f.codes(form, "new_lesion") or [])]))
    non_targets = None if others is None else list(dict.fromkeys([*others, *NON_TARGET_RESPONSES]))
    what = Text("an overall response of the assessment form", "効果判定調査票の総合効果")
    good = f.each_exists(file, _column(response.overall, "overall"), overall, what)
    for column, words in (("target", list(TARGET_RESPONSES)), ("non_target", non_targets), ("new_lesion", news)):
        what = Text(f"*, not WORD or a word of {column}", f"*、not 語、または {column} の語")
        good = f.each_exists(file, _column(response.overall, column), words, what) and good
    what = Text("an overall response of the assessment form", "効果判定調査票の総合効果")
    for code in response.codes_that_progress:
        f.exists(file, "codes_that_progress", code, overall, what)
    if good:  # a misspelt word leaves a gap, too, and is one fault
        seen = non_targets or list(dict.fromkeys(["PD", *_plain(row.non_target for row in response.overall)]))
        _look_at_gaps(f, file, response.overall, seen, news)
    stages = f.protocol.eligibility.stage
    first = f.form(stages[0].form) if stages else None
    kinds, sites = f.codes(first, "lesions", "kind"), f.codes(first, "lesions", "site")
    what = Text("a kind of lesion of the first registration", "一次登録の病変の種類")
    for kind in response.oligometastasis_kinds:
        f.exists(file, "oligometastasis_kinds", kind, kinds, what)
    what = Text("a site of lesions of the first registration", "一次登録の病変の部位")
    for name in ("never_target_sites", "fibrosis_sites"):
        for site in getattr(response, name):
            f.exists(file, name, site, sites, what)
    for name in ("measurable_mm", "max_targets", "max_targets_per_organ", "progression_increase", "partial_decrease"):
        value = getattr(response, name)
        f.demand(value > 0, file, name, value, POSITIVE)


def _column(rows: Iterable[Overall], name: str) -> Iterator[tuple[str, str]]:
    """Yield key and word of a column of the table, without `*` and the `not` of `not X`."""
    for place, row in enumerate(rows, start=1):
        word: str = getattr(row, name)
        if name == "overall":
            yield f"overall[{place}].{name}", word
        elif word != "*":
            yield f"overall[{place}].{name}", word.removeprefix("not ")


def _look_at_gaps(f: Finder, file: str, rows: tuple[Overall, ...], others: list[str], news: list[str]) -> None:
    for target in TARGET_RESPONSES:
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


def _plain(words: Iterable[str]) -> Iterator[str]:
    """Yield the words that name one value, without `*` and `not X`."""
    return (word for word in words if word != "*" and not word.startswith("not "))


def _covers(pattern: str, word: str) -> bool:
    if pattern.startswith("not "):
        return word != pattern.removeprefix("not ")
    return pattern in ("*", word)
