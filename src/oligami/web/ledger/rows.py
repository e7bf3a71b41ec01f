"""What stands in the ledger, as a function of the trial alone.

A row is a table's name, the row's key and its other columns. `post` writes what differs between two states of the trial.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, TypeAlias

from oligami.protocol.model.forms import FormRole
from oligami.trial.state import FormState, Subject, Trial

#: A subject's status, the first that holds.
STATUSES = ("annulled", "died", "withdrawn", "randomized", "registered", "entered")
#: A form's state, the first that holds. Verification and signature hold for the values as they stand.
STATES = ("locked", "signed", "verified", "submitted")
#: Withdrawals of these scopes end what is asked of a subject; one of treatment alone does not.
_ENDING = ("follow_up", "use_of_data")

Key: TypeAlias = tuple[str, tuple[Any, ...]]  # table, then the key's columns after the trial
Rows: TypeAlias = dict[Key, dict[str, Any]]


def site_rows(trial: Trial) -> Rows:
    """Return the rows of all sites."""
    subjects: Counter[str] = Counter()
    randomized: Counter[str] = Counter()
    for subject in trial.subjects.values():
        if any(not stage.annulled for stage in subject.stages.values()):
            subjects[subject.site] += 1
            randomized[subject.site] += subject.allocation is not None
    return {
        ("Site", (site.site,)): {
            "name": site.name,
            "fictitious": site.fictitious,
            "opened_at": site.opened_at,
            "closed_at": site.closed_at,
            "subjects": subjects[site.site],
            "randomized": randomized[site.site],
        }
        for site in trial.study.sites.values()
    }


def subject_rows(subject: Subject, deaths: frozenset[str]) -> Rows:
    """Return the rows of a subject: its own, its registrations, forms and queries.

    Args:
        subject: as it stands.
        deaths: the forms that tell of a death (`death_forms`).
    """
    name, site = subject.id, subject.site
    # An answered query is still open for the side that asked; only closing settles it.
    open_by_form = Counter((query.form, query.occurrence) for query in subject.queries.values() if query.status != "closed")
    allocation = subject.allocation
    rows: Rows = {
        ("Subject", (name,)): {
            "site": site,
            "status": status_of(subject, deaths),
            "arm": None if allocation is None else allocation.arm,
            "randomization_date": None if allocation is None else allocation.randomization_date,
            "open_queries": open_by_form.total(),
            "seq": subject.seq,
        }
    }
    for stage in subject.stages.values():
        rows["Registration", (name, stage.stage)] = {
            "site": stage.site,
            "registration_date": stage.registration_date,
            "protocol_version": stage.protocol_version,
            "annulled": stage.annulled,
            "seq": stage.seq,
        }
    for key, form in subject.forms.items():
        rows["Form", (name, *key)] = _form_row(form, site, open_by_form[key])
    for query in subject.queries.values():
        rows["DataQuery", (name, query.query)] = {
            "site": site,
            "form": query.form,
            "occurrence": query.occurrence,
            "item": query.item,
            "text": query.text,
            "answer": query.answer,
            "status": query.status,
            "raised_at": query.raised_at,
        }
    return rows


def death_forms(trial: Trial) -> frozenset[str]:
    """Return the ids of the forms that tell of a death, in any version of the protocol."""
    versions: Mapping[str, Any] = trial.study.versions
    return frozenset(form.id for protocol in versions.values() for form in protocol.forms if form.role is FormRole.DEATH)


def status_of(subject: Subject, deaths: frozenset[str]) -> str:
    """Return a subject's status; `deaths` are the forms that tell of a death (`death_forms`)."""
    if subject.stages and all(stage.annulled for stage in subject.stages.values()):
        return "annulled"
    if any(form in deaths for form, _ in subject.forms):
        return "died"
    if any(withdrawal.scope in _ENDING for withdrawal in subject.withdrawals):
        return "withdrawn"
    if subject.allocation is not None:
        return "randomized"
    return "registered" if subject.stages else "entered"


def _form_row(form: FormState, site: str, open_queries: int) -> dict[str, Any]:
    verified = form.verified_seq is not None and form.verified_seq > form.seq
    holds = {"locked": form.locked, "signed": form.is_signed, "verified": verified, "submitted": True}
    return {
        "site": site,
        "visit": form.visit,
        "state": next(state for state in STATES if holds[state]),
        "submitted_at": form.submitted_at,
        "changed_at": form.changes[-1].at if form.changes else form.submitted_at,
        "verified": verified,
        "signed": form.is_signed,
        "locked": form.locked,
        "corrections": len(form.changes),
        "warnings": len(form.warnings),
        "open_queries": open_queries,
        "protocol_version": form.protocol_version,
        "seq": form.seq,
    }
