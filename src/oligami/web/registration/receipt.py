"""The receipt of a registration: what the journal's own records say of it, and the seals by which anybody can hold the journal to it.

Everything is read back from the committed records. Of a record only its head is given out: the head is what the seal seals, and
tells nothing of the draw. `docs/reference/verify_journal.py JOURNAL NUMBER:SEAL` shows whether a journal still has the record.
"""

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from oligami.journal import entries as e
from oligami.journal.record import Stamp
from oligami.protocol.model.record import Arm
from oligami.protocol.text import Language, Text
from oligami.trial.state import Subject, Trial
from oligami.web.clock import local_zone
from oligami.web.desk import Desk


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedRecord:
    """A record of the act: its number, what kind of entry it is, the bytes of its head, and their SHA-256."""

    number: int
    kind: str
    head: str
    seal: str

    @property
    def name(self) -> str:
        """The record as the verifier takes it."""
        return f"{self.number}:{self.seal}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationReceipt:
    """A registration as recorded. `arm` is None if the stage draws none, or if it may not be shown to the reader."""

    trial: str
    subject: str
    stage: str
    title: Text
    site: str
    site_name: str
    registration_date: date
    stamp: Stamp
    version: str
    digest: str
    randomizes: bool
    arm: Arm | None
    annulled: bool
    in_error: bool
    records: tuple[SealedRecord, ...]

    @property
    def record(self) -> SealedRecord:
        """The record of the registration itself."""
        return next(record for record in self.records if record.kind == "Registered")

    @property
    def last(self) -> SealedRecord:
        """The last record of the act: its seal covers the whole journal up to it."""
        return self.records[-1]

    @property
    def instant(self) -> datetime:
        """When it was recorded, in UTC."""
        return self.stamp.recorded_at


def read_receipt(desk: Desk, trial: Trial, subject: Subject, stage_id: str, *, with_arm: bool) -> RegistrationReceipt | None:
    """Return the receipt of a subject's registration at a stage; None if there was none.

    Args:
        desk: of the trial.
        trial: the trial as it stands.
        subject: the subject.
        stage_id: the registration.
        with_arm: whether the reader may see the arm.

    Raises:
        JournalError: a record does not hold.
    """
    state = subject.stages.get(stage_id)
    if state is None:
        return None
    protocol = trial.rules_of(state.protocol_version).protocol
    row = next(desk.journal.rows(after=state.seq - 1, through=state.seq))
    said = desk.journal.of_command(row.command)  # checked: seal, digest and place
    numbers = [record.seq for record in said]
    rows = {each.seq: each for each in desk.journal.rows(after=numbers[0] - 1, through=numbers[-1])}
    drawn = next(
        (record.entry for record in said if isinstance(record.entry, e.Randomized) and record.entry.stage == stage_id), None
    )
    site = trial.study.sites.get(state.site)
    return RegistrationReceipt(
        trial=trial.study.trial,
        subject=subject.id,
        stage=stage_id,
        title=protocol.stage(stage_id).title,
        site=state.site,
        site_name=site.name if site is not None else state.site,
        registration_date=state.registration_date,
        stamp=said[0].stamp,
        version=state.protocol_version,
        digest=protocol.digest,
        randomizes=drawn is not None,
        arm=protocol.arm(drawn.arm) if drawn is not None and with_arm else None,
        annulled=state.annulled,
        in_error=drawn is not None and any(one.k == drawn.k and one.in_error for one in subject.allocations),
        records=tuple(
            SealedRecord(
                number=record.seq,
                kind=type(record.entry).__name__,
                head=rows[record.seq].head.decode(),
                seal=rows[record.seq].seal.decode(),
            )
            for record in said
        ),
    )


def as_json(receipt: RegistrationReceipt) -> dict[str, Any]:
    """Return the receipt as plain JSON values. The SHA-256 of each `head`, as written, is its `seal`."""
    return {
        "trial": receipt.trial,
        "subject": receipt.subject,
        "stage": receipt.stage,
        "title": {"en": receipt.title.en, "ja": receipt.title.ja},
        "site": receipt.site,
        "registration_date": receipt.registration_date.isoformat(),
        "recorded_at": receipt.instant.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "recorded_by": receipt.stamp.author,
        "role": receipt.stamp.role,
        "channel": receipt.stamp.channel,
        **({} if receipt.stamp.caller is None else {"caller": receipt.stamp.caller}),
        **({} if receipt.arm is None else {"arm": receipt.arm.id}),
        "annulled": receipt.annulled,
        "protocol": {"version": receipt.version, "digest": receipt.digest},
        "records": [{"number": one.number, "entry": one.kind, "head": one.head, "seal": one.seal} for one in receipt.records],
        "head": receipt.last.name,
        "verify": f"python verify_journal.py JOURNAL {receipt.last.name}",
    }


def as_text(receipt: RegistrationReceipt, language: Language) -> str:
    """Return the receipt as lines of plain text in one language."""
    local = receipt.instant.astimezone(local_zone())
    lines: list[tuple[Text, str]] = [
        (Text("Trial", "試験"), receipt.trial),
        (Text("Subject", "症例番号"), receipt.subject),
        (Text("Registration", "登録"), receipt.title[language]),
        (Text("Site", "施設"), f"{receipt.site} {receipt.site_name}"),
        (Text("Date of registration", "登録日"), receipt.registration_date.isoformat()),
        (Text("Recorded at", "記録日時"), f"{local:%Y-%m-%d %H:%M:%S %Z} ({receipt.instant:%Y-%m-%dT%H:%M:%SZ})"),
        (Text("Recorded by", "記録者"), f"{receipt.stamp.author} ({receipt.stamp.role})"),
        (Text("Channel", "経路"), receipt.stamp.channel),
    ]
    if receipt.stamp.caller is not None:
        lines.append((Text("Caller", "連絡者"), receipt.stamp.caller))
    if receipt.arm is not None:
        lines.append((Text("Arm", "割付群"), receipt.arm.title[language]))
    if receipt.annulled:
        lines.append((Text("State", "状態"), Text("annulled since", "この登録は取り消されています")[language]))
    lines.append((Text("Protocol", "実施計画書"), f"{receipt.version} (sha256 {receipt.digest})"))
    words = [f"{label[language]}: {value}" for label, value in lines]
    for one in receipt.records:
        words += ["", f"{Text('Record', '記録')[language]} {one.number} {one.kind}", f"head: {one.head}", f"seal: {one.seal}"]
    words += [
        "",
        Text(
            "The SHA-256 of each head, as written, is its seal. To hold the journal to this receipt:",
            "各 head の文字列そのものの SHA-256 が seal です。ジャーナルとの照合:",
        )[language],
        f"python verify_journal.py JOURNAL {receipt.last.name}",
        "",
    ]
    return "\n".join(words)


def dump_json(receipt: RegistrationReceipt) -> str:
    """Return the receipt as a JSON text, readable by people."""
    return json.dumps(as_json(receipt), ensure_ascii=False, indent=1) + "\n"
