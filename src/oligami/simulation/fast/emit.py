"""A latent trial of the fast road said through the desk, entry by entry, so that its journal can be folded and cut like any other.

Nobody mistypes and nothing comes late here: what is said is exactly what the latent trial holds, and the rest of each form is
filled by a rehearsal scenario. The desk judges eligibility and draws the arm, as for real people. Laws and small
demonstrations use it; the lively rehearsal is `rehearse`.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from oligami.journal import entries as e
from oligami.journal.store import Journal
from oligami.protocol.compile import compile_protocol
from oligami.protocol.model.forms import FormRole
from oligami.protocol.model.protocol import Protocol
from oligami.simulation.drawing import draw_value, stream
from oligami.simulation.engine import Engine, open_engine
from oligami.simulation.fast.direct import Person, known_death, site_name
from oligami.simulation.office import DATA_MANAGER, coordinator, investigator
from oligami.simulation.rehearse import STUDY_OFFICE
from oligami.simulation.scenario import Scenario
from oligami.trial.commands import ActivateProtocol, Register, SubmitForm
from oligami.trial.draws import commitment, derive_secret
from oligami.trial.eligibility import judge_stage
from oligami.trial.forms import examine
from oligami.trial.registration import factors_of
from oligami.trial.state import Trial

#: How often a person is drawn anew until factors and eligibility are those of the latent subject.
_TRIES = 5_000
_REASONS = {"*": "Confirmed with the source document (simulated)"}


def emit(
    people: Sequence[Person],
    protocol: Protocol,
    filling: Scenario,
    journal: Journal,
    *,
    seed: int,
    sites: int,
    opening: date,
    until: date,
) -> Trial:
    """Say a latent trial through the desk and return it as it stands at the end.

    Args:
        people: in order of registration; their arms are not told, the desk draws them.
        protocol: the trial.
        filling: a rehearsal scenario that fills the forms.
        journal: empty.
        seed: of the secret and of the filling.
        sites: number of sites, all open from the opening on.
        opening: the day on which registration opens.
        until: the last contact with everybody alive who is not lost.

    Raises:
        ValueError: nobody whom the scenario draws has the factors of a latent subject and is eligible.
        Refused: the desk refuses what the latent trial wants said, a registration outside a window for example.
    """
    engine = open_engine(protocol, compile_protocol(protocol), filling, journal, seed, until=until)
    start = datetime.combine(opening, time(0, 0), tzinfo=UTC)
    promised = commitment(derive_secret(seed, protocol.id))
    activation = ActivateProtocol(protocol=protocol, reason=f"Simulation, seed {seed}", commitment=promised)
    engine.say(activation, start, STUDY_OFFICE)
    for number in range(sites):
        name = f"Fictitious hospital {number + 1}"
        engine.say(e.SiteOpened(site=site_name(number), name=name, fictitious=True), start, DATA_MANAGER)

    one_stage = protocol.randomizing_stage is protocol.eligibility.stage[0]
    # Within a day first registrations come before second ones, each in its own order, as the latent times have them.
    said = [(person.registration, 0, place, person) for place, person in enumerate(people)]
    if not one_stage:
        said += [(p.randomization, 1, p.order, p) for p in people if p.randomization is not None and p.order is not None]
    values: dict[str, dict[str, Any]] = {}
    for day, step, place, person in sorted(said, key=lambda each: each[:3]):
        when = datetime.combine(day, time(1 + 3 * step, 0), tzinfo=UTC) + timedelta(seconds=place % 3600)
        if step == 0:
            values[person.subject] = _register(engine, person, when)
        else:
            _randomize(engine, person, values[person.subject], when)
    for person in people:
        if person.randomization is not None:
            _follow(engine, person, until)
    return engine.trial


def _register(engine: Engine, person: Person, when: datetime) -> dict[str, Any]:
    """Register at the first stage somebody with the latent subject's factors; return the values of the form."""
    stage = engine.protocol.eligibility.stage[0]
    for attempt in range(_TRIES):
        traits: dict[str, Any] = {}
        chance = stream(engine.seed, f"emitted {attempt}", person.number)
        for name, draw in engine.scenario.trait.items():
            traits[name] = draw_value(draw, traits, chance)
        given = {"registration_date": when.date(), **traits}
        values = engine.fill(stage.form, given, traits, f"emitted {attempt}", person.number)
        examined = examine(engine.rules.forms[stage.form], values, casebook={}, strict_required=True)
        found = factors_of(engine.rules, examined.values, person.site)
        eligible = judge_stage(engine.rules, stage.id, examined.values).verdict == "eligible"
        if found == person.factors and eligible and not examined.errors:
            command = Register(stage=stage.id, site=person.site, values=values, reasons=_REASONS)
            engine.say(command, when, coordinator(person.site))
            return {**traits, **values}
    raise ValueError(f"{person.subject}: nobody whom scenario {engine.scenario.id} draws is eligible with {person.factors}")


def _randomize(engine: Engine, person: Person, before: dict[str, Any], when: datetime) -> None:
    """Register at the randomizing stage with a response that lets the subject go on."""
    stage = engine.protocol.randomizing_stage
    given: dict[str, Any] = {
        "registration_date": when.date(),
        "response_evaluation_date": when.date(),
        "overall_response": "SD",
        "new_lesion": "no",
        "residual_oligometastases": 1,
        "courses_planned": 1,
        "courses_given": 1,
    }
    values = engine.fill(stage.form, given, before, "emitted", person.number)
    seen = engine.trial.subjects[person.subject].seq
    command = Register(stage=stage.id, site=person.site, subject=person.subject, values=values, reasons=_REASONS)
    engine.say(command, when, investigator(person.site), seen=seen)


def _follow(engine: Engine, person: Person, until: date) -> None:
    """Tell the death, or the last contact with one alive."""
    death = known_death(person)
    if death is not None and death <= until:
        form = engine.protocol.form_of(FormRole.DEATH)
        given: dict[str, Any] = {"death_date": death}
    else:
        form = engine.protocol.form_of(FormRole.FOLLOW_UP)
        heard = until if person.lost is None else min(until, person.lost)
        given = {"contact_date": heard, "vital_status": "alive", "clinical_progression": "no"}
    if form is None:
        raise ValueError(f"protocol {engine.protocol.id} has no form that tells a death or a contact")
    values = engine.fill(form.id, given, {}, "emitted", person.number)
    when = datetime.combine(until, time(6, 0), tzinfo=UTC)
    command = SubmitForm(subject=person.subject, form=form.id, values=values, reasons=_REASONS)
    engine.say(command, when, coordinator(person.site))
