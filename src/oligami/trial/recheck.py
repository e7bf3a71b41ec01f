"""Every decision of a journal redone: verdicts, tallies, probabilities and arms, and with the opened secret each draw."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from oligami.journal import entries as e
from oligami.journal.record import Record
from oligami.protocol.text import Text
from oligami.trial.allocation import allocate
from oligami.trial.draws import commitment, draw
from oligami.trial.eligibility import judge_stage
from oligami.trial.fold import advance
from oligami.trial.forms import examine
from oligami.trial.registration import casebook_of, factors_of, prior_of
from oligami.trial.state import Trial


@dataclass(frozen=True, slots=True)
class Difference:
    """A decision that comes out otherwise today: in which record, about what, what the record says and what comes out."""

    record: int
    about: str
    subject: str | None
    recorded: str
    redone: str

    @property
    def text(self) -> Text:
        """The difference as a sentence."""
        who = self.subject or "-"
        return Text(
            f"record {self.record} ({who}), {self.about}: the record says {self.recorded}, redone it is {self.redone}",
            f"記録 {self.record}（{who}）{self.about}: 記録は {self.recorded}、再計算は {self.redone}",
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
    for record in records:
        entry = record.entry
        match entry:
            case e.SecretCommitted():
                unmatched.discard(entry.commitment)
            case e.SecretOpened():
                known.setdefault(entry.commitment, bytes.fromhex(entry.secret))
            case e.Registered():
                found.registrations += 1
                found.differences.extend(_redo_registration(record, entry, trial))
            case e.RegistrationRefused():
                found.refusals += 1
                found.differences.extend(_redo_refusal(record, entry, trial))
            case e.Randomized():
                found.allocations += 1
                found.differences.extend(_redo_allocation(record, entry, trial))
                committed = trial.commitment(entry.k)
                if committed is not None:
                    drawn.append((record, entry, committed.commitment, committed.protocol_digest))
            case e.FormSubmitted():
                found.forms += 1
                found.differences.extend(_redo_form(record, entry, trial))
            case _:
                pass
        trial = advance(trial, record)
        if progress is not None:
            progress(record.seq)
    # Draws come last, because a secret may be opened long after the arms it drew.
    for record, entry, promised, digest in drawn:
        secret = known.get(promised)
        if secret is not None:
            found.draws_checked += 1
            found.differences.extend(_redo_draw(record, entry, secret, digest, trial.study.trial))
    for stray in sorted(unmatched):
        found.differences.append(Difference(0, "secret", None, "no such commitment in the journal", f"commitment {stray[:16]}…"))
    return found, trial


def _differ(record: Record, about: str, subject: str | None, recorded: object, redone: object) -> Iterator[Difference]:
    if recorded != redone:
        yield Difference(record.seq, about, subject, str(recorded), str(redone))


def _redo_registration(record: Record, entry: e.Registered, trial: Trial) -> Iterator[Difference]:
    """The stage's form stands one record before, so the trial holds the items the verdict was given on."""
    rules = trial.rules
    stage = rules.protocol.stage(entry.stage)
    values = trial.subjects[entry.subject].values(stage.form)
    verdict = judge_stage(rules, entry.stage, values)
    yield from _differ(record, f"verdict of stage {entry.stage}", entry.subject, "eligible", verdict.verdict)
    yield from _differ(record, "protocol version", entry.subject, entry.protocol_version, rules.protocol.version)


def _redo_refusal(record: Record, entry: e.RegistrationRefused, trial: Trial) -> Iterator[Difference]:
    verdict = judge_stage(trial.rules, entry.stage, entry.values)
    about = f"refusal at stage {entry.stage}"
    recorded = (entry.verdict, tuple(entry.not_met), tuple(entry.unknown))
    yield from _differ(record, about, entry.subject, recorded, (verdict.verdict, verdict.not_met, verdict.unknown))


def _redo_form(record: Record, entry: e.FormSubmitted, trial: Trial) -> Iterator[Difference]:
    rules = trial.rules
    casebook = casebook_of(trial.subjects.get(entry.subject), rules)
    examined = examine(rules.forms[entry.form], entry.values, casebook=casebook, strict_required=False)
    faults = ", ".join(sorted({problem.rule for problem in examined.errors}))
    yield from _differ(record, f"checks of form {entry.form}", entry.subject, "", faults)


def _redo_allocation(record: Record, entry: e.Randomized, trial: Trial) -> Iterator[Difference]:
    rules = trial.rules
    subject = trial.subjects[entry.subject]
    factors = factors_of(rules, casebook_of(subject, rules), subject.site)
    yield from _differ(record, "balancing factors", entry.subject, dict(entry.factors), factors)
    yield from _differ(record, "number of the draw", entry.subject, entry.k, trial.allocated + 1)
    redone = allocate(rules.protocol.allocation, entry.factors, prior_of(trial), k=entry.k, u=entry.u)
    yield from _differ(record, "arm", entry.subject, entry.arm, redone.arm)
    yield from _differ(record, "tally", entry.subject, _plain(entry.tally), _plain(redone.tally))
    yield from _differ(record, "imbalance", entry.subject, dict(entry.imbalance), dict(redone.imbalance))
    yield from _differ(record, "probability", entry.subject, dict(entry.probability), dict(redone.probability))


def _plain(tally: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    return {factor: dict(counts) for factor, counts in tally.items()}


def _redo_draw(record: Record, entry: e.Randomized, secret: bytes, digest: str, trial: str) -> Iterator[Difference]:
    yield from _differ(record, "draw", entry.subject, entry.u, draw(secret, digest, trial, entry.k))
