"""What an amendment would mean for the subjects of a trial: before it is activated, and rehearsed on a copy.

Nothing here writes. A folded trial is a value: a rehearsal advances a copy of it by entries that no journal ever sees.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from oligami.journal import entries as e
from oligami.journal.entries import SiteId, SubjectId
from oligami.journal.record import Record, Stamp
from oligami.protocol.amend import TouchedForm, touched_forms
from oligami.protocol.compile import Compiled, compile_protocol
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.text import Reason, Text
from oligami.trial.adoption import SiteVersion, versions_by_site
from oligami.trial.commands import ActivateProtocol, Command
from oligami.trial.consent import Reconsent, reconsents
from oligami.trial.decide import decide
from oligami.trial.eligibility import Verdict, judge_stage
from oligami.trial.fold import advance
from oligami.trial.forms import ItemProblem, examine
from oligami.trial.refused import Refused
from oligami.trial.registration import casebook_of
from oligami.trial.schedule import PlannedVisit, planned_visits
from oligami.trial.state import FormState, Subject, Trial

#: Dates from which the schedule counts, by subject: `schedule.planned_visits` says which.
Anchors = Mapping[SubjectId, Mapping[str, date]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormImpact:
    """A form that the amendment touches: how often it was filled, and how often with a value in an item that changes."""

    touched: TouchedForm
    filled: int
    valued: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """A filled form whose values the new version would not take, or would ask a reason for; sound under its own version."""

    subject: SubjectId
    site: SiteId
    form: str
    occurrence: int
    title: Text
    errors: tuple[ItemProblem, ...]
    warnings: tuple[ItemProblem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejudged:
    """A registration that would be judged differently. `subject` is None for a refusal before the first registration.

    criteria: those whose verdict differs, with the verdicts then and now ("-" where a version has no such criterion).
    """

    subject: SubjectId | None
    site: SiteId
    stage: str
    on: date
    before: str
    after: str
    criteria: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A planned visit that would fall otherwise; None where a version does not plan it."""

    subject: SubjectId
    site: SiteId
    title: Text
    before: PlannedVisit | None
    after: PlannedVisit | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """What the amendment touches. subjects: those of the sites asked about, whoever is touched or not."""

    version: str
    subjects: int
    forms: tuple[FormImpact, ...]
    misfits: tuple[Misfit, ...]
    rejudged: tuple[Rejudged, ...]
    moved: tuple[Moved, ...]

    @property
    def touched(self) -> frozenset[SubjectId]:
        """The subjects for whom anything comes out otherwise."""
        named = [each.subject for part in (self.misfits, self.rejudged, self.moved) for each in part]
        return frozenset(subject for subject in named if subject is not None)


def impact(
    trial: Trial, new: Protocol, *, day: date, sites: Iterable[SiteId] | None = None, anchors: Anchors | None = None
) -> Impact:
    """Return what a new version would mean for the subjects of some sites (None: all).

    Args:
        trial: the trial as it stands.
        new: the amendment; it need not have been activated.
        day: from which it would rule; visits that are over by then do not move.
        sites: where it would rule.
        anchors: dates of each subject that the schedule counts from; the registrations alone where they are left out.

    Raises:
        ProtocolErrors: an expression of the amendment is refused.
    """
    rules = compile_protocol(new)
    subjects = _of_sites(trial, sites)
    touched = {form.form: form for form in touched_forms(trial.protocol, new)}
    filled = [(subject, form) for subject in subjects for form in subject.forms.values() if form.form in touched]
    forms = []
    for each in touched.values():
        states = [form for _, form in filled if form.form == each.form]
        valued = sum(any(item in form.values for item in each.items) for form in states)
        forms.append(FormImpact(touched=each, filled=len(states), valued=valued))
    asked = {each.form for each in touched.values() if each.items or each.checks or each.kind != "changed"}
    return Impact(
        version=new.version,
        subjects=len(subjects),
        forms=tuple(forms),
        misfits=tuple(_misfits(trial, rules, ((subject, form) for subject, form in filled if form.form in asked))),
        rejudged=tuple(_rejudge(trial, rules, subjects)),
        moved=tuple(_moves(trial, new, subjects, day, anchors or {})),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """An amendment tried on a copy of the trial.

    refused: why the activation or an adoption would be refused; then the rest is empty.
    records, forms: how many were read and examined again. refusals: registrations refused so far that would be judged otherwise.
    consents: those that would be due on the day. versions: what would rule each site on it.
    """

    version: str
    from_date: date
    records: int
    refused: tuple[Reason, ...] = ()
    forms: int = 0
    misfits: tuple[Misfit, ...] = ()
    rejudged: tuple[Rejudged, ...] = ()
    refusals: tuple[Rejudged, ...] = ()
    consents: tuple[Reconsent, ...] = ()
    versions: tuple[SiteVersion, ...] = ()

    @property
    def is_smooth(self) -> bool:
        """Whether it could be activated and nothing saved would be taken otherwise."""
        return not (self.refused or self.misfits or self.rejudged)


@dataclass(slots=True)
class _Copy:
    """A copy of a trial that goes on by itself."""

    trial: Trial
    stamp: Stamp
    reasons: list[Reason] = field(default_factory=list)

    def say(self, command: Command) -> None:
        try:
            said = decide(command, self.trial, self.stamp)
        except Refused as refused:
            self.reasons += [reason for reason in refused.reasons if reason not in self.reasons]
            return
        for entry in said:
            head, nothing = self.trial.head, "0" * 64
            made = Record(
                seq=head.seq + 1, stamp=self.stamp, entry=entry, salt="0" * 32, digest=nothing, previous=head.seal, seal=nothing
            )
            self.trial = advance(self.trial, made)


def rehearse(
    records: Iterable[Record],
    new: Protocol,
    *,
    trial: Trial,
    sites: Iterable[SiteId] | None,
    from_date: date,
    at: datetime,
    author: str = "rehearsal",
    role: str = "study_chair",
) -> Rehearsal:
    """Try an amendment on a copy: activate it, have the sites adopt it, and redo what was decided on what is saved.

    Args:
        records: the journal; only what was refused is read from it, for the trial does not keep the values of a refusal.
        new: the amendment.
        trial: the fold of the records.
        sites: those that would adopt it; None is every site at once.
        from_date: from when.
        at: the instant of the rehearsal, UTC.
        author: who rehearses.
        role: in which role.
    """
    only = None if sites is None else tuple(sorted(set(sites)))
    newest = trial.head.at
    stamp = Stamp(
        recorded_at=at if newest is None else max(at, newest), author=author, role=role, channel="simulation", command="0" * 32
    )
    copy = _Copy(trial, stamp)
    if new.version not in trial.study.per_site:
        copy.say(ActivateProtocol(protocol=new, per_site=True))
    if not copy.reasons:
        for site in (None,) if only is None else only:
            copy.say(e.ProtocolAdopted(site=site, version=new.version, from_date=from_date))
    if copy.reasons:
        reasons = tuple(copy.reasons)
        return Rehearsal(version=new.version, from_date=from_date, records=trial.head.seq, refused=reasons)
    rules = copy.trial.rules_of(new.version)
    subjects = _of_sites(trial, only)
    filled = [(subject, form) for subject in subjects for form in subject.forms.values()]
    return Rehearsal(
        version=new.version,
        from_date=from_date,
        records=trial.head.seq,
        forms=len(filled),
        misfits=tuple(_misfits(trial, rules, filled)),
        rejudged=tuple(_rejudge(trial, rules, subjects)),
        refusals=tuple(_rejudge_refusals(records, rules, only)),
        consents=reconsents(copy.trial, from_date, only),
        versions=versions_by_site(copy.trial, from_date),
    )


# ---------------------------------------------------------------- what both ask


def _of_sites(trial: Trial, sites: Iterable[SiteId] | None) -> list[Subject]:
    only = None if sites is None else frozenset(sites)
    return [subject for subject in trial.subjects.values() if only is None or subject.site in only]


def _misfits(trial: Trial, rules: Compiled, filled: Iterable[tuple[Subject, FormState]]) -> Iterator[Misfit]:
    """Yield the forms that the new version takes otherwise. An item that is new and required is not missed: it was not asked."""
    casebooks: dict[SubjectId, dict[str, object]] = {}
    for subject, state in filled:
        own = trial.rules_of(state.protocol_version)
        before, after = own.forms.get(state.form), rules.forms.get(state.form)
        if before is None or before is after:
            continue
        if after is None:
            text = Text("The new version has no such form", "新しい版にこの調査票はありません")
            gone = ItemProblem(item="", text=text, rule=f"forms.{state.form}")
            yield _misfit(subject, state, before.form.title, (gone,), ())
            continue
        if subject.id not in casebooks:
            casebooks = {subject.id: casebook_of(subject, rules)}  # one at a time: they are asked subject by subject
        found = examine(after, state.values, casebook=casebooks[subject.id], strict_required=False)
        if not found.errors and not found.warnings:
            continue
        known = examine(before, state.values, casebook=casebook_of(subject, own), strict_required=False)
        refused, warned = ({(each.item, each.rule) for each in part} for part in (known.errors, known.warnings))
        errors = tuple(each for each in found.errors if (each.item, each.rule) not in refused)
        warnings = tuple(each for each in found.warnings if (each.item, each.rule) not in warned)
        if errors or warnings:
            yield _misfit(subject, state, after.form.title, errors, warnings)


def _misfit(
    subject: Subject, state: FormState, title: Text, errors: tuple[ItemProblem, ...], warnings: tuple[ItemProblem, ...]
) -> Misfit:
    return Misfit(
        subject=subject.id,
        site=subject.site,
        form=state.form,
        occurrence=state.occurrence,
        title=title,
        errors=errors,
        warnings=warnings,
    )


def _rejudge(trial: Trial, rules: Compiled, subjects: Iterable[Subject]) -> Iterator[Rejudged]:
    """Yield the registrations of subjects without an arm that the new version would judge otherwise."""
    for subject in subjects:
        if subject.allocations:
            continue
        for stage in subject.stages.values():
            compiled = rules.stages.get(stage.stage)
            if stage.annulled or compiled is None:
                continue
            own = trial.rules_of(stage.protocol_version)
            values = subject.values(compiled.stage.form)
            before, after = judge_stage(own, stage.stage, values), judge_stage(rules, stage.stage, values)
            yield from _compare(subject.id, stage.site, stage.stage, stage.registration_date, before, after)


def _rejudge_refusals(records: Iterable[Record], rules: Compiled, sites: tuple[SiteId, ...] | None) -> Iterator[Rejudged]:
    for record in records:
        entry = record.entry
        if not isinstance(entry, e.RegistrationRefused) or (sites is not None and entry.site not in sites):
            continue
        if entry.stage in rules.stages:
            after = judge_stage(rules, entry.stage, entry.values)
            if after.verdict != entry.verdict:
                then = {str(each.get("rule")): str(each.get("verdict")) for each in entry.evidence}
                yield Rejudged(
                    subject=entry.subject,
                    site=entry.site,
                    stage=entry.stage,
                    on=record.stamp.recorded_at.date(),
                    before=entry.verdict,
                    after=after.verdict,
                    criteria=_changed(then, _by_rule(after)),
                )


def _compare(subject: SubjectId, site: SiteId, stage: str, on: date, before: Verdict, after: Verdict) -> Iterator[Rejudged]:
    criteria = _changed(_by_rule(before), _by_rule(after))
    # A new criterion that is met changes nothing for her.
    if before.verdict != after.verdict or any(now != "met" for _, _, now in criteria):
        yield Rejudged(
            subject=subject, site=site, stage=stage, on=on, before=before.verdict, after=after.verdict, criteria=criteria
        )


def _by_rule(verdict: Verdict) -> dict[str, str]:
    return {str(each.get("rule")): str(each.get("verdict")) for each in verdict.evidence()}


def _changed(then: Mapping[str, str], now: Mapping[str, str]) -> tuple[tuple[str, str, str], ...]:
    rules = dict.fromkeys((*now, *then))
    return tuple((rule, then.get(rule, "-"), now.get(rule, "-")) for rule in rules if then.get(rule) != now.get(rule))


def _moves(trial: Trial, new: Protocol, subjects: Iterable[Subject], day: date, anchors: Anchors) -> Iterator[Moved]:
    for subject in subjects:
        old = trial.rules_for(subject.site, day).protocol.schedule
        if old == new.schedule:
            continue
        arm = None if subject.allocation is None else subject.allocation.arm
        registered = {
            f"registration:{each.stage}": each.registration_date for each in subject.stages.values() if not each.annulled
        }
        dates = anchors.get(subject.id, registered)
        before, after = (
            {(each.activity, each.visit): each for each in planned_visits(schedule, dates, arm)}
            for schedule in (old, new.schedule)
        )
        for key in dict.fromkeys((*after, *before)):
            one, other = before.get(key), after.get(key)
            if _span(one) == _span(other) or all(_is_over(each, day) for each in (one, other) if each is not None):
                continue
            shown = other or one
            assert shown is not None  # the key is that of one of them
            yield Moved(subject=subject.id, site=subject.site, title=shown.title, before=one, after=other)


def _span(visit: PlannedVisit | None) -> tuple[date | None, date, date | None] | None:
    return None if visit is None else (visit.earliest, visit.target, visit.latest)


def _is_over(visit: PlannedVisit, day: date) -> bool:
    return (visit.latest or visit.target) < day
