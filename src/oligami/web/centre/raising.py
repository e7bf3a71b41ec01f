"""Data queries in the making: their numbers, their prefilled texts, and which forms ask for one."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from oligami.journal import entries as e
from oligami.protocol.model.forms import Check, Form
from oligami.protocol.text import Text
from oligami.trial.state import FormState, Subject, Trial

#: At most so many commands are carried out for one form on screen.
MOST_AT_ONCE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A soft check that fired on a saved form and was not asked about yet; `reason` is what the author gave."""

    subject: str
    site: str
    form: str
    title: Text
    occurrence: int
    item: str | None
    check: str
    message: Text
    reason: str

    @property
    def key(self) -> str:
        """Name the candidate in a form on screen."""
        return f"{self.subject}|{self.form}|{self.occurrence}|{self.check}"


def next_query(subject: Subject, beyond: int = 0) -> str:
    """Return the next free number of a data query of a subject; `beyond` counts those about to be raised."""
    number = len(subject.queries) + 1 + beyond
    while f"Q{number:03d}" in subject.queries:
        number += 1
    return f"Q{number:03d}"


def derived_command(command: str, part: str) -> str:
    """Return the command id of one part of a bulk act: sending the whole again does no part twice."""
    return hashlib.sha256(f"{command}|{part}".encode()).hexdigest()[:32]


def candidates(trial: Trial, sites: frozenset[str] | None) -> Iterator[Candidate]:
    """Yield the warnings on saved forms about which no data query was raised, subject by subject.

    Args:
        trial: as it stands.
        sites: those the person may ask; None: all.
    """
    for subject in trial.subjects.values():
        if sites is not None and subject.site not in sites:
            continue
        asked = {(query.form, query.occurrence, query.item) for query in subject.queries.values()}
        for state in subject.forms.values():
            if not state.warnings or state.locked:
                continue
            form = form_of(trial, state)
            if form is None:
                continue
            for warning in state.warnings:
                check = _check(form, str(warning.get("check", "")))
                if check is not None and (state.form, state.occurrence, check.item) not in asked:
                    yield Candidate(
                        subject=subject.id,
                        site=subject.site,
                        form=state.form,
                        title=form.title,
                        occurrence=state.occurrence,
                        item=check.item,
                        check=check.id,
                        message=check.message,
                        reason=str(warning.get("reason", "")),
                    )


def form_of(trial: Trial, state: FormState) -> Form | None:
    """Return a filled form's definition under the version it was filled under."""
    protocol = trial.study.versions.get(state.protocol_version) or trial.study.protocol
    forms = protocol.forms if protocol is not None else ()
    return next((form for form in forms if form.id == state.form), None)


def _check(form: Form, name: str) -> Check | None:
    name = name.rsplit(".", 1)[-1]
    return next((check for check in form.check if check.id == name), None)


def prefilled(form: Form, item: str | None, message: Text | None = None) -> str:
    """Return the text a data query begins with, in both languages, because the site and the inspector read it."""
    label = next((each.label for each in form.item if each.id == item), None)
    about = Text(f"{form.title.en}: {label.en}", f"{form.title.ja}「{label.ja}」") if label else form.title
    if message is not None:
        return f"{about.ja}: {message.ja} 原資料を確認し、訂正または理由をご回答ください。/ {about.en}: {message.en} Please check the source and correct it, or say why it is right."
    return f"{about.ja}: 原資料を確認し、訂正または理由をご回答ください。/ {about.en}: please check the source and correct it, or say why it is right."


def raised(candidate: Candidate, form: Form, number: str) -> e.QueryRaised:
    """Return the command that asks about a candidate."""
    return e.QueryRaised(
        subject=candidate.subject,
        query=number,
        form=candidate.form,
        occurrence=candidate.occurrence,
        item=candidate.item,
        text=prefilled(form, candidate.item, candidate.message),
    )
