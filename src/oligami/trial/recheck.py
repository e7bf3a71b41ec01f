"""Every decision of a journal redone: verdicts, tallies, probabilities and arms, and with the opened secret each draw."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from oligami.journal import entries as e
from oligami.journal.entries import Values
from oligami.journal.record import Record
from oligami.protocol.compile import Compiled
from oligami.protocol.model.forms import FormRole
from oligami.protocol.text import Text
from oligami.trial.allocation import allocate
from oligami.trial.casebook import corrected_factors
from oligami.trial.commands import Register
from oligami.trial.draws import commitment, draw, parse_secret
from oligami.trial.eligibility import judge_stage
from oligami.trial.fold import advance
from oligami.trial.forms import examine
from oligami.trial.registration import casebook_of, factors_of, prior_of, randomized, standing
from oligami.trial.state import Trial, subject_id

#: What a difference is about, in the trial's other language.
_ABOUT_JA: Mapping[str, str] = {
    "allocation": "割付",
    "arm": "割付群",
    "balancing factors": "割付調整因子",
    "block": "ブロック",
    "checks of the form": "調査票のチェック",
    "commitment": "コミットメント",
    "corrected balancing factors": "訂正後の割付調整因子",
    "criteria": "各規準の判定",
    "draw": "乱数",
    "evidence of the arm": "割付の根拠",
    "imbalance": "不均衡",
    "method": "割付方法",
    "number of the draw": "割付番号",
    "number of the subject": "症例番号",
    "place in the journal": "ジャーナルでの整合性",
    "probability": "割付確率",
    "protocol digest": "プロトコールのダイジェスト",
    "protocol version": "プロトコールの版",
    "published head": "公表されたヘッド",
    "refusal": "登録不可の判定",
    "right to register": "登録の可否",
    "secret": "秘密値",
    "tally": "集計",
    "values": "項目の値",
    "verdict": "適格性の判定",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """A decision that comes out otherwise today: in which record, about what, what the record says and what comes out.

    `record` is 0 for what belongs to no record: a secret handed in that the journal never committed to.
    """

    record: int
    about: str
    subject: str | None
    recorded: str
    redone: str

    @property
    def text(self) -> Text:
        """The difference as a sentence."""
        who = self.subject or "-"
        about = _ABOUT_JA.get(self.about, self.about)
        if self.record == 0:
            return Text(
                f"{self.about}: found {self.redone}, expected {self.recorded}",
                f"{about}: {self.redone} は {self.recorded} のいずれでもありません",
            )
        return Text(
            f"record {self.record} ({who}), {self.about}: the record says {self.recorded}, redone it is {self.redone}",
            f"記録 {self.record}（{who}）{about}: 記録は {self.recorded}、再計算は {self.redone}",
        )


@dataclass(slots=True)
class Recheck:
    """What was redone and what differs. `draws_checked` counts the draws recomputed from the opened secret."""

    registrations: int = 0
    refusals: int = 0
    allocations: int = 0
    draws_checked: int = 0
    forms: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


def recheck(
    records: Iterable[Record],
    *,
    secrets: Iterable[bytes] = (),
    progress: Callable[[int], None] | None = None,
) -> tuple[Recheck, Trial]:
    """Redo every decision of the records and return what differs, with the trial after them.

    Args:
        records: a whole journal in order.
        secrets: opened secrets; a draw is recomputed from the one its commitment names. Secrets that a `SecretOpened`
            entry holds are used without being handed in.
        progress: called with the number of each record.
    """
    found = Recheck()
    known = {commitment(secret): secret for secret in secrets}
    trial = Trial()
    unmatched = set(known)
    drawn: list[tuple[Record, e.Randomized, str, str]] = []
    seals: list[str] = []
    awaited: Record | None = None  # a registration that randomizes: the next record is its allocation
    for record in records:
        entry = record.entry
        if awaited is not None:
            found.differences.extend(_miss_allocation(awaited, entry))
            awaited = None
        seals.append(record.seal)
        match entry:
            case e.SecretCommitted():
                unmatched.discard(entry.commitment)
            case e.SecretOpened():
                opened = _read_opened(entry)
                if opened is None:
                    found.differences.append(Difference(record.seq, "secret", None, "opened", "not the one committed to"))
                else:
                    known.setdefault(entry.commitment, opened)
            case e.Registered():
                found.registrations += 1
                stage = _ruling(record, entry.site, trial).stages.get(entry.stage)
                awaited = record if stage is not None and stage.stage.randomizes else None
            case e.HeadPublished():
                there = seals[entry.record - 1] if 0 < entry.record <= len(seals) else "no such record"
                found.differences.extend(_differ(record, "published head", None, entry.seal, there))
            case e.RegistrationRefused():
                found.refusals += 1
            case e.Randomized():
                found.allocations += 1
                committed = trial.commitment(entry.k)
                if committed is None:
                    found.differences.append(Difference(record.seq, "commitment", entry.subject, _SOUND, "none in force"))
                else:
                    drawn.append((record, entry, committed.commitment, committed.protocol_digest))
                    found.differences.extend(
                        _differ(record, "protocol digest", entry.subject, entry.protocol_digest, committed.protocol_digest)
                    )
            case e.FormSubmitted():
                found.forms += 1
            case _:
                pass
        try:
            found.differences.extend(_redo(record, trial))
        except TypeError as error:  # an item is not of its type: its form's checks were told, nothing can be judged with it
            found.differences.append(Difference(record.seq, "values", getattr(entry, "subject", None), _SOUND, str(error)))
        try:
            trial = advance(trial, record)
        except ValueError as error:  # nothing after a record that has no place in the trial can be redone
            found.differences.append(Difference(record.seq, "place in the journal", None, _SOUND, str(error)))
            break
        if progress is not None:
            progress(record.seq)
    if awaited is not None:
        found.differences.extend(_miss_allocation(awaited, None))
    # Draws come last, because a secret may be opened long after the arms it drew.
    for record, entry, promised, digest in drawn:
        secret = known.get(promised)
        if secret is not None:
            found.draws_checked += 1
            found.differences.extend(_redo_draw(record, entry, secret, digest, trial.study.trial))
    promises = ", ".join(f"{each.commitment[:16]}…" for each in trial.study.commitments) or "-"
    for stray in sorted(unmatched):
        found.differences.append(Difference(0, "secret", None, promises, f"{stray[:16]}…"))
    return found, trial


#: What a record says by standing there: that nothing was against it.
_SOUND = "sound"


def _differ(record: Record, about: str, subject: str | None, recorded: object, redone: object) -> Iterator[Difference]:
    if recorded != redone:
        yield Difference(record.seq, about, subject, str(recorded), str(redone))


def _miss_allocation(registered: Record, following: e.Entry | None) -> Iterator[Difference]:
    """Registration and allocation are one act: tell when the allocation is not the record after the registration."""
    entry = registered.entry
    assert isinstance(entry, e.Registered)
    if not isinstance(following, e.Randomized) or following.subject != entry.subject:
        yield Difference(registered.seq, "allocation", entry.subject, "registered and randomized", "no allocation follows")


def _read_opened(entry: e.SecretOpened) -> bytes | None:
    """Return an opened secret, or None if it is not what was committed to."""
    try:
        secret = parse_secret(entry.secret)
    except ValueError:
        return None
    return secret if commitment(secret) == entry.commitment else None


def _ruling(record: Record, site: str, trial: Trial) -> Compiled:
    """Return the version that ruled a site when the record was made, from what stands before it."""
    return trial.rules_for(site, trial.day_of(record.stamp.recorded_at))


def _redo(record: Record, trial: Trial) -> Iterator[Difference]:
    """Redo what a record decided, on the trial before it.

    Raises:
        TypeError: an item that stands in the journal is not of its type.
    """
    match record.entry:
        case e.Registered() as entry:
            yield from _redo_registration(record, entry, trial)
        case e.RegistrationRefused() as entry:
            yield from _redo_refusal(record, entry, trial)
        case e.Randomized() as entry:
            yield from _redo_allocation(record, entry, trial)
        case e.FormSubmitted() as entry:
            yield from _redo_form(record, entry, trial)
        case e.ItemsCorrected() as entry:
            yield from _redo_correction(record, entry, trial)
        case _:
            pass


def _redo_registration(record: Record, entry: e.Registered, trial: Trial) -> Iterator[Difference]:
    """The stage's form stands one record before, so the trial holds the items the verdict was given on."""
    rules = _ruling(record, entry.site, trial)
    compiled, subject = rules.stages.get(entry.stage), trial.subjects.get(entry.subject)
    if compiled is None or subject is None:
        yield Difference(record.seq, "place in the journal", entry.subject, _SOUND, "no such stage, or no form before it")
        return
    stage = compiled.stage
    verdict = judge_stage(rules, entry.stage, subject.values(stage.form))
    yield from _differ(record, "verdict", entry.subject, "eligible", verdict.verdict)
    yield from _differ(record, "criteria", entry.subject, _verdicts(entry.evidence), _verdicts(verdict.evidence()))
    yield from _differ(record, "protocol version", entry.subject, entry.protocol_version, rules.protocol.version)
    filled = subject.forms[stage.form, 1].protocol_version if (stage.form, 1) in subject.forms else "-"
    yield from _differ(record, "protocol version", entry.subject, filled, rules.protocol.version)
    first = stage.follows is None
    if first:
        # Consent and form have brought the subject into being already, as the newest.
        yield from _differ(record, "number of the subject", entry.subject, entry.subject, subject_id(len(trial.subjects)))
    asked = Register(stage=stage.id, site=entry.site, values={}, subject=None if first else entry.subject)
    against = sorted({reason.rule for reason in standing(asked, stage, trial, subject, rules)})
    yield from _differ(record, "right to register", entry.subject, _SOUND, ", ".join(against) or _SOUND)


def _verdicts(evidence: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {str(each.get("rule")): str(each.get("verdict")) for each in evidence}


def _redo_refusal(record: Record, entry: e.RegistrationRefused, trial: Trial) -> Iterator[Difference]:
    rules = _ruling(record, entry.site, trial)
    yield from _differ(record, "protocol version", entry.subject, entry.protocol_version, rules.protocol.version)
    if entry.stage not in rules.stages:
        yield Difference(record.seq, "place in the journal", entry.subject, _SOUND, "no such stage")
        return
    verdict = judge_stage(rules, entry.stage, entry.values)
    recorded = (entry.verdict, tuple(entry.not_met), tuple(entry.unknown))
    yield from _differ(record, "refusal", entry.subject, recorded, (verdict.verdict, verdict.not_met, verdict.unknown))
    yield from _differ(record, "criteria", entry.subject, _verdicts(entry.evidence), _verdicts(verdict.evidence()))


def _redo_form(record: Record, entry: e.FormSubmitted, trial: Trial) -> Iterator[Difference]:
    subject = trial.subjects.get(entry.subject)
    rules = trial.rules_of(entry.protocol_version)
    compiled = rules.forms.get(entry.form)
    # The site of a registration stands in the next record, which holds the form's version against what ruled there.
    if subject is not None and (compiled is None or compiled.form.role is not FormRole.REGISTRATION):
        ruling = trial.version_for(subject.site, trial.day_of(record.stamp.recorded_at))
        yield from _differ(record, "protocol version", entry.subject, entry.protocol_version, ruling)
    yield from _examine_again(record, entry.subject, entry.form, entry.values, trial, rules)


def _redo_correction(record: Record, entry: e.ItemsCorrected, trial: Trial) -> Iterator[Difference]:
    subject = trial.subjects.get(entry.subject)
    state = subject.forms.get((entry.form, entry.occurrence)) if subject is not None else None
    if subject is None or state is None:
        return  # the fold says so
    after = {item: value for item, value in {**state.values, **entry.new}.items() if value is not None}
    ruling = _ruling(record, subject.site, trial)
    if entry.protocol_version not in ("", state.protocol_version):
        yield from _differ(record, "protocol version", entry.subject, entry.protocol_version, ruling.protocol.version)
    yield from _examine_again(record, entry.subject, entry.form, after, trial, trial.rules_of(entry.protocol_version))
    recorded = None if entry.factors is None else dict(entry.factors)
    redone = corrected_factors(subject, state, after, ruling)
    yield from _differ(record, "corrected balancing factors", entry.subject, recorded, redone)


def _examine_again(
    record: Record, subject: str, form: str, values: Values, trial: Trial, rules: Compiled
) -> Iterator[Difference]:
    compiled = rules.forms.get(form)
    if compiled is None:
        yield Difference(record.seq, "checks of the form", subject, _SOUND, f"no form {form}")
        return
    casebook = casebook_of(trial.subjects.get(subject), rules)
    examined = examine(compiled, values, casebook=casebook, strict_required=False)
    faults = ", ".join(sorted({problem.rule for problem in examined.errors}))
    yield from _differ(record, "checks of the form", subject, _SOUND, faults or _SOUND)


def _redo_allocation(record: Record, entry: e.Randomized, trial: Trial) -> Iterator[Difference]:
    subject = trial.subjects.get(entry.subject)
    if subject is None:
        return  # the fold says so
    rules = _ruling(record, subject.site, trial)
    factors = factors_of(rules, casebook_of(subject, rules), subject.site)
    yield from _differ(record, "balancing factors", entry.subject, dict(entry.factors), factors)
    yield from _differ(record, "number of the draw", entry.subject, entry.k, trial.allocated + 1)
    try:
        redone = allocate(rules.protocol.allocation, entry.factors, prior_of(trial), k=entry.k, u=entry.u)
    except ValueError as error:  # factors, number or draw that cannot be
        yield Difference(record.seq, "evidence of the arm", entry.subject, _SOUND, str(error))
        return
    again = randomized(entry.subject, entry.stage, entry.randomization_date, redone, entry.protocol_digest)
    method = (entry.method, entry.algorithm_version)
    yield from _differ(record, "method", entry.subject, method, (again.method, again.algorithm_version))
    yield from _differ(record, "arm", entry.subject, entry.arm, again.arm)
    yield from _differ(record, "tally", entry.subject, _plain(entry.tally), _plain(again.tally))
    yield from _differ(record, "imbalance", entry.subject, dict(entry.imbalance), dict(again.imbalance))
    yield from _differ(record, "probability", entry.subject, dict(entry.probability), dict(again.probability))
    yield from _differ(record, "block", entry.subject, dict(entry.detail), dict(again.detail))


def _plain(tally: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    return {factor: dict(counts) for factor, counts in tally.items()}


def _redo_draw(record: Record, entry: e.Randomized, secret: bytes, digest: str, trial: str) -> Iterator[Difference]:
    yield from _differ(record, "draw", entry.subject, entry.u, draw(secret, digest, trial, max(entry.k, 1)))
