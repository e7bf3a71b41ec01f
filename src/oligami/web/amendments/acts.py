"""Acting on an amendment: rehearsed on a copy, activated, adopted by sites from a date."""

import hashlib
from datetime import date

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from oligami.journal import entries as e
from oligami.journal.record import Record
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.text import Reason, Text
from oligami.trial.adoption import check_amendment, versions_by_site
from oligami.trial.commands import ActivateProtocol
from oligami.trial.impact import rehearse
from oligami.trial.refused import Refused
from oligami.web.amendments.candidates import Candidate
from oligami.web.amendments.views import may_prepare, of_seen, version_for
from oligami.web.casebook.dates import read_date
from oligami.web.casebook.entry import is_command, last_texts
from oligami.web.journal.models import JournalRecord
from oligami.web.pages.here import Here, new_command, page

_DATE = Text(
    "The date cannot be read: give a whole day, such as 20240610, 2024-06-10 or R6.6.10",
    "日付を読み取れません。年月日で入力してください（例 20240610、2024-06-10、R6.6.10）",
)
_NO_SITE = Text("Choose at least one site", "施設を1つ以上選択してください")
_NO_REASON = Text("Say why, for example which committee approved it when", "理由を入力してください（例: 承認した委員会と日付）")
_CHANGED = Text(
    "The folder was changed after this page was made: read the differences again, then activate",
    "画面の表示後にフォルダーが変更されました。差分を読み直してから有効化してください",
)
_ACTIVATED = Text("Version {version} is active.", "{version} 版を有効化しました。")
_ADOPTED = Text("Version {version} is adopted from {day} by: {sites}.", "{version} 版を {day} から採用しました: {sites}")
_ALL = Text("every site", "全施設")


@page("see_protocol")
def rehearsal(request: HttpRequest, here: Here, version: str) -> HttpResponse:
    """Try an amendment on a copy and show what would come of it; nothing is written."""
    if not may_prepare(here):
        here.demand("activate_protocol")
    new, candidate = version_for(here, version)
    if new is None:
        return here.render("amendments/faulty.html", {"candidate": candidate})
    post = last_texts(request.POST)
    context = _choices(here, new, request)
    if request.method != "POST":
        return here.render("amendments/rehearsal.html", context)
    errors: dict[str, str] = {}
    day = _day(here, post, errors)
    sites = _sites(here, request, errors)
    context |= {"errors": errors}
    if errors or day is None:
        return here.render("amendments/rehearsal.html", context, status=400)
    found = rehearse(
        _refusals(here), new, trial=here.trial, sites=sites, from_date=day, at=here.now, author=here.person, role="rehearsal"
    )
    context |= {
        "found": found,
        "misfits": of_seen(here, "see_form", found.misfits),
        "rejudged": of_seen(here, "see_subject", found.rejudged),
        "refusals": of_seen(here, "see_subject", found.refusals),
        "cases": None if candidate is None else candidate,
    }
    return here.render("amendments/rehearsal.html", context)


@page("activate_protocol")
def activate(request: HttpRequest, here: Here, version: str) -> HttpResponse:
    """Activate a version, to be adopted site by site or for the whole trial at once."""
    new, candidate = version_for(here, version)
    if new is None or (candidate is not None and not candidate.is_ready):
        return here.render("amendments/faulty.html", {"candidate": candidate}, status=409 if request.method == "POST" else 200)
    post = last_texts(request.POST)
    per_site = post.get("reach", "sites") == "sites" and candidate is not None
    errors: dict[str, str] = {}
    refused: tuple[Reason, ...] = ()
    status = 200
    if request.method == "POST":
        if not post.get("reason", "").strip():
            errors["reason"] = _NO_REASON[here.language]
        if post.get("digest") != new.digest:
            errors["digest"] = _CHANGED[here.language]
        status = 400
        if not errors:
            command = ActivateProtocol(protocol=new, reason=post["reason"].strip(), per_site=per_site)
            try:
                here.submit(command, command_id=_command(post))
            except Refused as refusal:
                refused, status = refusal.reasons, 409
            else:
                messages.success(request, _ACTIVATED[here.language].format(version=version))
                address = "amendment_adopt" if per_site else "amendments"
                return HttpResponseRedirect(reverse(address, args=[here.trial_id, *([version] if per_site else [])]))
    context = {
        "new": new,
        "candidate": candidate,
        "typed": post,
        "errors": errors,
        "refused": refused,
        "against": _against(here, new, candidate),
        "command": post.get("command") if is_command(post.get("command", "")) and not refused else new_command(),
    }
    return here.render("amendments/activate.html", context, status=status)


@page("adopt_version")
def adopt(request: HttpRequest, here: Here, version: str) -> HttpResponse:
    """Have sites adopt an active version from a date, many at once."""
    new, candidate = version_for(here, version)
    if new is None or candidate is not None:
        return here.render("amendments/faulty.html", {"candidate": candidate, "inactive": True})
    post = last_texts(request.POST)
    context = _choices(here, new, request) | {"command": new_command(), "refused": {}}
    if request.method != "POST":
        return here.render("amendments/adopt.html", context)
    errors: dict[str, str] = {}
    day = _day(here, post, errors)
    sites = _sites(here, request, errors)
    if errors or day is None:
        return here.render("amendments/adopt.html", context | {"errors": errors}, status=400)
    done: list[str] = []
    refused: dict[str, tuple[Reason, ...]] = {}
    command = _command(post)
    for site in (None,) if sites is None else sites:
        adoption = e.ProtocolAdopted(site=site, version=version, from_date=day, reason=post.get("reason", "").strip())
        word = site or _ALL[here.language]
        try:
            here.submit(adoption, command_id=_part(command, site))
        except Refused as refusal:
            refused[word] = refusal.reasons
        else:
            done.append(word)
    if done:
        text = _ADOPTED[here.language].format(version=version, day=day, sites=", ".join(done))
        messages.success(request, text)
    if refused:
        return here.render(
            "amendments/adopt.html", _choices(here, new, request) | {"command": new_command(), "refused": refused}, status=409
        )
    return HttpResponseRedirect(reverse("amendments", args=[here.trial_id]))


def _against(here: Here, new: Protocol, candidate: Candidate | None) -> dict[str, list[Reason]]:
    """Return what would speak against activating it site by site, and against the whole trial at once."""
    if candidate is None:
        return {"sites": [], "trial": []}
    return {
        "sites": check_amendment(ActivateProtocol(protocol=new, per_site=True), here.trial),
        "trial": check_amendment(ActivateProtocol(protocol=new), here.trial),
    }


def _choices(here: Here, new: Protocol, request: HttpRequest) -> dict[str, object]:
    """Return what the table of sites needs: each with its version now and what it has adopted ahead."""
    today = here.trial.day_of(here.now)
    mine = here.sites("adopt_version")
    standing = versions_by_site(here.trial, today)
    chosen = set(request.POST.getlist("site"))
    return {
        "new": new,
        "sites": [
            (each, here.trial.study.sites[each.site], each.site in chosen)
            for each in standing
            if mine is None or not mine or each.site in mine
        ],
        "everywhere": mine is None or not mine,
        "all_chosen": "every" in request.POST,
        "typed": last_texts(request.POST),
        "today": today,
        "errors": {},
    }


def _day(here: Here, post: dict[str, str], errors: dict[str, str]) -> date | None:
    day = read_date(post.get("from_date", ""))
    if day is None:
        errors["from_date"] = _DATE[here.language]
    return day


def _sites(here: Here, request: HttpRequest, errors: dict[str, str]) -> tuple[str, ...] | None:
    """Return the sites chosen, in order; None for every site."""
    if "every" in request.POST:
        return None
    known = here.trial.study.sites
    chosen = tuple(sorted({site for site in request.POST.getlist("site") if site in known}))
    if not chosen:
        errors["site"] = _NO_SITE[here.language]
    return chosen


def _command(post: dict[str, str]) -> str:
    word = post.get("command", "")
    return word if is_command(word) else new_command()


def _part(command: str, site: str | None) -> str:
    """Return the command id of one site's adoption: the same sending of the page gives the same ids."""
    return hashlib.sha256(f"{command} {site}".encode()).hexdigest()[:32]


def _refusals(here: Here) -> list[Record]:
    """Return the records of registrations that were refused."""
    kept = JournalRecord.objects.using(here.desk.journal.using).filter(trial=here.trial_id, kind="RegistrationRefused")
    return [record for command in kept.values_list("command", flat=True) for record in here.desk.journal.of_command(command)]
