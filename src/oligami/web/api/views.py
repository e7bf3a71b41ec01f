"""The page where a person makes and revokes the tokens of programs."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache

from oligami.protocol.text import Text
from oligami.web import clock
from oligami.web.accounts.reauth import confirm
from oligami.web.api.models import Token
from oligami.web.api.tokens import make_token
from oligami.web.pages.here import Here, page

_PURPOSE = Text("Say what the token is for.", "トークンの用途を入力してください。")
_SITE = Text("You hold no role at this site.", "この施設での役割がありません。")
_REVOKED = Text("The token was revoked.", "トークンを無効にしました。")


@never_cache
@page(None)
def tokens(request: HttpRequest, here: Here) -> HttpResponse:
    """List one's own tokens; make one (the password is asked again); it is shown this once."""
    sites = sorted({site for _, site in here.roles if site is not None})
    if not here.roles:
        here.demand("see_worklist")
    made, problems = None, []
    if request.method == "POST":
        site = request.POST.get("site") or None
        purpose = request.POST.get("purpose", "").strip()
        if not purpose:
            problems.append(("purpose", _PURPOSE))
        if site is not None and site not in sites and all(at is not None for _, at in here.roles):
            problems.append(("site", _SITE))
        if not problems and confirm(request) is None:
            problems.append(("password", request.confirm_problem))
        if not problems:
            made = make_token(request.user, trial=here.trial_id, site=site, purpose=purpose)
    known = Token.objects.filter(account=request.user, trial=here.trial_id).order_by("-made_at")
    whole = any(site is None for _, site in here.roles)
    context = {"tokens": known, "made": made, "problems": problems, "sites": sites, "whole": whole, "now": here.now}
    return here.render("api/tokens.html", context, status=422 if problems else 200)


@page(None)
def revoke_token(request: HttpRequest, here: Here, token: int) -> HttpResponse:
    """Revoke one of one's own tokens; it ends at once."""
    if request.method == "POST":
        Token.objects.filter(account=request.user, trial=here.trial_id, id=token, revoked_at=None).update(revoked_at=clock.now())
        messages.success(request, _REVOKED[here.language])
    return redirect("tokens", here.trial_id)
