"""Who must be asked again: subjects whose site is ruled by a version with a consent document they have not consented to."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from oligami.journal.entries import SiteId, SubjectId
from oligami.protocol.model.forms import FormRole
from oligami.trial.state import Subject, Trial

#: A withdrawal of this scope ends what a new consent could be about; who left treatment alone is followed and asked.
_ENDING = frozenset({"follow_up", "use_of_data"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconsent:
    """A consent that is due.

    document: version of the consent document, as the protocol version names it. since: the day from which that version rules the
    site; None where it has ruled the whole trial. last: the newest consent on record, with its date.
    """

    subject: SubjectId
    site: SiteId
    document: str
    version: str
    since: date | None
    last: tuple[str, date] | None


def reconsents(trial: Trial, day: date, sites: Iterable[SiteId] | None = None) -> tuple[Reconsent, ...]:
    """Return the consents that are due on a day, by site and subject.

    Nobody is asked who has died, has withdrawn from follow-up or the use of data, or whose registrations were all annulled.

    Args:
        trial: the trial as it stands.
        day: the day; tomorrow's adoptions are not counted today.
        sites: only these; None is all.
    """
    only = None if sites is None else frozenset(sites)
    found = []
    for subject in trial.subjects.values():
        if (only is not None and subject.site not in only) or not _is_followed(subject, trial):
            continue
        version = trial.version_for(subject.site, day)
        document = trial.rules_of(version).protocol.trial.consent_document
        if document in _consented(subject, trial):
            continue
        found.append(
            Reconsent(
                subject=subject.id,
                site=subject.site,
                document=document,
                version=version,
                since=trial.adopted_from(version, subject.site) if version in trial.study.per_site else None,
                last=max(subject.consents, key=lambda each: each[1], default=None),
            )
        )
    return tuple(sorted(found, key=lambda each: (each.site, each.subject)))


def _consented(subject: Subject, trial: Trial) -> set[str]:
    """Return the documents consented to; where no consent is on record, that of the version of the first registration."""
    known = {document for document, _ in subject.consents}
    registered = [stage.protocol_version for stage in subject.stages.values()][:1]
    return known or {trial.rules_of(version).protocol.trial.consent_document for version in registered}


def _is_followed(subject: Subject, trial: Trial) -> bool:
    if not any(not stage.annulled for stage in subject.stages.values()):
        return False
    if any(withdrawal.scope in _ENDING for withdrawal in subject.withdrawals):
        return False
    deaths = {form.id for protocol in trial.study.versions.values() for form in protocol.forms_of(FormRole.DEATH)}
    return not any(form in deaths for form, _ in subject.forms)
