"""What is asked of an act of the data centre before it goes to the desk, by page and by program alike."""

import re
from collections.abc import Iterator

from oligami.journal import entries as e
from oligami.protocol.text import Reason, Text
from oligami.trial import rights
from oligami.trial.commands import Command
from oligami.trial.refused import Refused
from oligami.web.pages.here import Here

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
#: The words that a committee decides with; `release` opens results by arm (`rights.is_released`).
DECISIONS: dict[str, Text] = {
    "continue": Text("continue as planned", "予定どおり継続"),
    "modify": Text("continue with changes", "変更のうえ継続"),
    "pause": Text("pause accrual", "登録の一時停止"),
    "stop": Text("stop the trial", "試験の中止"),
    "release": Text("release the results by arm", "群別結果の公開"),
}


def check(command: Command, here: Here) -> None:
    """Refuse what the core would take over though it can only be a slip.

    Raises:
        Refused: with all reasons; nothing was written.
    """
    reasons = tuple(_against(command, here))
    if reasons:
        raise Refused(rights.name_of(command, here.trial), reasons)


def _against(command: Command, here: Here) -> Iterator[Reason]:
    match command:
        case e.SiteOpened():
            if _ID.fullmatch(command.site) is None:
                yield _id_of("site.id", "A site", "施設番号")
            if not command.name.strip():
                yield Reason("site.name", Text("A site has a name", "施設名を入力してください"))
        case e.CutTaken():
            if _ID.fullmatch(command.cut) is None:
                yield _id_of("cut.id", "A cut", "カットの名前")
            if not command.purpose.strip():
                yield Reason("cut.purpose", Text("Say what the cut is for", "カットの目的を入力してください"))
            if command.up_to > here.today:
                text = Text(
                    f"The date {command.up_to} lies ahead; a cut looks back",
                    f"日付 {command.up_to} は未来です。過去の日付にしてください",
                )
                yield Reason("cut.ahead", text)
        case e.MonitoringDecided():
            if command.decision not in DECISIONS:
                listed = ", ".join(DECISIONS)
                yield Reason("cut.decision", Text(f"A decision is one of {listed}", f"判断は {listed} のいずれかです"))
        case e.HeadPublished():
            if not command.where.strip():
                yield Reason("head.where", Text("Say where the head was published", "公開先を入力してください"))
            if 0 < command.record <= here.trial.head.seq and command.seal != seal_of(here, command.record):
                # Once written, it would tell every checker that the chain was rewritten.
                text = Text(
                    f"Record {command.record} has another seal; copy number and seal together",
                    f"記録 {command.record} の封印と一致しません。番号と封印を組で写してください",
                )
                yield Reason("head.seal", text)


def _id_of(rule: str, en: str, ja: str) -> Reason:
    text = Text(
        f"{en} is named by up to 40 letters, digits, dots, dashes and underscores, the first a letter or digit",
        f"{ja}は半角英数字で始まる 40 字以内の半角英数字・. - _ です",
    )
    return Reason(rule, text)


def seal_of(here: Here, record: int) -> str:
    """Return the seal of a record; empty if there is none."""
    for row in here.desk.journal.rows(after=record - 1, through=record):
        return row.seal.decode("ascii")
    return ""
