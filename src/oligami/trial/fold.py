"""Records become the trial: a pure fold that takes over what was decided and never decides again."""

import json
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import assert_never

from oligami.journal import entries as e
from oligami.journal.codec import canonical
from oligami.journal.record import Record
from oligami.protocol.digest import protocol_from_json
from oligami.protocol.model.protocol import Protocol
from oligami.trial.record_paths import carry_over
from oligami.trial.state import (
    AllocationState,
    Change,
    Commitment,
    Deviation,
    FormState,
    Growing,
    Head,
    QueryState,
    Refusal,
    SafetyReport,
    SiteState,
    StageState,
    Subject,
    Trial,
    Withdrawal,
)


def fold(records: Iterable[Record], trial: Trial | None = None) -> Trial:
    """Return the trial as it stands after the records, going on from `trial` if given."""
    start = trial if trial is not None else Trial()
    # Over many records the subjects grow in one mapping of the fold's own; copying it for each would cost more than the rest.
    state = replace(start, subjects=Growing(start.subjects))
    for record in records:
        state = advance(state, record)
    return replace(state, subjects=dict(state.subjects))


def advance(trial: Trial, record: Record) -> Trial:
    """Return the trial after one more record.

    A redacted record arrives with the remainder of its entry, so a fold sees all but the removed text.

    Raises:
        ValueError: the record does not follow the trial's head, or speaks of a subject or form that does not exist.
    """
    if record.seq != trial.head.seq + 1:
        raise ValueError(f"record {record.seq} does not follow record {trial.head.seq}")
    try:
        return _advance(trial, record)
    except KeyError as missing:
        raise ValueError(f"record {record.seq} speaks of {missing}, which is not in the trial") from missing


def _advance(trial: Trial, record: Record) -> Trial:
    head = Head(record.seq, record.seal, record.stamp.recorded_at)
    entry = record.entry
    match entry:
        case e.FormSubmitted() | e.FormSigned() | e.FormLocked():  # nine in ten records: asked for first
            return trial.with_subject(_advance_subject(_subject(trial, entry), entry, record), head)
        case None:
            return replace(trial, head=head)
        case (
            e.ProtocolActivated()
            | e.ProtocolAdopted()
            | e.RecordRevised()
            | e.SecretCommitted()
            | e.SecretOpened()
            | e.SiteOpened()
            | e.SiteClosed()
            | e.RoleGranted()
            | e.RoleRevoked()
            | e.AccrualPaused()
            | e.AccrualResumed()
            | e.CutTaken()
            | e.MonitoringDecided()
            | e.HeadPublished()
            | e.ExportMade()
            | e.BodyRedacted()
        ):
            return _advance_study(trial, entry, record, head)
        case e.RegistrationRefused():
            refusal = Refusal(
                entry.stage,
                entry.site,
                entry.subject,
                record.stamp.recorded_at,
                entry.verdict,
                tuple(entry.not_met),
                tuple(entry.unknown),
            )
            after = replace(trial, refusals=(*trial.refusals, refusal), head=head)
            if entry.subject is None:
                return after
            return after.with_subject(replace(trial.subjects[entry.subject], seq=record.seq), head)
        case e.Randomized():
            after = replace(trial, allocated=max(trial.allocated, entry.k))
            return after.with_subject(_advance_subject(_subject(trial, entry), entry, record), head)
        case _:
            return trial.with_subject(_advance_subject(_subject(trial, entry), entry, record), head)


@lru_cache(maxsize=16)
def _protocol(canonical_json: bytes) -> Protocol:
    return protocol_from_json(json.loads(canonical_json))


def _advance_study(trial: Trial, entry: e.TrialEntry, record: Record, head: Head) -> Trial:
    study = trial.study
    match entry:
        case e.ProtocolActivated():
            protocol = _protocol(canonical(entry.protocol))
            versions = {**study.versions, entry.version: protocol}
            if entry.per_site:
                return trial.with_study(head, versions=versions, per_site=(*study.per_site, entry.version))
            # What is adopted site by site and newer than the version now in force everywhere goes on beside it.
            changes = study.record_changes
            if study.protocol is not None:
                changes = carry_over(changes, study.protocol.trial, protocol.trial)
            newer = study.per_site.index(entry.version) + 1 if entry.version in study.per_site else len(study.per_site)
            return trial.with_study(
                head,
                trial=entry.trial,
                protocol=protocol,
                versions=versions,
                per_site=study.per_site[newer:],
                record_changes=changes,
                activated_at=study.activated_at or record.stamp.recorded_at,
                simulated=study.simulated or record.stamp.channel == "simulation",
            )
        case e.ProtocolAdopted():
            return trial.with_study(head, adoptions={**study.adoptions, (entry.version, entry.site): entry.from_date})
        case e.RecordRevised():
            return trial.with_study(head, record_changes=(*study.record_changes, entry.changes))
        case e.SecretCommitted():
            commitment = Commitment(entry.commitment, entry.from_k, trial.protocol.digest)
            return trial.with_study(head, commitments=(*study.commitments, commitment))
        case e.SecretOpened():
            opened = tuple(
                replace(known, opened=entry.secret) if known.commitment == entry.commitment else known
                for known in study.commitments
            )
            return trial.with_study(head, commitments=opened)
        case e.SiteOpened():
            site = SiteState(entry.site, entry.name, entry.fictitious, record.stamp.recorded_at)
            return trial.with_study(head, sites={**study.sites, entry.site: site})
        case e.SiteClosed():
            closed = replace(study.sites[entry.site], closed_at=record.stamp.recorded_at)
            return trial.with_study(head, sites={**study.sites, entry.site: closed})
        case e.RoleGranted():
            grant = (entry.person, entry.role, entry.site)
            ends = {held: day for held, day in study.role_ends.items() if held != grant}
            if entry.until is not None:
                ends[grant] = entry.until
            return trial.with_study(head, roles=study.roles | {grant}, role_ends=ends)
        case e.RoleRevoked():
            grant = (entry.person, entry.role, entry.site)
            ends = {held: day for held, day in study.role_ends.items() if held != grant}
            return trial.with_study(head, roles=study.roles - {grant}, role_ends=ends)
        case e.AccrualPaused():
            return trial.with_study(head, paused=study.paused | {entry.stage})
        case e.AccrualResumed():
            return trial.with_study(head, paused=study.paused - {entry.stage})
        case e.CutTaken():
            return trial.with_study(head, cuts={**study.cuts, entry.cut: (entry.through, entry.up_to, entry.purpose)})
        case e.MonitoringDecided():
            return trial.with_study(head, decisions=(*study.decisions, (entry.cut, entry.decision, entry.text)))
        case e.HeadPublished():
            return trial.with_study(head, published=(*study.published, (entry.record, entry.seal, entry.where)))
        case e.ExportMade():
            return trial.with_study(head, exports=study.exports + 1)
        case e.BodyRedacted():
            return trial.with_study(head, redacted=study.redacted | {entry.record})
        case _:
            assert_never(entry)


def _subject(trial: Trial, entry: e.SubjectEntry) -> Subject:
    """Return the subject an entry speaks of; a consent or a first form brings a new one into being."""
    subject_id = entry.subject
    assert subject_id is not None  # only a refusal may lack a subject, and it was handled before
    subject = trial.subjects.get(subject_id)
    if subject is not None:
        return subject
    if isinstance(entry, (e.ConsentGiven, e.FormSubmitted, e.Registered)):
        return Subject(subject_id, "", 0)
    raise ValueError(f"{type(entry).__name__} speaks of subject {subject_id}, who is not in the trial")


def _advance_subject(subject: Subject, entry: e.SubjectEntry, record: Record) -> Subject:
    match entry:
        case e.FormSubmitted():
            form = FormState(
                entry.form,
                entry.occurrence,
                entry.values,
                entry.visit,
                record.seq,
                record.stamp.recorded_at,
                entry.protocol_version,
                warnings=tuple(entry.warnings),
            )
            return _with_form(subject, form, record.seq)
        case e.ItemsCorrected():
            return _correct(subject, entry, record)
        case e.FormVerified():
            return _touch(subject, entry, record, verified_seq=record.seq)
        case e.FormSigned():
            return _touch(subject, entry, record, signed_seq=record.seq)
        case e.FormLocked():
            return _touch(subject, entry, record, locked=True)
        case e.FormUnlocked():
            return _touch(subject, entry, record, locked=False)
        case e.ConsentGiven():
            consents = (*subject.consents, (entry.document, entry.consent_date))
            return replace(subject, consents=consents, seq=record.seq)
        case e.Registered():
            stage = StageState(entry.stage, entry.site, entry.registration_date, entry.protocol_version, record.seq)
            return replace(subject, site=entry.site, stages={**subject.stages, entry.stage: stage}, seq=record.seq)
        case e.RegistrationRefused():
            return replace(subject, seq=record.seq)
        case e.Randomized():
            allocation = AllocationState(
                entry.subject,
                entry.stage,
                entry.arm,
                entry.k,
                entry.randomization_date,
                entry.factors,
                entry.factors,
                entry.detail,
            )
            return replace(subject, allocations=(*subject.allocations, allocation), seq=record.seq)
        case e.AllocationMarkedInError():
            marked = tuple(replace(known, in_error=True) if known.k == entry.k else known for known in subject.allocations)
            return replace(subject, allocations=marked, seq=record.seq)
        case e.QueryRaised():
            query = QueryState(entry.query, entry.form, entry.occurrence, entry.item, entry.text, record.stamp.recorded_at)
            return replace(subject, queries={**subject.queries, entry.query: query}, seq=record.seq)
        case e.QueryAnswered():
            answered = replace(subject.queries[entry.query], status="answered", answer=entry.text)
            return replace(subject, queries={**subject.queries, entry.query: answered}, seq=record.seq)
        case e.QueryClosed():
            closed = replace(subject.queries[entry.query], status="closed")
            return replace(subject, queries={**subject.queries, entry.query: closed}, seq=record.seq)
        case e.SafetyReported():
            report = SafetyReport(
                entry.form,
                entry.occurrence,
                entry.report,
                entry.category,
                entry.aware_date,
                record.stamp.recorded_at,
            )
            return replace(subject, reports=(*subject.reports, report), seq=record.seq)
        case e.DeviationGraded():
            deviation = Deviation(entry.rule, entry.grade, entry.text, entry.form, entry.occurrence)
            return replace(subject, deviations=(*subject.deviations, deviation), seq=record.seq)
        case e.ConsentWithdrawn():
            withdrawal = Withdrawal(entry.scope, entry.withdrawal_date, entry.reason)
            return replace(subject, withdrawals=(*subject.withdrawals, withdrawal), seq=record.seq)
        case e.RegistrationAnnulled():
            annulled = replace(subject.stages[entry.stage], annulled=True)
            return replace(subject, stages={**subject.stages, entry.stage: annulled}, seq=record.seq)
        case _:
            assert_never(entry)


def _with_form(subject: Subject, form: FormState, seq: int) -> Subject:
    forms = {**subject.forms, (form.form, form.occurrence): form}
    return Subject(
        subject.id,
        subject.site,
        seq,
        subject.stages,
        forms,
        subject.allocations,
        subject.consents,
        subject.queries,
        subject.withdrawals,
        subject.reports,
        subject.deviations,
    )


def _touch(
    subject: Subject,
    entry: e.FormVerified | e.FormSigned | e.FormLocked | e.FormUnlocked,
    record: Record,
    *,
    verified_seq: int | None = None,
    signed_seq: int | None = None,
    locked: bool | None = None,
) -> Subject:
    form = subject.forms[entry.form, entry.occurrence]
    after = FormState(
        form.form,
        form.occurrence,
        form.values,
        form.visit,
        form.seq,
        form.submitted_at,
        form.protocol_version,
        form.changes,
        form.warnings,
        form.verified_seq if verified_seq is None else verified_seq,
        form.signed_seq if signed_seq is None else signed_seq,
        form.locked if locked is None else locked,
    )
    return _with_form(subject, after, record.seq)


def _correct(subject: Subject, entry: e.ItemsCorrected, record: Record) -> Subject:
    form = subject.forms[entry.form, entry.occurrence]
    values = {**form.values, **entry.new}
    stamp = record.stamp
    change = Change(
        seq=record.seq,
        at=stamp.recorded_at,
        author=stamp.author,
        role=stamp.role,
        old=entry.old,
        new=entry.new,
        reason=entry.reason,
    )
    after = replace(
        form,
        values={item: value for item, value in values.items() if value is not None},
        seq=record.seq,
        changes=(*form.changes, change),
        warnings=tuple(entry.warnings),
        protocol_version=entry.protocol_version or form.protocol_version,
    )
    corrected = _with_form(subject, after, record.seq)
    if entry.factors is None:
        return corrected
    allocations = tuple(known if known.in_error else replace(known, factors=entry.factors) for known in subject.allocations)
    return replace(corrected, allocations=allocations)
