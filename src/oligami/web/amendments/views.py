"""Reading an amendment: versions and where they rule, differences side by side, what they mean for the subjects."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse

from oligami.data.due import last_randomization
from oligami.data.history import read_histories
from oligami.data.progression import find_progression
from oligami.data.windows import find_anchors
from oligami.journal import entries as e
from oligami.journal.record import Stamp
from oligami.protocol.amend import (
    IMPORTANCES,
    KINDS,
    Difference,
    differences,
    group_by_file,
    title_of_file,
    touched_forms,
)
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.text import Language, Text
from oligami.trial.adoption import check_amendment, versions_by_site
from oligami.trial.commands import ActivateProtocol
from oligami.trial.consent import reconsents
from oligami.trial.impact import Anchors, Impact, Misfit, Moved, Rejudged, impact
from oligami.trial.state import Trial
from oligami.web.amendments.candidates import Candidate, find_candidates, version_of, versions_in_order
from oligami.web.journal.models import JournalRecord
from oligami.web.pages.here import Here, page

_VERDICTS: Final[Mapping[str, Text]] = {
    "eligible": Text("eligible", "適格"),
    "ineligible": Text("ineligible", "不適格"),
    "pending": Text("pending", "保留"),
    "met": Text("met", "適合"),
    "not_met": Text("not met", "不適合"),
    "unknown": Text("unknown", "不明"),
    "-": Text("no such criterion", "規準なし"),
}
#: Rows of a list that a page shows; the rest is counted.
MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """An active version: who activated it when and why, whether it rules the whole trial, how many sites it rules today."""

    protocol: Protocol
    stamp: Stamp | None
    reason: str
    whole: bool
    by_site: bool
    sites: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A difference as the page shows it: `other` is its sentence in the page's other language."""

    difference: Difference
    kind: Text
    importance: Text
    other: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedCount:
    """How many visits of an activity move, for how many subjects."""

    title: Text
    visits: int
    subjects: int


@page("see_protocol")
def amendments(request: HttpRequest, here: Here) -> HttpResponse:
    """Show the versions in force, which one rules each site, and what lies ready to follow."""
    trial = here.trial
    only = here.sites("see_protocol")
    today = trial.day_of(here.now)
    standing = [each for each in versions_by_site(trial, today) if only is None or each.site in only]
    ruled = Counter(each.version for each in standing)
    context = {
        "versions": [_version(here, version, ruled[version]) for version in reversed(versions_in_order(trial))],
        "sites": [(each, trial.study.sites[each.site]) for each in standing],
        "candidates": find_candidates(trial) if may_prepare(here) else (),
        "prepares": may_prepare(here),
        "may_activate": here.permit("activate_protocol"),
        "may_adopt": here.sites("adopt_version") != frozenset(),
        "adoptable": trial.study.per_site[::-1],
        "consents": _consents(here, today),
        "today": today,
    }
    return here.render("amendments/amendments.html", context)


@page("see_protocol")
def amendment(request: HttpRequest, here: Here, version: str) -> HttpResponse:
    """Show what a version changes against another, file by file, old beside new, in both languages."""
    new, candidate = version_for(here, version)
    if new is None:
        return here.render("amendments/faulty.html", {"candidate": candidate})
    order = [known for known in versions_in_order(here.trial) if known != version]
    base = request.GET.get("against") or _before(here.trial, version)
    if base is not None and base not in order:
        raise Http404
    context = {"new": new, "candidate": candidate, "base": base, "others": order, "hidden": False}
    if base is not None:
        old = here.trial.study.versions[base]
        found = differences(old, new)
        shown = [each for each in found if each.file != "allocation.toml" or may_prepare(here)]
        other: Language = "en" if here.language == "ja" else "ja"
        context |= {
            "groups": [(title_of_file(old, new, file), file, _rows(those, other)) for file, those in group_by_file(shown)],
            "other": other,
            "count": Counter(each.importance for each in shown),
            "importances": [(name, word, sum(each.importance == name for each in shown)) for name, word in IMPORTANCES.items()],
            "forms": [(form, KINDS[form.kind], form.items + form.checks) for form in touched_forms(old, new)],
            "hidden": len(shown) < len(found),
            "faults": () if candidate is None else check_amendment(ActivateProtocol(protocol=new, per_site=True), here.trial),
            "prepares": may_prepare(here),
        }
    return here.render("amendments/amendment.html", context)


@page("see_protocol")
def amendment_impact(request: HttpRequest, here: Here, version: str) -> HttpResponse:
    """Show what a version would mean for the subjects of the sites that the person may see."""
    new, candidate = version_for(here, version)
    if new is None:
        return here.render("amendments/faulty.html", {"candidate": candidate})
    sites = None if may_prepare(here) else here.sites("see_subject")
    if sites == frozenset():
        here.demand("see_subject")
    today = here.trial.day_of(here.now)
    found = impact(here.trial, new, day=today, sites=sites, anchors=anchors_of(here.trial, today))
    return here.render("amendments/impact.html", {"new": new, "today": today, **lists_of(here, new, found)})


# ---------------------------------------------------------------- shared by the views


def may_prepare(here: Here) -> bool:
    """Say whether the person prepares amendments: activates them, or has sites adopt them.

    They read candidates and the whole difference; the rule of allocation is told to nobody at a site.
    """
    return bool(here.permit("activate_protocol")) or here.sites("adopt_version") is None


def version_for(here: Here, version: str) -> tuple[Protocol | None, Candidate | None]:
    """Return a version that the person may read: a candidate is for those who prepare amendments.

    Raises:
        Http404: there is none.
    """
    found = version_of(here.trial, version)
    if found[1] is not None and not may_prepare(here):
        raise Http404
    return found


def lists_of(here: Here, new: Protocol, found: Impact) -> dict[str, object]:
    """Return an impact as a page shows it: what single forms say only to those who may see them, and nothing by arm."""
    forms = [(each, KINDS[each.touched.kind]) for each in found.forms]
    return {
        "impact": found,
        "forms": forms,
        "misfits": of_seen(here, "see_form", found.misfits),
        "rejudged": of_seen(here, "see_subject", found.rejudged),
        "moved": _count_moved(here.trial, new, found.moved),
        "most": MOST,
    }


def of_seen(here: Here, act: str, found: tuple[Misfit, ...] | tuple[Rejudged, ...]) -> dict[str, object]:
    """Return rows of a list that the person may see, with how many there are in all."""
    sites = here.sites(act)
    seen = [each for each in found if sites is None or each.site in sites]
    rows = [_say_verdicts(each) if isinstance(each, Rejudged) else each for each in seen[:MOST]]
    return {"rows": rows, "all": len(found), "unseen": len(found) - len(seen), "more": max(0, len(seen) - MOST)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A registration judged otherwise, its verdicts in words."""

    of: Rejudged
    before: Text
    after: Text
    criteria: tuple[tuple[str, Text, Text], ...]


def _say_verdicts(found: Rejudged) -> Judged:
    return Judged(
        of=found,
        before=_VERDICTS[found.before],
        after=_VERDICTS[found.after],
        criteria=tuple((rule, _VERDICTS[was], _VERDICTS[now]) for rule, was, now in found.criteria),
    )


def anchors_of(trial: Trial, day: date) -> Anchors:
    """Return the dates from which each subject's schedule counts."""
    protocol, last = trial.protocol, last_randomization(trial)
    histories = read_histories(tuple(trial.subjects.values()), protocol, day)
    return {each.id: find_anchors(each, find_progression(each, protocol.response), last) for each in histories}


def _count_moved(trial: Trial, new: Protocol, moved: tuple[Moved, ...]) -> list[MovedCount]:
    """Count what moves by activity. What only some arms have is left out: its number would be the size of an arm."""
    versions = (*trial.study.versions.values(), new)
    of_arms = {activity.id for protocol in versions for activity in protocol.schedule.activity if activity.arms}
    groups: dict[str, list[Moved]] = {}
    for each in moved:
        planned = each.after or each.before
        if planned is not None and planned.activity not in of_arms:
            groups.setdefault(planned.activity, []).append(each)
    return [
        MovedCount(title=those[0].title, visits=len(those), subjects=len({each.subject for each in those}))
        for those in groups.values()
    ]


def _rows(found: tuple[Difference, ...], other: Language) -> list[Row]:
    return [
        Row(difference=each, kind=KINDS[each.kind], importance=IMPORTANCES[each.importance], other=each.sentence[other])
        for each in found
    ]


def _before(trial: Trial, version: str) -> str | None:
    """Return what a version is compared with unless told otherwise: the active one before it, for a candidate the trial's."""
    order = versions_in_order(trial)
    if version not in order:
        return trial.protocol.version
    place = order.index(version)
    return order[place - 1] if place else None


def _version(here: Here, version: str, sites: int) -> Version:
    study = here.trial.study
    stamp, reason = _activation(here, version)
    return Version(
        protocol=study.versions[version],
        stamp=stamp,
        reason=reason,
        whole=study.protocol is not None and study.protocol.version == version,
        by_site=version in study.per_site,
        sites=sites,
    )


def _activation(here: Here, version: str) -> tuple[Stamp | None, str]:
    """Return by whom and when a version was last activated, and why."""
    kept = JournalRecord.objects.filter(trial=here.trial_id, kind="ProtocolActivated").order_by("-seq")
    for command in kept.values_list("command", flat=True):
        for record in here.desk.journal.of_command(command):
            entry = record.entry
            if isinstance(entry, e.ProtocolActivated) and entry.version == version:
                return record.stamp, entry.reason
    return None, ""


def _consents(here: Here, today: date) -> int | None:
    sites = here.sites("see_subject")
    return None if sites == frozenset() else len(reconsents(here.trial, today, sites))
