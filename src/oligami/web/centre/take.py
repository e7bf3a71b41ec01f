"""A site takes away all its own data, at any time, without asking anybody: packed, recorded, and told its digest."""

import re
import tempfile
from typing import IO, Any

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache

from oligami.journal import entries as e
from oligami.journal.entries import SiteId
from oligami.journal.record import Record
from oligami.protocol.text import Reason, Text
from oligami.trial.refused import Refused
from oligami.web.accounts import access
from oligami.web.accounts.models import Account
from oligami.web.centre.checks import seal_of
from oligami.web.centre.own import COPY_OF, Counts, Scope, TextRemoved
from oligami.web.centre.parcel import pack
from oligami.web.centre.records import record_at, records_of
from oligami.web.clock import local_zone
from oligami.web.pages.here import Here, new_command, page

#: Kept in memory up to this size while it is packed; a greater one goes to a file that nobody else can open.
_IN_MEMORY = 8_000_000
_WHAT = re.compile(re.escape(COPY_OF).replace(r"\{site\}", "(.+)").replace(r"\{through\}", "([0-9]{1,18})"))
_TITLE = Text("Copy of a site's data", "施設データの写し")
_CHANGED = Text(
    "This copy can no longer be made as it was, because a text was removed, a name changed or your rights are others now; take the data anew",
    "文章の削除、氏名の変更または権限の変更により、この写しを当時のまま作成できません。もう一度取得してください",
)
_SITE = Text("Choose one of your sites", "対象の施設を選んでください")
#: What must be permitted at the site: a copy shows no more than the pages do.
_ACTS = ("take_data", "see_form", "see_history", "see_queries")


@never_cache
@page("take_data")
def take(request: HttpRequest, here: Here) -> HttpResponse:
    """Ask what for and for whom; on sending, pack the data, record the export and go to its page."""
    sites = _sites(here)
    site = request.POST.get("site") or request.GET.get("site") or (sites[0] if len(sites) == 1 else "")
    problems: list[Reason] = []
    if request.method == "POST":
        if site not in sites:
            problems.append(Reason("export.site", _SITE))
        else:
            try:
                seq = _record(request, here, site)
            except Refused as no:
                problems = list(no.reasons)
            else:
                access.record_export(request, f"data of site {site}, record {seq}")
                return redirect("taken", here.trial_id, seq)
    context = {
        "sites": sites,
        "site": site,
        "names": {each: here.trial.study.sites[each].name for each in sites},
        "purpose": request.POST.get("purpose", ""),
        "recipient": request.POST.get("recipient", ""),
        "problems": problems,
        "exports": _exports(here),
        "command": request.POST.get("command") or new_command(),
    }
    return here.render("centre/take.html", context, status=409 if problems else 200)


def _sites(here: Here) -> list[SiteId]:
    """Return the sites whose data the person may take here.

    Raises:
        Forbidden: at no site; with the reasons of the first right that is missing.
    """
    sites = set(here.trial.study.sites)
    for act in _ACTS:
        permitted = here.sites(act)
        if permitted == frozenset():
            here.demand(act)
        if permitted is not None:
            sites &= permitted
    return sorted(sites)


def _record(request: HttpRequest, here: Here, site: SiteId) -> int:
    """Pack a site's data as they stand, record that they leave, and return the record's number."""
    through = here.trial.head.seq
    purpose, recipient = request.POST.get("purpose", ""), request.POST.get("recipient", "")
    known = here.desk.journal.of_command(request.POST.get("command", ""))
    if known:  # sent twice: nothing is packed again
        return known[0].seq
    digest = ""
    if purpose.strip() and recipient.strip():  # else the desk refuses, and packing would be in vain
        with _file() as out:
            digest, _ = _pack(here, site, through, out)
    command = e.ExportMade(
        what=COPY_OF.format(site=site, through=through), purpose=purpose[:500], recipient=recipient[:500], digest=digest
    )
    return here.submit(command, command_id=request.POST.get("command", "")).records[0].seq


def _file() -> Any:
    return tempfile.SpooledTemporaryFile(_IN_MEMORY)


def _pack(here: Here, site: SiteId, through: int, out: IO[bytes]) -> tuple[str, Counts]:
    subjects = frozenset(subject.id for subject in here.trial.subjects.values() if subject.site == site)
    scope = Scope(
        site=site,
        subjects=subjects,
        arms=bool(here.permit("see_own_arm", site)),
        draws=bool(here.permit("see_allocation_detail", site)),
        rule=bool(here.permit("see_allocation_rule", site)),
    )
    names = {account.person: account.shown_name for account in Account.objects.all()}
    return pack(here.desk.journal, here.trial, scope, through, out, zone=local_zone(), names=names)


def _exports(here: Here) -> list[dict[str, Any]]:
    """Return the person's own copies, the newest first."""
    found = []
    for record in records_of(here.desk.journal, "ExportMade"):
        told = _told(record)
        if told is not None and record.stamp.author == here.person:
            site, through = told
            found.append({"record": record, "site": site, "through": through})
    return found[::-1][:20]


def _told(record: Record) -> tuple[SiteId, int] | None:
    """Return site and last record of a copy that an export was; None if it was something else."""
    if not isinstance(record.entry, e.ExportMade):
        return None
    match = _WHAT.fullmatch(record.entry.what)
    return None if match is None else (match[1], int(match[2]))


def _export(here: Here, record: int) -> tuple[Record, SiteId, int]:
    """Return an export that the person made, while he may still take the site's data."""
    found = record_at(here.desk.journal, record, "ExportMade") if record < 1 << 62 else None
    told = _told(found) if found is not None else None
    if found is None or told is None or found.stamp.author != here.person or told[0] not in _sites(here):
        raise Http404
    return found, *told


@never_cache
@page("take_data")
def taken(request: HttpRequest, here: Here, record: int) -> HttpResponse:
    """Show what was recorded of a copy, with its digest, and where to fetch it."""
    found, site, through = _export(here, record)
    context = {"record": found, "site": site, "through": through, "seal": seal_of(here, through)}
    return here.render("centre/taken.html", context)


@never_cache
@page("take_data")
def take_file(request: HttpRequest, here: Here, record: int) -> HttpResponse | FileResponse:
    """Return the archive, packed again; refuse it if it is no longer the one that was recorded."""
    found, site, through = _export(here, record)
    out = _file()
    try:
        digest, _ = _pack(here, site, through, out)
        if not isinstance(found.entry, e.ExportMade) or digest != found.entry.digest:
            raise TextRemoved
    except TextRemoved:
        out.close()
        raise Refused(_TITLE, [Reason("export.changed", _CHANGED)]) from None
    except BaseException:
        out.close()
        raise
    out.seek(0)
    access.record_export(request, f"file of record {record}")
    return FileResponse(out, as_attachment=True, filename=f"{here.trial_id}-{site}-{through}.zip", content_type="application/zip")
