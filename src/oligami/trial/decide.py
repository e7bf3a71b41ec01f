"""Commands become entries, or are refused with all reasons. Nothing here reads a clock, a file or chance."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import date
from typing import TypeAlias, assert_never

from oligami.journal import entries as e
from oligami.journal.codec import canonical
from oligami.journal.record import Stamp
from oligami.protocol.digest import protocol_to_json
from oligami.protocol.problems import find_near_miss, shorten
from oligami.protocol.text import Reason, Text
from oligami.trial.adoption import check_adoption, check_amendment
from oligami.trial.allocation import check_rule
from oligami.trial.casebook import compare, correct_items, submit_form
from oligami.trial.commands import ActivateProtocol, Command, CorrectItems, Register, SubmitForm
from oligami.trial.draws import commitment as commitment_of
from oligami.trial.draws import parse_secret
from oligami.trial.record_paths import check_changes, revise
from oligami.trial.refused import Refused
from oligami.trial.registration import Draws, register
from oligami.trial.state import FormState, Subject, Trial

_NO_CHARACTER = re.compile("[\0\ud800-\udfff]")
#: Takes a rule and its sentence in both languages.
_Against: TypeAlias = Callable[[str, str, str], None]
_AboutSubject: TypeAlias = (
    e.ConsentGiven
    | e.AllocationMarkedInError
    | e.QueryRaised
    | e.QueryAnswered
    | e.QueryClosed
    | e.FormVerified
    | e.FormSigned
    | e.FormLocked
    | e.FormUnlocked
    | e.SafetyReported
    | e.DeviationGraded
    | e.ConsentWithdrawn
    | e.RegistrationAnnulled
)


def decide(command: Command, trial: Trial, stamp: Stamp, draws: Draws | None = None) -> tuple[e.Entry, ...]:
    """Return the entries that carry out a command.

    A registration whose verdict is not *eligible* gives one `RegistrationRefused`: it is recorded, not raised.

    Args:
        command: what is asked.
        trial: the trial as it stands, with the subject concerned.
        stamp: who asks, when, by which channel, having seen which record.
        draws: the committed draws; needed where an arm may be drawn.

    Raises:
        Refused: the command cannot be carried out now; every reason is in it.
        TypeError: this is no command: what the system says of its own (a verdict, an arm) cannot be asked for.
    """
    if type(command) not in _NAMES:
        raise TypeError(f"{type(command).__name__} is no command")
    problems = [*check_clock(trial, stamp), *_check_characters(command)]
    match command:
        case ActivateProtocol():
            return _activate(command, trial, stamp, problems)
        case _ if trial.study.protocol is None:
            text = Text("No protocol has been activated in this journal", "このジャーナルではプロトコールが有効化されていません")
            raise Refused(_name(command), [*problems, Reason("protocol.none", text)])
        case Register():
            subject = trial.subjects.get(command.subject) if command.subject else None
            if subject is not None:
                problems.extend(_seen(subject, stamp.seen))
            return register(command, trial, stamp, draws, problems)
        case SubmitForm():
            return submit_form(command, trial, stamp, problems)
        case CorrectItems():
            return correct_items(command, trial, stamp, problems)
        case _:
            problems.extend(_against(command, trial, stamp))
            if problems:
                raise Refused(_name(command), problems)
            return (command,)


#: What each command asks for, as a refusal names it.
_NAMES: Mapping[type, Text] = {
    ActivateProtocol: Text("Activation of a protocol", "プロトコールの有効化"),
    Register: Text("Registration", "登録"),
    SubmitForm: Text("Filling a form", "調査票の入力"),
    CorrectItems: Text("Correction of a form", "調査票の訂正"),
    e.ProtocolAdopted: Text("Adoption of a version of the protocol", "プロトコール改訂版の採用"),
    e.RecordRevised: Text("Revision of the public record", "公開登録情報の変更"),
    e.SecretCommitted: Text("Commitment of a secret of randomization", "割付用秘密値の登録"),
    e.SecretOpened: Text("Opening of a secret of randomization", "割付用秘密値の公開"),
    e.SiteOpened: Text("Opening of a site", "施設の開設"),
    e.SiteClosed: Text("Closing of a site", "施設の終了"),
    e.RoleGranted: Text("Granting of a role", "権限の付与"),
    e.RoleRevoked: Text("Revoking of a role", "権限の取消"),
    e.AccrualPaused: Text("Pause of accrual", "登録の一時停止"),
    e.AccrualResumed: Text("Resumption of accrual", "登録の再開"),
    e.CutTaken: Text("Cut of the data", "データカットの設定"),
    e.MonitoringDecided: Text("Decision on a cut", "データカットに対する判断の記録"),
    e.HeadPublished: Text("Publication of the journal's head", "ジャーナル先頭の公開"),
    e.ExportMade: Text("Export of data", "データの持ち出し"),
    e.ConsentGiven: Text("Consent", "同意の記録"),
    e.AllocationMarkedInError: Text("Marking of an allocation as made in error", "割付への誤り印の付与"),
    e.QueryRaised: Text("Data query", "問合せの発行"),
    e.QueryAnswered: Text("Answer to a data query", "問合せへの回答"),
    e.QueryClosed: Text("Closing of a data query", "問合せの終了"),
    e.FormVerified: Text("Verification of a form", "調査票の原資料照合"),
    e.FormSigned: Text("Signature of a form", "調査票への署名"),
    e.FormLocked: Text("Locking of a form", "調査票のロック"),
    e.FormUnlocked: Text("Unlocking of a form", "調査票のロック解除"),
    e.SafetyReported: Text("Expedited report", "緊急報告の記録"),
    e.DeviationGraded: Text("Grading of a deviation", "逸脱の区分"),
    e.ConsentWithdrawn: Text("Withdrawal of consent", "同意撤回の記録"),
    e.RegistrationAnnulled: Text("Annulment of a registration", "登録の取消"),
}


def _name(command: Command) -> Text:
    what = _NAMES[type(command)]
    subject = getattr(command, "subject", None)
    return Text(f"{what.en} ({subject})", f"{what.ja}（{subject}）") if subject else what


def check_clock(trial: Trial, stamp: Stamp) -> list[Reason]:
    """Refuse when the clock went back: an instant before the newest record cannot be."""
    newest = trial.head.at
    if newest is None or stamp.recorded_at >= newest:
        return []
    text = Text(
        f"The clock stands at {stamp.recorded_at:%Y-%m-%d %H:%M:%S} UTC, before the newest record ({newest:%Y-%m-%d %H:%M:%S}); "
        "nothing is recorded until it is right",
        f"時計（{stamp.recorded_at:%Y-%m-%d %H:%M:%S} UTC）が最新の記録（{newest:%Y-%m-%d %H:%M:%S}）より前です。時計が直るまで記録しません",
    )
    return [Reason("clock.back", text)]


def _seen(subject: Subject, seen: int | None) -> list[Reason]:
    """Refuse a registration when something was said of the subject that its author had not seen."""
    if seen is None or seen >= subject.seq:
        return []
    newer = sorted((form for form in subject.forms.values() if form.seq > seen), key=lambda form: form.seq)
    problems = [reason for form in newer for reason in compare(form, seen)]
    if not problems:
        text = Text(
            f"Record {subject.seq} about this subject is newer than what was shown (record {seen})",
            f"表示（記録 {seen}）より新しい記録 {subject.seq} があります",
        )
        problems.append(Reason("subject.changed_since", text))
    return problems


def _activate(command: ActivateProtocol, trial: Trial, stamp: Stamp, problems: list[Reason]) -> tuple[e.Entry, ...]:
    protocol = command.protocol
    what = Text(f"Activation of {protocol.id} {protocol.version}", f"{protocol.id} {protocol.version} の有効化")
    known = trial.study.versions.get(protocol.version)
    if trial.study.trial and trial.study.trial != protocol.id:
        text = Text(f"This journal belongs to trial {trial.study.trial}", f"このジャーナルは試験 {trial.study.trial} のものです")
        problems.append(Reason("protocol.other_trial", text))
    elif known is not None and known.digest != protocol.digest:
        text = Text(
            f"Version {protocol.version} is in force with digest {known.digest[:12]}; what changed needs a new version",
            f"版 {protocol.version} は既に有効です（{known.digest[:12]}）。変更には新しい版が必要です",
        )
        problems.append(Reason("protocol.frozen", text))
    elif known is not None and not (protocol.version in trial.study.per_site and not command.per_site):
        text = Text(f"Version {protocol.version} is in force already", f"版 {protocol.version} は既に有効です")
        problems.append(Reason("protocol.again", text))
    try:
        check_rule(protocol.allocation)
    except ValueError as fault:
        for line in str(fault).splitlines():
            problems.append(Reason("protocol.allocation", Text(line, f"割付規則の矛盾: {line}")))
    problems.extend(check_amendment(command, trial))
    committed: tuple[e.Entry, ...] = ()
    if command.commitment is not None:
        secret = e.SecretCommitted(commitment=command.commitment, from_k=trial.allocated + 1)
        problems.extend(_against(secret, trial, stamp))
        committed = (secret,)
    if problems:
        raise Refused(what, problems)
    activated = e.ProtocolActivated(
        trial=protocol.id,
        version=protocol.version,
        digest=protocol.digest,
        protocol=protocol_to_json(protocol),
        reason=command.reason,
        per_site=True if command.per_site else None,
    )
    return (activated, *committed)


def _against(command: Command, trial: Trial, stamp: Stamp) -> list[Reason]:
    """Return all that speaks against a command that is its own entry."""
    problems: list[Reason] = []

    def against(rule: str, en: str, ja: str) -> None:
        problems.append(Reason(rule, Text(en, ja)))

    study = trial.study
    match command:
        case ActivateProtocol() | Register() | SubmitForm() | CorrectItems():
            raise AssertionError("decided elsewhere")
        case e.ProtocolAdopted():
            problems.extend(check_adoption(command, trial, stamp))
        case e.SiteOpened():
            if not command.site.strip() or not command.name.strip():
                against("site.incomplete", "A site has an id and a name", "施設には番号と名称が必要です")
            if command.site in study.sites:
                against("site.again", f"Site {command.site} was opened before", f"施設 {command.site} は開設済みです")
        case e.SiteClosed():
            site = study.sites.get(command.site)
            if site is None:
                against("site.unknown", f"Site {command.site} has not been opened", f"施設 {command.site} は開設されていません")
            elif site.closed_at is not None:
                against("site.again", f"Site {command.site} is closed", f"施設 {command.site} は終了済みです")
            _needs_reason(command.reason, against)
        case e.SecretCommitted():
            if len(command.commitment) != 64 or set(command.commitment) - set("0123456789abcdef"):
                against("secret.form", "A commitment is a SHA-256 of 64 hexadecimal digits", "コミットメントは64桁の16進数です")
            if command.from_k != trial.allocated + 1:
                against(
                    "secret.from_k",
                    f"A commitment takes over from the next draw, {trial.allocated + 1}, not from {command.from_k}",
                    f"コミットメントは次の割付 {trial.allocated + 1} からです（指定 {command.from_k}）",
                )
            if any(known.commitment == command.commitment for known in study.commitments):
                against(
                    "secret.again",
                    "This commitment stands in the journal already; a new one needs a new secret",
                    "このコミットメントは登録済みです。新しい秘密値が必要です",
                )
        case e.SecretOpened():
            _check_opening(command, trial, against)
        case e.RoleRevoked():
            if (command.person, command.role, command.site) not in study.roles:
                against("role.none", "This role was not granted", "この権限は付与されていません")
        case e.RoleGranted():
            grant = (command.person, command.role, command.site)
            day = trial.day_of(stamp.recorded_at)
            if grant in study.roles and study.role_ends.get(grant, day) >= day:
                against("role.again", "This role is held already", "この権限は付与済みです")
            if command.until is not None and command.until < day:
                against("role.until", "The last day of the role is over already", "役割の最終日が既に過ぎています")
            if command.site is not None and command.site not in study.sites:
                against("site.unknown", f"Site {command.site} has not been opened", f"施設 {command.site} は開設されていません")
        case e.AccrualPaused():
            _check_stage(command.stage, trial, against)
            _needs_reason(command.reason, against)
            if command.stage in study.paused:
                against("accrual.paused", "Accrual is paused already", "登録は既に一時停止中です")
        case e.AccrualResumed():
            if command.stage not in study.paused:
                against("accrual.running", "Accrual is not paused", "登録は一時停止されていません")
            _needs_reason(command.reason, against)
        case e.CutTaken():
            if command.cut in study.cuts:
                against("cut.again", f"There is a cut {command.cut}", f"カット {command.cut} は既にあります")
            if not 0 <= command.through <= trial.head.seq:
                against(
                    "cut.through",
                    f"The journal ends at record {trial.head.seq}, before {command.through}",
                    f"ジャーナルは記録 {trial.head.seq} までです（指定 {command.through}）",
                )
        case e.MonitoringDecided():
            if command.cut not in study.cuts:
                against("cut.unknown", f"There is no cut {command.cut}", f"カット {command.cut} はありません")
        case e.HeadPublished():
            if not 0 < command.record <= trial.head.seq:
                against("head.record", "The journal has no such record", "該当する記録はありません")
            elif command.record == trial.head.seq and command.seal != trial.head.seal:
                against("head.seal", "The journal's newest record has another seal", "最新の記録の封印値と一致しません")
        case e.RecordRevised():
            if not command.changes:
                against("record.nothing", "No change is named", "変更内容がありません")
            problems.extend(check_changes(revise(trial.protocol.trial, study.record_changes), command.changes))
            _needs_reason(command.reason, against)
        case e.ExportMade():
            for word, text in (
                (command.what, Text("what is taken out", "持ち出す内容")),
                (command.purpose, Text("the purpose", "目的")),
                (command.recipient, Text("the recipient", "受領者")),
            ):
                if not word.strip():
                    against("export.incomplete", f"An export names {text.en}", f"持ち出しには{text.ja}の記載が必要です")
        case _:
            _against_subject(command, trial, stamp, against)
    return problems


def _check_opening(command: e.SecretOpened, trial: Trial, against: _Against) -> None:
    standing = [known for known in trial.study.commitments if known.commitment == command.commitment]
    if not standing:
        against("secret.unknown", "No such commitment stands in the journal", "該当するコミットメントはありません")
        return
    if standing[0].opened is not None:
        against("secret.opened", "This secret was opened before", "この秘密値は公開済みです")
    try:
        secret = parse_secret(command.secret)
    except ValueError:
        against("secret.form", "A secret is 64 hexadecimal digits", "秘密値は64桁の16進数です")
        return
    if commitment_of(secret) != command.commitment:
        against("secret.other", "This secret is not the one that was committed", "登録された秘密値と一致しません")


def _check_characters(command: Command) -> list[Reason]:
    """Refuse texts with characters that are none: not every database and program downstream can keep them."""
    if isinstance(command, ActivateProtocol) or not any(_NO_CHARACTER.search(text) for text in _texts(asdict(command))):
        return []
    text = Text(
        "A text has a character that cannot be written (a NUL, or half of a pair); delete it and type the text again",
        "文章に保存できない文字（NUL など）が含まれています。削除して入力し直してください",
    )
    return [Reason("text.characters", text)]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield str(key)
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)


def _check_stage(stage: str | None, trial: Trial, against: _Against) -> None:
    """Refuse a stage that the protocol does not have; None means all."""
    known = [each.id for each in trial.protocol.eligibility.stage]
    if stage is not None and stage not in known:
        listed = ", ".join(known)
        against("stage.unknown", f"There is no stage {stage}; there are: {listed}", f"段階 {stage} はありません（{listed}）")


def _check_day(day: date, stamp: Stamp, against: _Against) -> None:
    """Refuse a date ahead; a day's grace, because the instant is UTC and the date is the hospital's own."""
    today = stamp.recorded_at.date()
    if (day - today).days > 1:
        against("date.ahead", f"The date {day} lies after today ({today} UTC)", f"日付 {day} が本日（{today} UTC）より後です")


def _against_subject(command: _AboutSubject, trial: Trial, stamp: Stamp, against: _Against) -> None:
    subject = trial.subjects.get(command.subject)
    if subject is None:
        against(
            "subject.unknown", f"Subject {command.subject} is not in the trial", f"症例 {command.subject} は登録されていません"
        )
        return
    match command:
        case e.QueryRaised() | e.FormVerified() | e.FormSigned() | e.FormLocked() | e.FormUnlocked() | e.SafetyReported():
            state = subject.forms.get((command.form, command.occurrence))
            if state is None:
                _not_filled(command.form, command.occurrence, against)
            else:
                _against_form(command, state, subject, trial, stamp, against)
        case e.QueryAnswered() | e.QueryClosed():
            query = subject.queries.get(command.query)
            if query is None:
                against("query.unknown", f"There is no data query {command.query}", f"問合せ {command.query} はありません")
            elif query.status == "closed":
                against("query.closed", f"Data query {command.query} is closed", f"問合せ {command.query} は終了しています")
            if isinstance(command, e.QueryAnswered) and not command.text.strip():
                against("query.text", "An answer needs a text", "回答の文章が必要です")
        case e.AllocationMarkedInError():
            known = {allocation.k: allocation for allocation in subject.allocations}
            if command.k not in known:
                against("allocation.unknown", f"This subject has no allocation {command.k}", f"割付 {command.k} はありません")
            elif known[command.k].in_error:
                against(
                    "allocation.again",
                    f"Allocation {command.k} is marked in error already",
                    f"割付 {command.k} には既に誤り印が付いています",
                )
            _needs_reason(command.reason, against)
        case e.RegistrationAnnulled():
            if not subject.is_registered(command.stage):
                against("stage.none", "No registration of this stage stands", "この段階の登録はありません")
            _needs_reason(command.reason, against)
        case e.ConsentWithdrawn():
            _check_day(command.withdrawal_date, stamp, against)
            if any(known.scope == command.scope for known in subject.withdrawals):
                against("consent.again", "Consent of this scope was withdrawn before", "この範囲の同意は撤回済みです")
            if command.scope not in ("treatment", "follow_up", "use_of_data"):
                against(
                    "consent.scope",
                    f"Scope {command.scope} is none of treatment, follow_up, use_of_data",
                    f"範囲 {command.scope} は treatment, follow_up, use_of_data のいずれでもありません",
                )
        case e.DeviationGraded():
            rules = trial.rules_for(subject.site, trial.day_of(stamp.recorded_at))
            grades = {grade.id for grade in rules.protocol.safety.deviation_grade}
            if command.grade not in grades:
                listed = ", ".join(sorted(grades))
                against(
                    "deviation.grade",
                    f"Grade {command.grade} is none of {listed}",
                    f"区分 {command.grade} は {listed} のいずれでもありません",
                )
            if command.form is not None and (command.form, command.occurrence or 1) not in subject.forms:
                _not_filled(command.form, command.occurrence or 1, against)
            if not command.text.strip():
                against("deviation.text", "A deviation needs a description", "逸脱の内容の記載が必要です")
        case e.ConsentGiven():
            _check_day(command.consent_date, stamp, against)
            if not command.document.strip():
                against("consent.document", "A consent names its document", "同意文書の版の記載が必要です")
        case _:
            assert_never(command)


def _against_form(
    command: e.QueryRaised | e.FormVerified | e.FormSigned | e.FormLocked | e.FormUnlocked | e.SafetyReported,
    state: FormState,
    subject: Subject,
    trial: Trial,
    stamp: Stamp,
    against: _Against,
) -> None:
    match command:
        case e.QueryRaised():
            if command.query in subject.queries:
                against("query.again", f"There is a data query {command.query}", f"問合せ {command.query} は既にあります")
            if not command.query.strip() or not command.text.strip():
                against("query.text", "A data query needs a number and a text", "問合せには番号と文章が必要です")
            _check_item(command.item, state, trial, against)
        case e.FormSigned():
            if stamp.seen is not None and stamp.seen < state.seq:
                against(
                    "form.changed_since",
                    f"The form changed in record {state.seq}, after what was shown for signature",
                    f"表示後に記録 {state.seq} で変更されています",
                )
            if command.shown != shown_digest(state.values):
                against("signature.shown", "What was shown is not what is saved", "表示内容と保存内容が一致しません")
        case e.FormLocked():
            if state.locked:
                against("form.locked", "The form is locked already", "調査票は既にロックされています")
        case e.FormUnlocked():
            if not state.locked:
                against("form.unlocked", "The form is not locked", "調査票はロックされていません")
            _needs_reason(command.reason, against)
        case e.SafetyReported():
            _check_day(command.aware_date, stamp, against)
        case e.FormVerified():
            pass
        case _:
            assert_never(command)


def _check_item(item: str | None, state: FormState, trial: Trial, against: _Against) -> None:
    """Refuse an item that the form, as it was filled, does not have; of a row's field (`lesions[2].site`) the list is looked at."""
    compiled = trial.rules_of(state.protocol_version).forms.get(state.form)
    if item is None or compiled is None:
        return
    known = [each.id for each in compiled.form.item]
    name = item.split("[")[0].split(".")[0]
    if name not in known:
        near = find_near_miss(name, known)
        word = shorten(item)
        against(
            "item.unknown",
            f"The form has no item {word}" + (f". Did you mean {near}?" if near else ""),
            f"この調査票に項目 {word} はありません" + (f"。{near} ではありませんか" if near else ""),
        )


def _not_filled(form: str, occurrence: int, against: _Against) -> None:
    against(
        "form.not_filled",
        f"Form {form}, number {occurrence}, has not been filled",
        f"調査票 {form}（{occurrence} 回目）は未入力です",
    )


def _needs_reason(reason: str, against: _Against) -> None:
    if not reason.strip():
        against("reason.missing", "A reason is due", "理由が必要です")


def shown_digest(values: Mapping[str, object]) -> str:
    """Return the digest of a form's values as a signature holds it: SHA-256 over their canonical JSON."""
    return hashlib.sha256(canonical(dict(values))).hexdigest()
