"""Who people are in a trial: twelve roles, and who holds which, where, at any instant.

A role is granted by an entry of the journal (`RoleGranted`), at one site or for the whole trial. A grant that does not fit its
role (a coordinator of no site, a word that names no role) counts for nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Literal, TypeAlias

from oligami.journal.entries import RoleGranted, RoleRevoked, SiteId
from oligami.journal.record import Record
from oligami.protocol.text import Text
from oligami.trial.state import Trial

#: A person, a role, and its site (None: the whole trial), as the journal grants it.
Grant: TypeAlias = tuple[str, str, SiteId | None]
#: A role that a person holds, and its site (None: the whole trial).
Held: TypeAlias = tuple[str, SiteId | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What a person may be in a trial.

    scope: `site` is granted for one site at a time, `trial` for the whole trial.
    narrowable: whether a role for the whole trial may be granted for one site as well.
    for_a_time: whether it is granted only up to a stated day (EMA/INS/GCP/112288/2023, 4.11).
    """

    id: str
    title: Text
    scope: Literal["site", "trial"]
    narrowable: bool = False
    for_a_time: bool = False

    def fits(self, site: SiteId | None) -> bool:
        """Say whether the role can be held at a site (None: for the whole trial)."""
        return (site is not None) if self.scope == "site" else (site is None or self.narrowable)


_ALL = (
    Role(id="investigator", title=Text("investigator", "担当医"), scope="site"),
    Role(id="coordinator", title=Text("coordinator", "CRC（臨床研究コーディネーター）"), scope="site"),
    Role(id="data_manager", title=Text("data manager", "データマネージャー"), scope="trial"),
    Role(id="monitor", title=Text("monitor", "モニター"), scope="trial", narrowable=True),
    Role(id="trial_statistician", title=Text("trial statistician", "試験統計家"), scope="trial"),
    Role(id="committee_statistician", title=Text("committee statistician", "委員会統計家"), scope="trial"),
    Role(id="safety_committee", title=Text("safety committee", "効果・安全性評価委員会"), scope="trial"),
    Role(id="radiation_reviewer", title=Text("radiation reviewer", "放射線治療審査担当"), scope="trial"),
    Role(id="principal_investigator", title=Text("principal investigator", "研究代表医師"), scope="trial"),
    Role(id="study_chair", title=Text("study chair", "研究代表者"), scope="trial"),
    Role(id="administrator", title=Text("administrator", "システム管理者"), scope="trial"),
    Role(id="inspector", title=Text("inspector", "査察担当者"), scope="trial", narrowable=True, for_a_time=True),
)
#: Every role by its id. Where several would do, the one that stands first here is taken.
ROLES: Mapping[str, Role] = {role.id: role for role in _ALL}
SITE_ROLES = frozenset(role.id for role in _ALL if role.scope == "site")
_PLACE = {role.id: place for place, role in enumerate(_ALL)}


@lru_cache(maxsize=8)  # a page asks hundreds of times of one trial
def _by_person(grants: frozenset[Grant]) -> Mapping[str, tuple[Held, ...]]:
    held: dict[str, list[Held]] = {}
    for person, role, site in grants:
        if role in ROLES and ROLES[role].fits(site):
            held.setdefault(person, []).append((role, site))
    return {person: tuple(sorted(each, key=lambda held: (_PLACE[held[0]], held[1] or ""))) for person, each in held.items()}


def roles_of(trial: Trial, person: str, *, on: date | None = None) -> tuple[Held, ...]:
    """Return the roles that a person holds, each with its site (None: the whole trial), in the order of `ROLES`.

    Args:
        trial: as it stands.
        person: as the journal knows him.
        on: the day, by the trial's clock; roles that were granted up to an earlier one are left out. None: they count.
    """
    held = _by_person(trial.study.roles).get(person, ())
    ends = trial.study.role_ends
    if on is None or not ends:
        return held
    return tuple(each for each in held if ends.get((person, *each), on) >= on)


def roles_at(records: Iterable[Record], instant: datetime, *, on: date | None = None) -> frozenset[Grant]:
    """Return who held which role at an instant (UTC): what had been granted by then and not been revoked.

    With `on`, the day of that instant by the trial's clock, roles that were granted up to an earlier day are left out.

    This answers "who could do what on date D" for any past day (EMA/INS/GCP/112288/2023, A3.2): the acts of a role stand in
    `ACTS`. Put into a trial (`Study.roles`), `permit` judges by it.
    """
    held: dict[Grant, date | None] = {}
    for record in records:
        if record.stamp.recorded_at > instant:
            continue
        match record.entry:
            case RoleGranted(person=person, role=role, site=site, until=until):
                held[person, role, site] = until
            case RoleRevoked(person=person, role=role, site=site):
                held.pop((person, role, site), None)
            case _:
                pass
    return frozenset(grant for grant, until in held.items() if on is None or until is None or until >= on)
