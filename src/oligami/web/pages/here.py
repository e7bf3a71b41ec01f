"""Who asks, in which trial, in which language, and what they may: what every view is handed."""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property, wraps
from typing import Any, TypeAlias

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from oligami.journal.entries import SiteId
from oligami.journal.record import Channel
from oligami.protocol.text import Language, Reason, Text
from oligami.trial import rights
from oligami.trial.commands import Command
from oligami.trial.desk import Receipt
from oligami.trial.rights import Permit
from oligami.trial.state import Subject, Trial
from oligami.web import clock
from oligami.web.desk import Asked, Desk, open_desk
from oligami.web.journal.models import JournalHead
from oligami.web.pages.language import language_of
from oligami.web.pages.screening import ask_about_names

View: TypeAlias = Callable[..., HttpResponse]
_COMMAND = re.compile(r"[0-9a-f]{32}")
_TOKEN_SITE = Text("This token is for site {site} alone", "このトークンは施設 {site} 専用です")


class Forbidden(Exception):
    """The person may not do or see this; the reasons are fit to show."""

    def __init__(self, what: Text, reasons: tuple[Reason, ...]) -> None:
        """Hold what was asked for and every reason against it."""
        self.what = what
        self.reasons = reasons
        super().__init__(what.en)


def new_command() -> str:
    """Return a command id for a form's hidden field `command`: a second sending of the form does nothing more."""
    return secrets.token_hex(16)


def trials() -> tuple[str, ...]:
    """Return the ids of the trials of this deployment."""
    return tuple(JournalHead.objects.order_by("trial").values_list("trial", flat=True))


@dataclass(kw_only=True)
class Here:
    """One request in one trial. The trial is folded once a request and does not move under a page."""

    request: HttpRequest
    trial_id: str
    desk: Desk
    language: Language
    now: datetime
    today: date
    only_site: SiteId | None = None  # of a program's token: nothing of another site

    @cached_property
    def trial(self) -> Trial:
        """The trial as it stood when the page began."""
        return self.desk.trial

    @property
    def person(self) -> str:
        """The id of the person who asks; empty without log-in."""
        user = self.request.user
        return user.person if user.is_authenticated else ""

    @property
    def name(self) -> str:
        """The name shown of the person who asks."""
        user = self.request.user
        return user.shown_name if user.is_authenticated else ""

    @cached_property
    def roles(self) -> tuple[tuple[str, SiteId | None], ...]:
        """The roles that the person holds, each with its site (None: the whole trial)."""
        return tuple(rights.roles_of(self.trial, self.person, on=self.today))

    @cached_property
    def role_titles(self) -> tuple[tuple[Text, SiteId | None], ...]:
        """The roles by their titles, for the banner."""
        return tuple((rights.ROLES[role].title, site) for role, site in self.roles if role in rights.ROLES)

    def permit(self, act: str, site: SiteId | None = None) -> Permit:
        """Return whether the person may do or see something (at a site), as what, or why not."""
        if self.only_site is not None and site not in (None, self.only_site):
            # Not `NOWHERE`: a role in the whole trial would reach even there.
            return Permit(None, (Reason("rights.token_site", _TOKEN_SITE.format(site=self.only_site)),))
        return rights.permit(self.trial, self.person, act, site=site, on=self.today)

    def demand(self, act: str, site: SiteId | None = None) -> str:
        """Return the role in which the person may do or see something.

        Raises:
            Forbidden: with the reasons.
        """
        permit = self.permit(act, site)
        if permit.role is None:
            raise Forbidden(rights.ACTS[act].title, permit.reasons)
        return permit.role

    def sites(self, act: str) -> frozenset[SiteId] | None:
        """Return the sites at which the person may do or see something; None: at all."""
        sites = rights.sites_of(self.trial, self.person, act, on=self.today)
        if self.only_site is None:
            return sites
        return frozenset({self.only_site}) if sites is None else sites & {self.only_site}

    def subject(self, subject_id: str, act: str = "see_subject") -> Subject:
        """Return a subject that the person may see, or may do something with, as who leads the trial and sees no casebook.

        Raises:
            Http404: there is none, or it is another site's: the two cannot be told apart.
            Forbidden: the person sees the subject, but may not do this with it.
        """
        subject = self.trial.subjects.get(subject_id)
        if subject is None or not (self.permit("see_subject", subject.site) or self.permit(act, subject.site)):
            # Who sees no subject anywhere is told so; who sees some learns nothing of the others.
            if self.sites("see_subject") == frozenset() == self.sites(act):
                self.demand("see_subject")
            raise Http404
        if act != "see_subject":
            self.demand(act, subject.site)
        return subject

    def submit(
        self,
        command: Command,
        *,
        command_id: str,
        seen: int | None = None,
        channel: Channel = "web",
        caller: str | None = None,
    ) -> Receipt:
        """Carry out a command in the name of the person, in the role that permits it.

        Raises:
            BadRequest: the form carried no command id.
            Forbidden: no role of the person permits it.
            Refused: it cannot be done now, or a text seems to name somebody (asked once); nothing was written.
        """
        if _COMMAND.fullmatch(command_id) is None:
            raise BadRequest("a form that writes carries a command id")
        act = rights.act_of(command, self.trial)
        role = self.demand(act, rights.site_of(command, self.trial))
        if getattr(self.request, "token", None) is None and not self.desk.journal.of_command(command_id):
            ask_about_names(self.request, command, self.trial)
        asked = Asked(command=command_id, author=self.person, role=role, channel=channel, seen=seen, caller=caller)
        receipt = self.desk.submit(command, asked)
        self.__dict__.pop("trial", None)  # what follows sees the trial after the command
        return receipt

    def render(self, template: str, context: dict[str, Any] | None = None, *, status: int = 200) -> HttpResponse:
        """Return the page."""
        return render(self.request, template, {"here": self, **(context or {})}, status=status)


def here_of(request: HttpRequest, trial_id: str, *, only_site: SiteId | None = None) -> Here:
    """Return the place of a request in a trial.

    Raises:
        Http404: there is no such trial.
    """
    if not JournalHead.objects.filter(trial=trial_id).exists():
        raise Http404
    here = Here(
        request=request,
        trial_id=trial_id,
        desk=open_desk(trial_id),
        language=language_of(request),
        now=clock.now(),
        today=clock.today(),
        only_site=only_site,
    )
    request.here = here  # the middleware's answers (refusals) speak from the same place
    return here


def public_page(view: View) -> View:
    """Hand a view its `Here`, without log-in."""

    @wraps(view)
    def answered(request: HttpRequest, trial_id: str, **named: Any) -> HttpResponse:
        return view(request, here_of(request, trial_id), **named)

    return answered


def page(act: str | None) -> Callable[[View], View]:
    """Hand a view its `Here`, to those who are signed in and may do or see `act` somewhere (None: to all signed in)."""

    def wrap(view: View) -> View:
        @wraps(view)
        def answered(request: HttpRequest, trial_id: str, **named: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            here = here_of(request, trial_id)
            if act is not None and here.sites(act) == frozenset():
                here.demand(act)
            return view(request, here, **named)

        answered.__dict__["act"] = act  # read by the test that asks each address for its policy
        return answered

    return wrap
