"""One latent trial cut straight into the datasets that a real trial gives, without a word being said in a journal.

`emit` says the same trial through the desk; a law holds that both roads lead to the same columns, subject by subject. Times of the
latent trial, in months, become calendar dates here and there by the same rule: whole days after the opening of registration, and
at least one day from randomization to death or to the last contact.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from oligami.data.datasets import Subjects, TimeToEvent
from oligami.data.endpoints import UNKNOWN
from oligami.protocol.model.analysis import Endpoint
from oligami.protocol.model.protocol import Protocol
from oligami.simulation.fast.latent import Latents
from oligami.simulation.fast.plan import Plan
from oligami.simulation.latent import DAYS_PER_MONTH
from oligami.stats.arguments import Ints
from oligami.trial.allocation import PriorAllocation, allocate
from oligami.trial.state import subject_id

#: Nobody lives so many days beyond randomization; a date beyond the calendar must not be made.
_LONGEST_DAYS = 200 * 366


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One subject of a latent trial as dates; None: it never comes.

    number: the subject's column in the latent arrays. order: place among the randomized, from 1; None if never randomized, and so is
    the arm. factors: levels by factor, the site among them. lost: the day of the last contact with one who is lost.
    """

    number: int
    order: int | None
    subject: str
    site: str
    factors: dict[str, str]
    registration: date
    randomization: date | None
    arm: str | None
    death: date | None
    lost: date | None


def site_name(site: int) -> str:
    """Return the identifier of a simulated site, by its position in the plan."""
    return f"site-{site + 1:03d}"


def date_of(opening: date, months: float) -> date:
    """Return the calendar date of a time counted in months from the opening of registration."""
    return opening + timedelta(days=int(months * DAYS_PER_MONTH))


def randomized_order(plan: Plan, latents: Latents, replicate: int) -> tuple[Ints, Ints]:
    """Return who is registered, in order of entry, and who of them is randomized, in order of randomization.

    Once as many as the plan's limit are randomized, nobody is registered any more.
    """
    entry, randomization = latents.entry[replicate], latents.randomization[replicate]
    order = np.lexsort((np.arange(plan.subjects), entry))
    passing = np.flatnonzero(latents.passes[replicate])
    passing = passing[np.lexsort((passing, randomization[passing]))]
    if 0 < plan.randomized_limit <= passing.size:
        closed = randomization[passing[plan.randomized_limit - 1]]
        order = order[entry[order] <= closed]
        passing = passing[entry[passing] <= closed]
    return order, passing


def people_of(
    plan: Plan,
    latents: Latents,
    replicate: int,
    protocol: Protocol,
    opening: date,
    *,
    draws: Callable[[int], float] | None = None,
) -> tuple[Person, ...]:
    """Return the subjects of one latent trial in order of registration, allocated by the protocol's own rule.

    Args:
        plan: made from the protocol (`planning.plan_of`), so that factors and levels are the protocol's.
        latents: of that plan.
        replicate: the row of `latents`.
        protocol: whose rule of allocation draws, one subject at a time.
        opening: the day on which registration opens.
        draws: gives draw k, from 1, in [0, 1); the subjects' own latent draws if not given.
    """
    rule = protocol.allocation
    with_levels = [factor for factor in rule.factors if factor.levels]
    arms = [arm.id for arm in rule.arms]
    registered, randomized = randomized_order(plan, latents, replicate)

    def levels(i: int) -> dict[str, str]:
        found = {
            factor.id: factor.levels[int(column[replicate, i])]
            for factor, column in zip(with_levels, latents.factors, strict=True)
        }
        site = site_name(int(latents.site[replicate, i]))
        return {factor.id: found.get(factor.id, site) for factor in rule.factors}

    drawn: dict[int, tuple[int, str]] = {}
    prior: list[PriorAllocation] = []
    for k, i in enumerate(randomized.tolist(), start=1):
        u = float(latents.u[replicate, i]) if draws is None else draws(k)
        result = allocate(rule, levels(i), prior, k=k, u=u)
        prior.append(PriorAllocation(arm=result.arm, factors=levels(i), place=result.place))
        drawn[i] = (k, result.arm)
    people = []
    for number, i in enumerate(registered.tolist(), start=1):
        order, arm = drawn.get(i, (None, None))
        randomization = None if arm is None else date_of(opening, float(latents.randomization[replicate, i]))
        a = 0 if arm is None else arms.index(arm)
        people.append(
            Person(
                number=i,
                order=order,
                subject=subject_id(number),
                site=site_name(int(latents.site[replicate, i])),
                factors=levels(i),
                registration=date_of(opening, float(latents.entry[replicate, i])),
                randomization=randomization,
                arm=arm,
                death=_after(randomization, float(latents.death[a, replicate, i])),
                lost=_after(randomization, float(latents.lost[a, replicate, i])),
            )
        )
    return tuple(people)


def known_death(person: Person) -> date | None:
    """Return the day of death of somebody who was not lost before it."""
    heard = person.lost is None or (person.death is not None and person.death <= person.lost)
    return person.death if heard else None


def proven_alive(person: Person, up_to: date) -> date:
    """Return the last day up to a cut on which a subject who had not died by then is known to have been alive.

    Later news count: whoever is randomized or dies after the cut was alive at the cut. Nobody asks after those who are not randomized.
    """
    if person.randomization is None:
        return person.registration
    return up_to if person.lost is None or known_death(person) is not None else min(person.lost, up_to)


def direct_endpoint(people: Sequence[Person], endpoint: Endpoint, protocol: Protocol, up_to: date) -> TimeToEvent:
    """Cut one endpoint at a date.

    Args:
        people: of `people_of`.
        endpoint: whose only event is death, counted from a registration or from randomization.
        protocol: for its strata.
        up_to: the cut.

    Raises:
        ValueError: the endpoint rests on something that a latent trial does not have (progression, scans, local therapy).
    """
    if endpoint.event != ("death",) or endpoint.censor != "last_alive":
        raise ValueError(f"endpoint {endpoint.id} rests on more than death; the fast road knows death alone")
    from_randomization = endpoint.start == "randomization"
    rows = []
    for person in people:
        start = person.randomization if from_randomization else person.registration
        if start is None or start > up_to:
            continue
        death = known_death(person)
        died = death is not None and death <= up_to
        end = death if died and death is not None else max(proven_alive(person, up_to), start)
        rows.append((person, start, end, died))
    strata = [stratum.factor for stratum in protocol.analysis.stratum]
    return TimeToEvent(
        endpoint=endpoint.id,
        subject=tuple(person.subject for person, *_ in rows),
        arm=tuple(_arm_at(person, up_to) for person, *_ in rows),
        stratum=tuple("|".join(person.factors.get(name, UNKNOWN) for name in strata) for person, *_ in rows),
        time_days=np.array([(end - start).days for _, start, end, _ in rows], dtype=np.float64),
        event=np.array([died for *_, died in rows], dtype=np.bool_),
        cause=tuple("death" if died else "last_alive" for *_, died in rows),
        start_date=tuple(start for _, start, *_ in rows),
        end_date=tuple(end for _, _, end, _ in rows),
    )


def direct_subjects(people: Sequence[Person], protocol: Protocol, up_to: date) -> Subjects:
    """Cut the dataset of subjects at a date; what a latent trial does not have is None, False or empty."""
    known = [person for person in people if person.registration <= up_to]
    randomized = [person.randomization is not None and person.randomization <= up_to for person in known]
    factors = [factor.id for factor in protocol.allocation.factors]
    deaths = [known_death(person) for person in known]
    # Of the dead, the last proof of life is the visit of randomization.
    alive = [
        proven_alive(person, up_to) if death is None or death > up_to else person.randomization
        for person, death in zip(known, deaths, strict=True)
    ]
    nobody = (None,) * len(known)
    never = (False,) * len(known)
    return Subjects(
        subject=tuple(person.subject for person in known),
        site=tuple(person.site for person in known),
        registration_date=tuple(person.registration for person in known),
        randomization_date=tuple(p.randomization if yes else None for p, yes in zip(known, randomized, strict=True)),
        arm=tuple(_arm_at(person, up_to) for person in known),
        status=tuple("randomized" if yes else "in_therapy" for yes in randomized),
        off_reason=nobody,
        factors_drawn={
            name: tuple(p.factors[name] if yes else None for p, yes in zip(known, randomized, strict=True)) for name in factors
        },
        factors={name: tuple(person.factors[name] for person in known) for name in factors},
        baseline={},
        last_alive_date=tuple(alive),
        death_date=tuple(death if death is not None and death <= up_to else None for death in deaths),
        progression_date=nobody,
        progression_site=nobody,
        therapy_started=never,
        local_therapy_started=never,
        withdrawn_scope=nobody,
        annulled=never,
    )


def _arm_at(person: Person, up_to: date) -> str | None:
    return person.arm if person.randomization is not None and person.randomization <= up_to else None


def _after(start: date | None, months: float) -> date | None:
    days = months * DAYS_PER_MONTH
    if start is None or not days < _LONGEST_DAYS:
        return None
    return start + timedelta(days=max(1, int(days)))
