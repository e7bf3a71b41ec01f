"""May this person do this here? The table applied to the roles that a trial's journal grants; every no has its reasons."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from oligami.journal.entries import RoleGranted, SiteId
from oligami.journal.record import Stamp
from oligami.protocol.text import Reason, Text
from oligami.trial.commands import Command, RedactBody
from oligami.trial.rights.acts import NOWHERE, Act, act_of, named_site, site_of
from oligami.trial.rights.roles import ROLES, Held, roles_of
from oligami.trial.rights.table import ACTS, APART
from oligami.trial.state import Trial


@dataclass(frozen=True, slots=True)
class Permit:
    """Whether something is permitted: true with the role that permits it, or false with the reasons.

    `on_behalf`: only for a caller on the telephone, who is to be named with the command.
    """

    role: str | None
    reasons: tuple[Reason, ...] = ()
    on_behalf: bool = False

    def __bool__(self) -> bool:
        return self.role is not None


def is_released(trial: Trial) -> bool:
    """Say whether results by arm are released.

    They are once the newest decision on some cut is the word `release` (`MonitoringDecided`, which the safety committee says),
    or once every committed secret of randomization was opened: then anyone can recompute the arms. A secret that was opened
    because another took its place releases nothing.
    """
    newest = {cut: decision for cut, decision, _ in trial.study.decisions}
    committed = trial.study.commitments
    return "release" in newest.values() or (bool(committed) and all(each.opened is not None for each in committed))


def permit(trial: Trial, person: str, act: str, *, site: SiteId | None = None, on: date | None = None) -> Permit:
    """Say whether a person may do or see something at a site (None: anywhere at all), in which role, or why not.

    `on` is today by the trial's clock: roles granted up to an earlier day count no more (None: they count).

    The reasons never tell more of a site than the person is bound to: for a site of others and for one that does not exist
    they are the same.

    Raises:
        ValueError: there is no such act.
    """
    return _permit(trial, roles_of(trial, person, on=on), _row(act), site)


def sites_of(trial: Trial, person: str, act: str, *, on: date | None = None) -> frozenset[SiteId] | None:
    """Return the sites at which a person may do or see something; None: at all of them, and in the trial as a whole.

    `on` as in `permit`.

    Raises:
        ValueError: there is no such act.
    """
    row = _row(act)
    held = roles_of(trial, person, on=on)
    may = _permitted(row, trial, held)
    if any(site is None for _, site in may):
        return None
    return frozenset(site for _, site in may if site is not None)


def against(command: Command | RedactBody, trial: Trial, stamp: Stamp) -> tuple[Reason, ...]:
    """Return why the author of a command may not carry it out in the role of its stamp; nothing: he may.

    The desk asks this before it decides. The role must be one that the author holds, and it alone counts.
    """
    row = ACTS[act_of(command, trial)]
    # Without a role that ends, no day is needed; before the first protocol there is no calendar either.
    held = roles_of(trial, stamp.author, on=trial.day_of(stamp.recorded_at) if trial.study.role_ends else None)
    acting = tuple(each for each in held if each[0] == stamp.role)
    if not acting:
        return (_not_held(row, stamp.role, held),)
    problems: list[Reason] = []
    behalf = False
    for site in _sites(command, trial):
        found = _permit(trial, acting, row, site, named=named_site(command), everything=held)
        behalf = behalf or found.on_behalf
        problems.extend(reason for reason in found.reasons if reason not in problems)
    if behalf and (stamp.channel != "telephone" or not (stamp.caller or "").strip()):
        problems.append(_telephone(row, stamp.role))
    if isinstance(command, RoleGranted):
        problems.extend(check_grant(command, trial))
    return tuple(problems)


def check_grant(grant: RoleGranted, trial: Trial) -> tuple[Reason, ...]:
    """Return what speaks against a grant, whoever makes it: no such role, not at such a place, not without an end.

    Nor beside a role that was held up to a day now over: what was seen in it is not forgotten, so that one is revoked first.
    """
    role = ROLES.get(grant.role)
    if role is None:
        listed = ", ".join(ROLES)
        return (
            Reason(
                "role.unknown",
                Text(f"There is no role {grant.role}; there are: {listed}", f"役割 {grant.role} はありません（{listed}）"),
            ),
        )
    problems = []
    if not role.fits(grant.site):
        text = (
            Text(
                f"The role {role.title.en} is granted for one site; name the site",
                f"{role.title.ja}は施設ごとの役割です。施設を指定してください",
            )
            if role.scope == "site"
            else Text(
                f"The role {role.title.en} is granted for the whole trial; leave the site out",
                f"{role.title.ja}は試験全体の役割です。施設は指定しないでください",
            )
        )
        problems.append(Reason("role.scope", text))
    if role.for_a_time and grant.until is None:
        text = Text(
            f"The role {role.title.en} is granted for a time; say its last day",
            f"{role.title.ja}は期間を限って付与する役割です。最終日を指定してください",
        )
        problems.append(Reason("role.until", text))
    beside = {held for held, _ in roles_of(trial, grant.person) if (role.id, held) in APART}
    if beside:
        other = _roles(beside)
        text = Text(
            f"Who is {other.en} cannot be {role.title.en} as well; revoke the one or appoint somebody else",
            f"{role.title.ja}は{other.ja}と兼任できません。一方を取り消すか、別の方に付与してください",
        )
        problems.append(Reason("role.apart", text))
    return tuple(problems)


def name_of(command: Command | RedactBody, trial: Trial | None = None) -> Text:
    """Return what a command asks for, as a refusal names it."""
    title = ACTS[act_of(command, trial)].title
    subject = getattr(command, "subject", None)
    return Text(f"{title.en} ({subject})", f"{title.ja}（{subject}）") if subject else title


def _row(act: str) -> Act:
    if act not in ACTS:
        raise ValueError(f"there is no act {act!r}")
    return ACTS[act]


def _sites(command: Command | RedactBody, trial: Trial) -> tuple[SiteId | None, ...]:
    """Return every site that a command concerns: a registration may name another than its subject's."""
    sites = (site_of(command, trial), named_site(command))
    return tuple(dict.fromkeys(site for site in sites if site is not None)) or (None,)


def _is_open(row: Act, trial: Trial) -> bool:
    """Say whether the condition of a row holds."""
    match row.opens:
        case "released":
            return is_released(trial)
        case "allocation_shown":
            protocol = trial.study.protocol
            return protocol is not None and not protocol.allocation.hidden_from_sites
        case None:
            return False


def _permitted(row: Act, trial: Trial, acting: Sequence[Held], everything: Sequence[Held] | None = None) -> tuple[Held, ...]:
    """Return those of the roles acted in that permit an act, with where; `everything` are all that the person holds."""
    may = row.roles | row.on_behalf
    if _is_open(row, trial):
        may |= row.then
    elif any(role in row.withheld for role, _ in everything or acting):
        return ()
    # A role at one site never reaches the trial as a whole.
    return tuple(each for each in acting if each[0] in may and (row.scope == "site" or each[1] is None))


def _permit(
    trial: Trial,
    acting: Sequence[Held],
    row: Act,
    site: SiteId | None,
    *,
    named: SiteId | None = None,
    everything: Sequence[Held] | None = None,
) -> Permit:
    for role, at in _permitted(row, trial, acting, everything):
        if site is None or at is None or at == site:
            return Permit(role, on_behalf=role in row.on_behalf)
    return Permit(None, _denied(row, trial, everything or acting, site, acting=acting, named=named))


def _denied(
    row: Act,
    trial: Trial,
    held: Sequence[Held],
    site: SiteId | None,
    *,
    acting: Sequence[Held] | None = None,
    named: SiteId | None = None,
) -> tuple[Reason, ...]:
    """Return why none of the roles will do: what is asked, which role it takes, where, and what the person holds."""
    own = {role for role, _ in held}
    open_now = _is_open(row, trial)
    able = row.roles | row.on_behalf | (row.then if open_now else frozenset())
    where = _where(row, able, site, held, named)
    needed, mine = _roles(able), _held(acting if acting is not None else held)
    withheld = _roles(own & row.withheld)
    if withheld.en and own & (row.roles | row.on_behalf):
        text = Text(
            f"{row.title.en} is closed to a person who is {withheld.en} as well",
            f"{withheld.ja}を兼ねる方には{row.title.ja}は認められません",
        )
        reasons = [Reason("rights.apart", text)]
    else:
        text = Text(
            f"{row.title.en} needs the role {needed.en}{where.en}; acting as: {mine.en}",
            f"{row.title.ja}には{where.ja}{needed.ja}の役割が必要です（現在の役割: {mine.ja}）",
        )
        reasons = [Reason(f"rights.{row.id}", text)]
    if row.opens == "released" and not open_now:
        text = Text(
            f"{row.title.en} stays closed while the trial runs, until the committee releases the results",
            f"{row.title.ja}は、委員会が結果の公開を決めるまで、試験の実施中は認められません",
        )
        reasons.append(Reason("rights.not_released", text))
    if row.opens == "allocation_shown" and not open_now:
        text = Text("The protocol hides the rule of allocation from the sites", "実施計画書により割付規則は施設に開示されません")
        reasons.append(Reason("rights.hidden_from_sites", text))
    return tuple(reasons)


def _where(row: Act, able: Iterable[str], site: SiteId | None, held: Sequence[Held], named: SiteId | None) -> Text:
    """Say where the role is needed; another's site is named only if the command itself named it."""
    whole = Text(" for the whole trial", "試験全体での")
    if row.scope == "trial":
        return whole
    if site is None:
        place = Text(" at a site", "いずれかの施設での")
    elif site != NOWHERE and (site == named or any(at == site for _, at in held)):
        place = Text(f" at site {site}", f"施設 {site} での")
    else:
        place = Text(" at the site concerned", "該当施設での")
    if any(ROLES[role].scope == "site" for role in able):
        return place
    if site is not None and any(ROLES[role].narrowable for role in able):
        return Text(f"{whole.en} or{place.en}", f"試験全体または{place.ja}")
    return whole


def _not_held(row: Act, role: str, held: Sequence[Held]) -> Reason:
    title = ROLES[role].title if role in ROLES else Text(role, role)
    mine, needed = _held(held), _roles(row.roles | row.on_behalf)
    return Reason(
        "rights.role_not_held",
        Text(
            f"You do not hold the role {title.en} in this trial; your roles: {mine.en}. {row.title.en} needs the role {needed.en}",
            f"この試験で{title.ja}の役割をお持ちではありません（お持ちの役割: {mine.ja}）。{row.title.ja}に必要な役割: {needed.ja}",
        ),
    )


def _telephone(row: Act, role: str) -> Reason:
    title = ROLES[role].title
    needed = _roles(row.roles)
    return Reason(
        "rights.telephone",
        Text(
            f"{row.title.en} by the {title.en} is only for a caller on the telephone: "
            f"choose the channel telephone and name the caller ({needed.en}, site)",
            f"{title.ja}による{row.title.ja}は電話での依頼に限ります。経路に「電話」を選び、依頼者（{needed.ja}、施設）を記入してください",
        ),
    )


def _roles(roles: Iterable[str]) -> Text:
    titles = [role.title for role in ROLES.values() if role.id in set(roles)]
    return Text(_either([title.en for title in titles]), "・".join(title.ja for title in titles))


def _either(words: list[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def _held(held: Sequence[Held]) -> Text:
    """Name the roles that a person holds, with their sites."""
    if not held:
        return Text("no role in this trial", "この試験での役割なし")
    en = [f"{ROLES[role].title.en} at {site}" if site else ROLES[role].title.en for role, site in held]
    ja = [f"{ROLES[role].title.ja}（施設 {site}）" if site else ROLES[role].title.ja for role, site in held]
    return Text(", ".join(en), "、".join(ja))
