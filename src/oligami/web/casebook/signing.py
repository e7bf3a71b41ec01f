"""Signing a form: what is signed is shown, and who signs is asked again.

The signature holds the digest of what was shown; the desk refuses it when that is not what is saved.
"""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from oligami.journal import entries as e
from oligami.protocol.text import Reason, Text
from oligami.trial.decide import shown_digest
from oligami.trial.refused import Refused
from oligami.web.accounts.reauth import confirm
from oligami.web.casebook.entry import form_of, is_command, last_texts, number_in
from oligami.web.casebook.fields import form_fields
from oligami.web.casebook.reading import raw_of
from oligami.web.pages.here import Here, new_command, page

#: What a signature of a form says; it is kept with the signature in both languages.
MEANING = Text(
    "I have looked at these data and endorse them as complete and correct",
    "この調査票の内容を確認し、正確かつ完全であることを承認します",
)
_SIGNED = Text("Signed in record {seq}.", "記録 {seq} で署名しました。")


@page("sign_form")
def form_sign(request: HttpRequest, here: Here, subject: str, form: str, occurrence: int) -> HttpResponse:
    """Show the values and ask for the password; sign what was shown."""
    known = here.subject(subject, act="sign_form")
    state = known.forms.get((form, occurrence))
    if state is None:
        raise Http404
    compiled = form_of(here.trial.rules_of(state.protocol_version), form)
    post = last_texts(request.POST)
    reasons: tuple[Reason, ...] = ()
    status = 200
    if request.method == "POST":
        command = post.get("_command", "")
        if confirm(request) is None:
            status = 422
        else:
            said = e.FormSigned(
                subject=known.id,
                form=form,
                occurrence=occurrence,
                meaning=f"{MEANING.ja} / {MEANING.en}",
                shown=post.get("_shown", "")[:64],
            )
            try:
                receipt = here.submit(
                    said, command_id=command if is_command(command) else new_command(), seen=number_in(post, "_seen")
                )
            except Refused as refused:
                reasons, status = refused.reasons, 409
            else:
                messages.success(request, _SIGNED.format(seq=receipt.records[0].seq)[here.language])
                return HttpResponseRedirect(reverse("form", args=[here.trial_id, known.id, form, occurrence]))
    view = form_fields(compiled, raw_of(compiled, state.values), language=here.language, read_only=True)
    context = {
        "subject": known,
        "form": compiled.form,
        "state": state,
        "view": view,
        "meaning": MEANING,
        "shown": shown_digest(dict(state.values)),
        "command": new_command(),
        "reasons": reasons,
    }
    return here.render("casebook/form_sign.html", context, status=status)
