"""An allocation made in error (a subject randomized twice) leaves the tallies. The draw stands and is never undone."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from oligami.journal import entries as e
from oligami.protocol.text import Text
from oligami.trial.refused import Refused
from oligami.web.accounts.reauth import confirm
from oligami.web.casebook.entry import is_command, last_texts, number_in
from oligami.web.pages.here import Here, new_command, page

ACT = "mark_allocation_in_error"
_DONE = Text(
    "The allocation is marked as made in error (record {seq}). It no longer counts in the tallies; the draw stays on record.",
    "割付に誤り印を付けました（記録 {seq}）。割付の集計には含まれませんが、記録は残ります。",
)


@page(ACT)
def mark_in_error(request: HttpRequest, here: Here, subject: str, k: int) -> HttpResponse:
    """Say what the mark does, and make it with a reason and a password."""
    known = here.subject(subject, act=ACT)
    allocation = next((each for each in known.allocations if each.k == k), None)
    if allocation is None:
        raise Http404
    post = last_texts(request.POST)
    reason = post.get("_reason", "").strip()[:2000]
    refused: Refused | None = None
    status = 200
    command = post.get("_command", "")
    if not is_command(command):
        command = new_command()
    if request.method == "POST":
        if not reason:
            status = 422
        elif confirm(request) is None:
            status = 403
        else:
            mark = e.AllocationMarkedInError(subject=known.id, k=k, reason=reason)
            try:
                receipt = here.submit(mark, command_id=command, seen=number_in(post, "_seen"))
            except Refused as why:
                refused, status = why, 409
            else:
                messages.success(request, _DONE.format(seq=receipt.records[0].seq)[here.language])
                return HttpResponseRedirect(reverse("confirmation", args=[here.trial_id, known.id, allocation.stage]))
    context = {
        "subject": known,
        "allocation": allocation,
        "stage": here.trial.protocol.stage(allocation.stage),
        "reason": reason,
        "reason_missing": status == 422,
        "refused": refused,
        "command": command,
        "seen": here.trial.head.seq,
    }
    return here.render("registration/mark_in_error.html", context, status=status)
