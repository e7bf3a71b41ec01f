"""Which version of the protocol rules where: what may be activated as an amendment, and adopted by whom from when.

`Trial.version_for` answers for a site and a day; here stands what speaks against an activation or an adoption, what of a protocol is in
use, and where every site stands.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from oligami.journal import entries as e
from oligami.journal.entries import SiteId
from oligami.journal.record import Stamp
from oligami.protocol.amend_faults import Usage, faults, site_faults
from oligami.protocol.problems import shorten
from oligami.protocol.text import Reason, Text
from oligami.trial.commands import ActivateProtocol
from oligami.trial.state import Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteVersion:
    """Which version rules a site on a day, and which ones it will adopt later, by date."""

    site: SiteId
    version: str
    since: date | None  # None: since the version came into force for the whole trial
    coming: tuple[tuple[date, str], ...] = ()


def versions_by_site(trial: Trial, day: date) -> tuple[SiteVersion, ...]:
    """Return which version rules each site on a day, in the order of the sites' names."""
    found = []
    for site in sorted(trial.study.sites):
        version = trial.version_for(site, day)
        coming = [(begins, each) for each in trial.study.per_site if (begins := trial.adopted_from(each, site)) and begins > day]
        since = trial.adopted_from(version, site) if version in trial.study.per_site else None
        found.append(SiteVersion(site=site, version=version, since=since, coming=tuple(sorted(coming))))
    return tuple(found)


def usage_of(trial: Trial) -> Usage:
    """Return what of a protocol the saved values rest on."""
    items: set[tuple[str, str]] = set()
    codes: set[tuple[str, str, str]] = set()
    for subject in trial.subjects.values():
        for form in subject.forms.values():
            for path, value in _leaves(form.values, ""):
                items.add((form.form, path))
                if isinstance(value, str) and len(value) <= 80:  # an answer's name; dates are here too and do no harm
                    codes.add((form.form, path, value))
    stages = {stage for subject in trial.subjects.values() for stage in subject.stages}
    return Usage(items=frozenset(items), codes=frozenset(codes), stages=frozenset(stages))


def _leaves(values: Mapping[str, Any], over: str) -> Iterator[tuple[str, object]]:
    for name, value in values.items():
        yield f"{over}{name}", value
        if isinstance(value, (list, tuple)):
            for row in value:
                if isinstance(row, Mapping):
                    yield from _leaves(row, f"{over}{name}.")


def check_amendment(command: ActivateProtocol, trial: Trial) -> list[Reason]:
    """Return what speaks against a version beyond what speaks against any: what it does to those in force."""
    study = trial.study
    if study.protocol is None:
        if not command.per_site:
            return []
        text = Text(
            "No version is in force yet; the first rules the whole trial",
            "有効な版がまだありません。最初の版は試験全体で有効化します",
        )
        return [Reason("protocol.first", text)]
    protocol = command.protocol
    if study.trial != protocol.id or protocol.version in study.versions:
        return []  # said already, or a version that is active gets a wider reign
    problems: dict[Reason, None] = {}
    used = usage_of(trial)
    in_force = [study.protocol, *(study.versions[version] for version in study.per_site)]
    for known in in_force:
        problems |= dict.fromkeys(faults(known, protocol, used=used))
    if command.per_site:
        for known in in_force:
            problems |= dict.fromkeys(site_faults(known, protocol))
    return list(problems)


def check_adoption(command: e.ProtocolAdopted, trial: Trial, stamp: Stamp) -> list[Reason]:
    """Return what speaks against the adoption of a version by a site (None: by all) from a date."""
    study = trial.study
    problems: list[Reason] = []

    def against(rule: str, en: str, ja: str) -> None:
        problems.append(Reason(rule, Text(en, ja)))

    if command.site is not None and command.site not in study.sites:
        against("site.unknown", f"Site {command.site} has not been opened", f"施設 {command.site} は開設されていません")
    version, word = command.version, shorten(command.version)
    if version not in study.versions:
        against("adoption.unknown", f"Version {word} has not been activated", f"版 {word} は有効化されていません")
    elif version not in study.per_site:
        against(
            "adoption.whole_trial",
            f"Version {word} is not adopted site by site: the whole trial has it or has gone beyond it",
            f"版 {word} は施設ごとの採用の対象ではありません（試験全体で有効か、既に新しい版に替わっています）",
        )
    today = trial.day_of(stamp.recorded_at)
    if command.from_date < today:
        against(
            "adoption.past",
            f"The date {command.from_date} is over; what was decided since then was decided under the version of that day. "
            f"The earliest is today, {today}",
            f"{command.from_date} は過去の日付です。その間の判断は当時の版によるため、本日（{today}）以降を指定してください",
        )
    everywhere = trial.study.adoptions.get((version, None))
    if command.site is not None and everywhere is not None and everywhere <= command.from_date:
        against(
            "adoption.everywhere",
            f"Every site takes version {word} from {everywhere} on; this one cannot take it later",
            f"版 {word} は {everywhere} から全施設で有効です。この施設だけ遅らせることはできません",
        )
    newer = study.per_site[study.per_site.index(version) + 1 :] if version in study.per_site else ()
    if (ruling := trial.version_for(command.site, command.from_date)) in newer:
        against(
            "adoption.behind",
            f"Version {ruling}, which is newer, rules here by then",
            f"その日にはより新しい版 {ruling} が有効です",
        )
    known = trial.adopted_from(version, command.site)
    if known is not None and known <= today:
        against(
            "adoption.again",
            f"Version {word} rules here since {known}; a version is not taken back but followed by another",
            f"版 {word} は {known} から有効です。取り消しはできません。次の版で改めてください",
        )
    elif known == command.from_date:
        against("adoption.same", f"This adoption stands already: from {known}", f"{known} からの採用は記録済みです")
    elif known is not None and not command.reason.strip():
        against(
            "reason.missing",
            f"The adoption from {known} is changed to another date: a reason is due",
            f"{known} からの採用日を変更するには理由が必要です",
        )
    return problems
