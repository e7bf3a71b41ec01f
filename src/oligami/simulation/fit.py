"""Whether a scenario fits a protocol: the forms, items, codes, arms and grades it names are the protocol's own."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass

from oligami.protocol.model.forms import Form, FormRole, Item
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.problems import find_near_miss
from oligami.simulation.scenario import Draw, Scenario

#: What the simulation tells a draw beside traits and items: the situation in which a form is filled.
SITUATIONS = frozenset({"why", "response", "disturbed", "period", "lesion_mm", "site", "lung_location"})


def find_faults(scenario: Scenario, protocol: Protocol) -> tuple[str, ...]:
    """Return what of a scenario does not fit a protocol: key, found, expected, near miss; empty if all does."""
    if scenario.trial != protocol.id:
        return (f"trial: found {scenario.trial!r}; the protocol is of trial {protocol.id!r}",)
    return tuple(_faults(scenario, protocol))


def _faults(scenario: Scenario, protocol: Protocol) -> Iterator[str]:
    arms = [arm.id for arm in protocol.trial.arm]
    named = {
        "outcome.hazard_ratio_progression": scenario.outcome.hazard_ratio_progression,
        "outcome.hazard_ratio_death": scenario.outcome.hazard_ratio_death,
        "outcome.oligo_share": scenario.outcome.oligo_share,
    }
    if scenario.adverse_events is not None:
        named["adverse_events.per_month_after"] = scenario.adverse_events.per_month_after
    if scenario.quality_of_life is not None:
        named["quality_of_life.drift_by_arm"] = scenario.quality_of_life.drift_by_arm
    for key, by_arm in named.items():
        yield from _unknown(key, "arm", by_arm, arms)
    grades = [grade.id for grade in protocol.safety.deviation_grade]
    yield from _unknown("office.deviation_grade", "grade", scenario.office.deviation_grade, grades)
    if protocol.therapy is not None:
        codes = [regimen.code for regimen in protocol.therapy.regimen]
        yield from _unknown("therapy.preference", "regimen", scenario.therapy.preference, codes)
    first = protocol.form(protocol.eligibility.stage[0].form)
    yield from _unknown("office.factor_items", "item", scenario.office.factor_items, [item.id for item in first.item])
    forms = {form.id: form for form in protocol.forms}
    for filling in scenario.filling:
        yield from _unknown("filling.form", "form", [filling.form], list(forms))
        if filling.form in forms:
            yield from _filling(f"filling.{filling.form}", filling.item, forms[filling.form], protocol)
    for stage in protocol.eligibility.stage:
        yield from _unfilled(protocol.form(stage.form), scenario)
    if scenario.local_therapy is not None:
        modalities = ("none", FormRole.RADIOTHERAPY.value, FormRole.SURGERY.value)
        for word in _words(scenario.local_therapy.modality):
            yield from _unknown("local_therapy.modality", "modality", [str(word)], modalities)
    names = {*scenario.trait, *SITUATIONS}
    for form in protocol.forms:
        for item in form.item:
            names |= {item.id, item.concept or item.id, *(part.id for part in item.field)}
    yield from _references("", scenario, sorted(names))


def _filling(key: str, draws: Mapping[str, Draw], form: Form, protocol: Protocol) -> Iterator[str]:
    known = {item.id: item for item in form.item}
    for name, draw in draws.items():
        if name not in known:
            yield from _unknown(key, "item", [name], list(known))
            continue
        yield from _values(f"{key}.{name}", draw, known[name], protocol)
        parts = {part.id: part for part in known[name].field}
        for part, inner in draw.row.items():
            if part not in parts:
                yield from _unknown(f"{key}.{name}", "field", [part], list(parts))
            else:
                yield from _values(f"{key}.{name}.{part}", inner, parts[part], protocol)


def _values(key: str, draw: Draw, item: Item, protocol: Protocol) -> Iterator[str]:
    """Yield the words of a draw that are none of the item's codes."""
    if item.type != "code":
        return
    listed = item.code or next((known.code for known in protocol.codelists if known.id == item.codelist), ())
    yield from _unknown(key, "code", [str(word) for word in _words(draw)], [code.value for code in listed])


def _words(draw: Draw) -> Iterator[object]:
    """Yield every word that a draw may give by itself."""
    if draw.value is not None:
        yield draw.value
    yield from draw.choose or ()
    for inner in (*draw.case.values(), *([] if draw.otherwise is None else [draw.otherwise])):
        yield from _words(inner)


def _unfilled(form: Form, scenario: Scenario) -> Iterator[str]:
    """Yield the required items of a registration that nothing fills: nobody could ever be registered."""
    given = {"registration_date", *scenario.trait, *scenario.filling_of(form.id)}
    for item in form.item:
        concept = item.concept or item.id
        if item.required and item.show_when is None and not {concept, item.id} & given and item.derive is None:
            yield f"filling.{form.id}: item {item.id!r} is required for a registration and is not filled"


def _references(key: str, part: object, names: list[str]) -> Iterator[str]:
    """Yield the names in draws that are neither a trait nor an item nor a situation."""
    if isinstance(part, Draw):
        named = [name for name in (part.copy, part.by, part.of) if name is not None]
        yield from _unknown(key, "trait or item", named, names)
    if isinstance(part, Mapping):
        for name, inner in part.items():
            yield from _references(f"{key}.{name}", inner, names)
    elif isinstance(part, tuple):
        for inner in part:
            yield from _references(key, inner, names)
    elif is_dataclass(part):
        for each in fields(part):
            yield from _references(f"{key}.{each.name}".lstrip("."), getattr(part, each.name), names)


def _unknown(key: str, kind: str, found: Mapping[str, object] | list[str] | tuple[str, ...], known: object) -> Iterator[str]:
    candidates = [str(word) for word in known] if isinstance(known, (list, tuple)) else []
    for word in found:
        if word not in candidates:
            near = find_near_miss(word, candidates)
            hint = f"; did you mean {near}?" if near else ""
            yield f"{key}: found {word!r}, which is no {kind} of the protocol{hint}"
