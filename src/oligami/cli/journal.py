"""`oligami journal`: check a journal's chain and read its records.

Only the chain and the bare entries are looked at here; what follows from them is the business of `trial`, and the commands on it
(`recheck`, `redact`) stand in modules of their own that `cli.main` mounts beside these.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text as Rich

from oligami.journal.codec import ENTRY_TYPES, JournalError, encode
from oligami.journal.record import Record
from oligami.journal.store import FileJournal
from oligami.journal.verify import Verification, verify_file
from oligami.protocol.text import Language, Text

BROKEN = 2  # exit status of whatever is broken, missing or refused

app = typer.Typer(help="Check a journal and read its records.", no_args_is_help=True)

_File = Annotated[Path, typer.Argument(metavar="FILE", help="The journal's file (JSON lines).", show_default=False)]
_Lang = Annotated[Language, typer.Option("--lang", envvar="OLIGAMI_LANG", help="Language of the sentences.")]

_COLUMNS = (
    Text("record", "記録"),
    Text("instant (UTC)", "時刻 (UTC)"),
    Text("author", "入力者"),
    Text("channel", "経路"),
    Text("entry", "エントリ"),
    Text("subject", "症例"),
    Text("what it says", "内容"),
)

_LABELS: Mapping[str, Text] = {
    "ProtocolActivated": Text("protocol activated", "プロトコール発効"),
    "ProtocolAdopted": Text("protocol adopted", "プロトコール改訂版の採用"),
    "RecordRevised": Text("public record revised", "公開情報の改訂"),
    "SecretCommitted": Text("secret committed", "割付秘密値の封印"),
    "SecretOpened": Text("secret opened", "割付秘密値の開示"),
    "SiteOpened": Text("site opened", "施設開始"),
    "SiteClosed": Text("site closed", "施設終了"),
    "RoleGranted": Text("role granted", "役割付与"),
    "RoleRevoked": Text("role revoked", "役割取消"),
    "AccrualPaused": Text("accrual paused", "登録中断"),
    "AccrualResumed": Text("accrual resumed", "登録再開"),
    "CutTaken": Text("cut taken", "データカット"),
    "MonitoringDecided": Text("monitoring decided", "モニタリング判定"),
    "HeadPublished": Text("head published", "ヘッド公表"),
    "ExportMade": Text("export made", "データ出力"),
    "BodyRedacted": Text("body redacted", "本文の墨消し"),
    "ConsentGiven": Text("consent given", "同意取得"),
    "RegistrationRefused": Text("registration refused", "登録不可"),
    "Registered": Text("registered", "登録"),
    "Randomized": Text("randomized", "無作為割付"),
    "AllocationMarkedInError": Text("allocation marked in error", "割付の誤り指定"),
    "FormSubmitted": Text("form submitted", "調査票提出"),
    "ItemsCorrected": Text("items corrected", "項目訂正"),
    "QueryRaised": Text("query raised", "問合せ"),
    "QueryAnswered": Text("query answered", "問合せ回答"),
    "QueryClosed": Text("query closed", "問合せ終了"),
    "FormVerified": Text("form verified", "調査票の照合"),
    "FormSigned": Text("form signed", "調査票の署名"),
    "FormLocked": Text("form locked", "調査票の固定"),
    "FormUnlocked": Text("form unlocked", "調査票の固定解除"),
    "SafetyReported": Text("safety reported", "安全性報告"),
    "DeviationGraded": Text("deviation graded", "逸脱の判定"),
    "ConsentWithdrawn": Text("consent withdrawn", "同意撤回"),
    "RegistrationAnnulled": Text("registration annulled", "登録取消"),
}

_LONGEST = 60  # characters of one value in a readable line; --json shows all


def _printable(text: str) -> str:
    """Return `text` without characters that steer a terminal; what people typed must not."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def _refuse(error: JournalError, lang: Language) -> NoReturn:
    typer.echo(_printable(error.sentence(lang)), err=True)
    raise typer.Exit(BROKEN)


# ---------------------------------------------------------------- verify


def _verdict(file: Path, found: Verification) -> Text:
    """Return the one line that says what became of checking."""
    name = str(file)
    if found.problem is None:
        redacted = ", ".join(map(str, found.redacted))
        return Text(
            f"{name}: {found.records} records, chain unbroken, head {found.records}:{found.head_seal}, "
            + (f"bodies redacted: {redacted}" if redacted else "no body redacted"),
            f"{name}: 記録 {found.records} 件、連鎖に異常なし、ヘッド {found.records}:{found.head_seal}、"
            + (f"墨消しされた本文: {redacted}" if redacted else "墨消しなし"),
        )
    if found.first_broken is None:
        return Text(f"{name}: broken: {found.problem.en}", f"{name}: 異常あり: {found.problem.ja}")
    return Text(
        f"{name}: broken at record {found.first_broken}: {found.problem.en}",
        f"{name}: 記録 {found.first_broken} に異常あり: {found.problem.ja}",
    )


@app.command()
def verify(
    file: _File,
    head: Annotated[
        str | None, typer.Option(help="A published head, SEAL or NUMBER:SEAL, that must occur.", show_default=False)
    ] = None,
    lang: _Lang = "en",
) -> None:
    """Check every byte of a journal's chain; exit 2 and name the first record that does not hold.

    Without --head, records cut off at the end cannot be noticed: hold the journal against a receipt or a published head.
    """
    try:
        found = verify_file(file, head=head)
    except JournalError as error:
        _refuse(error, lang)
    typer.echo(_printable(_verdict(file, found)[lang]), err=not found.ok)
    for warning in found.warnings:
        typer.echo(("注意: " if lang == "ja" else "warning: ") + warning[lang], err=True)
    if not found.ok:
        raise typer.Exit(BROKEN)


# ---------------------------------------------------------------- show


def _value(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = _printable(text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _summary(payload: Mapping[str, Any]) -> str:
    """Return the fields of an encoded entry in one line; nested objects are spread one step."""
    parts = []
    for name, value in payload.items():
        if name in ("type", "v", "subject"):
            continue
        if isinstance(value, dict) and name != "protocol":
            inner = ", ".join(f"{_printable(key)} {_value(item)}" for key, item in value.items())
            parts.append(f"{name} {{{inner}}}")
        elif name == "protocol":
            parts.append("protocol {…}")
        else:
            parts.append(f"{name} {_value(value)}")
    return "; ".join(parts)


def _row(record: Record, lang: Language) -> tuple[str, ...]:
    payload = encode(record.entry) if record.entry is not None else {}
    stamp = record.stamp
    caller = f" ← {stamp.caller}" if stamp.caller else ""
    name = str(payload.get("type", ""))
    mark = "" if record.salt is not None else (" [墨消し]" if lang == "ja" else " [redacted]")
    cells = (
        str(record.seq),
        stamp.recorded_at.strftime("%Y-%m-%d %H:%M:%S"),
        f"{stamp.author} ({stamp.role}){caller}",
        stamp.channel,
        _LABELS[name][lang] + mark,
        str(payload.get("subject", "")),
    )
    return (*map(_printable, cells), _summary(payload))


def _table(lang: Language) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for place, column in enumerate(_COLUMNS):
        # Numbers, instants and names of things stay whole; the last column takes the rest of the screen.
        table.add_column(column[lang], overflow="fold", no_wrap=place in (0, 1, 3, 5))
    return table


def _json_line(record: Record) -> str:
    """Return a record as one line of JSON, with names of fields as in the journal's own format."""
    stamp = record.stamp
    return json.dumps(
        {
            "seq": record.seq,
            "at": stamp.recorded_at.isoformat().replace("+00:00", "Z"),
            "author": stamp.author,
            "role": stamp.role,
            "caller": stamp.caller,
            "channel": stamp.channel,
            "command": stamp.command,
            "seen": stamp.seen,
            "redacted": record.salt is None,
            "entry": None if record.entry is None else encode(record.entry),
            "seal": record.seal,
        },
        ensure_ascii=False,
    )


def _chosen(file: Path, subject: str | None, first: int, last: int | None, entry_type: str | None) -> Iterator[Record]:
    for record in FileJournal(file).records(last):
        if record.seq < first:
            continue
        if entry_type is not None and type(record.entry).__name__ != entry_type:
            continue
        if subject is not None and getattr(record.entry, "subject", None) != subject:
            continue
        yield record


@app.command()
def show(
    file: _File,
    subject: Annotated[str | None, typer.Option(help="Only this subject's records.", show_default=False)] = None,
    first: Annotated[int, typer.Option("--from", min=1, help="From this record on.")] = 1,
    last: Annotated[int | None, typer.Option("--to", min=1, help="Up to this record.", show_default=False)] = None,
    entry_type: Annotated[
        str | None, typer.Option("--type", help="Only this type of entry, such as FormSubmitted.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a record.")] = False,
    lang: _Lang = "en",
) -> None:
    """Print records as readable lines: a table on a screen, tab-separated when piped. Each is checked as it is read."""
    if entry_type is not None and entry_type not in ENTRY_TYPES:
        text = Text("{name} is not a type of entry; there are: {names}", "{name} というエントリ型はありません。あるもの: {names}")
        _refuse(JournalError(text.format(name=entry_type, names=", ".join(ENTRY_TYPES))), lang)
    table = _table(lang) if sys.stdout.isatty() and not as_json else None
    failure: JournalError | None = None
    shown = 0
    try:
        if not file.is_dir() and file.exists() and file.stat().st_size == 0:
            raise JournalError(Text("the journal holds no record", "ジャーナルに記録がありません"), file=str(file))
        for record in _chosen(file, subject, first, last, entry_type):
            shown += 1
            if as_json:
                typer.echo(_json_line(record))
            elif table is not None:
                table.add_row(*map(Rich, _row(record, lang)))
            else:
                typer.echo("\t".join(_row(record, lang)))
    except JournalError as error:
        failure = error
    if table is not None and shown:
        Console().print(table)
    if failure is not None:  # what holds is shown first, then where it stops
        _refuse(failure, lang)
    if not shown:
        typer.echo("該当する記録はありません" if lang == "ja" else "no record answers this", err=True)
