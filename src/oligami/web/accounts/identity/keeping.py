"""Keeping, reading and erasing what names a subject. Each act asks for the right and leaves a line in the access log.

Nothing from here goes into a journal: the journal knows a subject by its number alone, and a row that is erased is gone.
"""

from datetime import date

from django.db import transaction

from oligami.protocol.text import Reason, Text
from oligami.trial.refused import Refused
from oligami.web.accounts.access import record
from oligami.web.accounts.identity.models import Identity
from oligami.web.pages.here import Here

_KEEP = Text("Saving the identity data", "個人識別情報の保存")
_ERASE = Text("Erasing the identity data", "個人識別情報の消去")


def keep_identity(
    here: Here, subject_id: str, *, initials: str = "", chart_number: str = "", birth_date: date | None = None
) -> Identity:
    """Save what names a subject, in place of what was there.

    Raises:
        Http404: the person sees no such subject.
        Forbidden: the person may not see identities at the subject's site.
        Refused: with every reason; nothing was written.
    """
    subject = here.subject(subject_id)
    here.demand("see_identity", subject.site)
    initials, chart_number = initials.strip(), chart_number.strip()
    reasons = []
    if len(initials) > 20:
        reasons.append(Reason("identity.initials", Text("The initials take up to 20 characters", "イニシャルは 20 文字以内です")))
    if len(chart_number) > 40:
        reasons.append(
            Reason("identity.chart_number", Text("The chart number takes up to 40 characters", "カルテ番号は 40 文字以内です"))
        )
    if birth_date is not None and not date(1900, 1, 1) <= birth_date <= here.today:
        text = Text("The birth date lies before 1900 or in the future", "生年月日が 1900 年より前、または未来の日付です")
        reasons.append(Reason("identity.birth_date", text))
    if not (initials or chart_number or birth_date):
        text = Text(
            "Nothing was entered; to remove everything, erase it with a reason",
            "入力がありません。削除する場合は理由を付けて消去してください",
        )
        reasons.append(Reason("identity.empty", text))
    if reasons:
        raise Refused(_KEEP, reasons)
    with transaction.atomic():
        row = Identity.objects.select_for_update().filter(trial=here.trial_id, subject=subject_id).first()
        if row is None:
            row = Identity(trial=here.trial_id, subject=subject_id, made_by=here.person, made_at=here.now)
        else:
            row.changed_by, row.changed_at = here.person, here.now
        row.site, row.initials, row.chart_number, row.birth_date = subject.site, initials, chart_number, birth_date
        row.save()
        record(here.request, "identity_kept", what=f"subject {subject_id}", trial=here.trial_id)
    return row


def identity_of(here: Here, subject_id: str) -> Identity | None:
    """Return what names a subject, and record that it was seen; None if nothing is kept.

    Raises:
        Http404: the person sees no such subject.
        Forbidden: the person may not see identities at the subject's site.
    """
    subject = here.subject(subject_id)
    here.demand("see_identity", subject.site)
    record(here.request, "identity_seen", what=f"subject {subject_id}", trial=here.trial_id)
    return Identity.objects.filter(trial=here.trial_id, subject=subject_id).first()


def erase_identity(here: Here, subject_id: str, *, reason: str) -> None:
    """Delete what names a subject for good; who did it and why stays in the access log, what it was does not.

    Raises:
        Http404: the person sees no such subject.
        Forbidden: the person may not see identities at the subject's site.
        Refused: no reason, or nothing is kept.
    """
    subject = here.subject(subject_id)
    here.demand("see_identity", subject.site)
    reasons = []
    if not 1 <= len(reason.strip()) <= 200:
        reasons.append(
            Reason("reason.missing", Text("Say why, in up to 200 characters", "理由を 200 文字以内で入力してください"))
        )
    with transaction.atomic():
        rows = Identity.objects.select_for_update().filter(trial=here.trial_id, subject=subject_id)
        if not rows:
            reasons.append(Reason("identity.none", Text("Nothing is kept of this subject", "この症例の個人識別情報はありません")))
        if reasons:
            raise Refused(_ERASE, reasons)
        rows.delete()
        record(here.request, "identity_erased", what=f"subject {subject_id}: {reason.strip()}", trial=here.trial_id)
