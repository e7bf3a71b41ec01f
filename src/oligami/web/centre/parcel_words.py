"""What a site's copy says of itself."""

from oligami.web.centre.own import Counts, Scope

_README = """{trial}: 施設 {site} の全データの写し / all data of site {site}

------------------------------------------------------------ 日本語
この ZIP には、試験 {trial} の施設 {site} に関する全データが、記録 {through} の時点の状態で入っています。

  forms/*.csv       調査票ごとの現在の値（1 行 1 件）
  items.csv         項目の名称・型・単位
  subjects.csv      症例と登録日
  queries.csv       問合せと回答
  signatures.csv    署名（意味、署名時に表示された内容のダイジェスト、現在有効か）
  audit.csv         監査証跡（誰が、役割、UTC と現地時刻、経路、何を、変更前、変更後、理由、記録番号）
  journal.jsonl     試験全体の記録の連鎖（{records} 件）。他施設の記録と割付の計算根拠は本文を null とし、
                    ヘッドと封印はすべて残しています。本文があるのは {bodies} 件、貴施設の記録は {own} 件です。
  verify_journal.py 上の連鎖を検証するプログラム（Python のみで動作）

検証:  python verify_journal.py --partial journal.jsonl {through}:{seal}
「holds」と表示されれば、この写しはシステムの記録と一致し、1 バイトも変わっていません。
公表された先頭の封印（番号:封印）を末尾に指定すると、システム側の書き換えや切り取りも分かります。
ZIP 自体の SHA-256 は記録（ExportMade）に残り、画面に表示されます。
値が =、+、-、@ で始まるセルには、表計算ソフトが数式として実行しないよう ' を付けています。

------------------------------------------------------------ English
This archive holds all data of site {site} in trial {trial} as they stood at record {through}.

  forms/*.csv       the values of each form as they stand, one filled form a row
  items.csv         labels, kinds and units of the items
  subjects.csv      subjects and the dates of their registrations
  queries.csv       data queries and their answers
  signatures.csv    signatures: meaning, digest of what was shown, whether it still holds
  audit.csv         the audit trail: who, role, UTC and local time, channel, what, old, new, why, record number
  journal.jsonl     the whole chain of records of the trial ({records}). Bodies of other sites' records, and how arms were
                    drawn, are null; every head and seal is there. {bodies} bodies are there; {own} records are yours.
  verify_journal.py checks that chain; it needs nothing but Python

To check:  python verify_journal.py --partial journal.jsonl {through}:{seal}
"holds" means that this copy is what the system holds, to the byte. With a published head (NUMBER:SEAL) at the end instead
it also shows whether the system's records were rewritten or cut off since.
The SHA-256 of the archive stands in the record ExportMade and on the page.
A cell that begins with =, +, - or @ has a ' before it, so that no spreadsheet carries it out as a formula.
"""


def readme(trial: str, scope: Scope, through: int, counts: Counts) -> str:
    """Return the file that explains a copy, in both languages."""
    return _README.format(
        trial=trial,
        site=scope.site,
        through=through,
        records=counts.records,
        bodies=counts.bodies,
        own=counts.own,
        seal=counts.seal,
    )
