"""Drafts: begun when a form is opened, saved while it is typed, gone when it is sent.

A draft whose command stands in the journal was sent, even if its row is still there (the server may have died in between):
it is removed when it is next looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from oligami.web.casebook.models import Draft
from oligami.web.pages.here import Here, new_command

#: After so many days a draft is shown as an old one (setting OLIGAMI_DRAFT_DAYS); it is never dropped in silence.
DEFAULT_DAYS = 30
_MOST_NAMES = 2000
_LONGEST_TEXT = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftKey:
    """What a draft is of. `subject` is empty before the first registration; `occurrence` is 0 for a form not yet saved."""

    form: str
    subject: str = ""
    occurrence: int = 0
    visit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overtaken:
    """A draft was saved from elsewhere since: `edition` and texts as they stand now."""

    edition: int
    raw: Mapping[str, str]


def begin(here: Here, key: DraftKey, *, site: str = "", seen: int | None = None, version: str = "") -> Draft:
    """Return the person's draft of a form; a new one, empty, with a command id of its own, if there is none."""
    while True:
        draft, _ = Draft.objects.get_or_create(
            **_where(here, key),
            defaults={"command": new_command(), "site": site, "seen": seen, "version": version, "saved_at": here.now},
        )
        if not here.desk.journal.of_command(draft.command):
            return draft
        draft.delete()


def find(here: Here, key: DraftKey) -> Draft | None:
    """Return the person's draft of a form, None if there is none."""
    return Draft.objects.filter(**_where(here, key)).first()


def save(here: Here, key: DraftKey, raw: Mapping[str, str], *, command: str, edition: int | None) -> Draft | Overtaken | None:
    """Keep what was typed.

    Args:
        here: the request.
        key: what it is a draft of.
        raw: texts by name; what is not a field of the form must have been left out.
        command: the command id that the page carries.
        edition: the savings that the page knows of; None saves over whatever is there.

    Returns:
        The draft; what overtook it; or None if the form was sent meanwhile (under this command) and nothing is kept.
    """
    if here.desk.journal.of_command(command):
        return None
    kept = {name: text[:_LONGEST_TEXT] for name, text in list(raw.items())[:_MOST_NAMES] if text}
    with transaction.atomic():
        draft, made = Draft.objects.select_for_update().get_or_create(
            **_where(here, key), defaults={"command": command, "saved_at": here.now}
        )
        if not made and edition is not None and edition < draft.edition and draft.raw != kept:
            return Overtaken(edition=draft.edition, raw=draft.raw)
        draft.raw = kept
        draft.edition += 1
        draft.saved_at = here.now
        draft.save(update_fields=["raw", "edition", "saved_at"])
    return draft


def discard(here: Here, key: DraftKey) -> None:
    """Remove the person's draft of a form, if there is one."""
    Draft.objects.filter(**_where(here, key)).delete()


def mine(here: Here) -> tuple[Draft, ...]:
    """Return the person's drafts in which something was typed, the newest first."""
    drafts = Draft.objects.filter(trial=here.trial_id, person=here.person).order_by("-saved_at")
    return tuple(draft for draft in drafts if draft.raw)


def is_old(draft: Draft, now: datetime) -> bool:
    """Say whether a draft has lain longer than the setting says."""
    return now - draft.saved_at > timedelta(days=getattr(settings, "OLIGAMI_DRAFT_DAYS", DEFAULT_DAYS))


def _where(here: Here, key: DraftKey) -> dict[str, object]:
    return {
        "trial": here.trial_id,
        "person": here.person,
        "subject": key.subject,
        "form": key.form,
        "occurrence": key.occurrence,
        "visit": key.visit,
    }
