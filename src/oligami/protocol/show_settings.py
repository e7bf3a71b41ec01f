"""The agenda of the study office: every rule that is ours and not the protocol's, with its title, the value in force and why."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from oligami.protocol.model.common import OriginKind
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.show_marks import MARKS, walk_marks
from oligami.protocol.show_values import describe_title, describe_value
from oligami.protocol.text import Language, Text

#: What each file holds, by its name without `.toml`; forms stand under `forms`.
FILE_TITLES: Final[Mapping[str, Text]] = {
    "trial": Text("Trial", "試験"),
    "allocation": Text("Arms and allocation", "群と割付"),
    "design": Text("Design", "デザイン"),
    "eligibility": Text("Eligibility", "適格規準"),
    "therapy": Text("Systemic therapy", "全身薬物療法"),
    "radiotherapy": Text("Radiotherapy", "放射線治療"),
    "radiotherapy_constraints": Text("Limits of organs at risk", "リスク臓器の線量制約"),
    "response": Text("Response", "効果判定"),
    "quality_of_life": Text("Quality of life", "生活の質(QOL)"),
    "schedule": Text("Schedule", "スケジュール"),
    "analysis": Text("Endpoints and analysis", "評価項目と解析"),
    "safety": Text("Safety", "安全性"),
    "codelists": Text("Lists of answers", "選択肢の一覧"),
    "forms": Text("Forms", "調査票"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting: where it stands, what it is called, its value in force (both in one language) and why it is so."""

    file: str
    key: str
    title: str
    value: str
    cite: str


def list_settings(protocol: Protocol, language: Language) -> Iterator[Setting]:
    """Yield every rule of origin `default`, file by file; of the limits of organs those that were computed."""
    for mark in walk_marks(protocol):
        if mark.origin.is_setting:
            yield Setting(
                file=mark.file,
                key=mark.key,
                title=describe_title(protocol, mark.thing, language, aspect=mark.aspect),
                value=describe_value(protocol, mark.thing, language, aspect=mark.aspect),
                cite=mark.origin.cite,
            )


def show_settings(protocol: Protocol, language: Language) -> Iterator[str]:
    """Yield the agenda as lines: a heading a file, a line a setting (key, title, value, why)."""
    mark = MARKS[OriginKind.DEFAULT][language]
    head = Text("Settings of the study office", "研究事務局の設定")[language]
    columns = Text("key | title: value in force (why)", "キー | 名称: 現在の値 (根拠)")[language]
    yield f"# {head} ({mark})"
    yield columns
    last = ""
    for setting in list_settings(protocol, language):
        if setting.file != last:
            last = setting.file
            yield ""
            yield f"## {last} — {_file_title(last)[language]}"
        why = f" ({setting.cite})" if setting.cite else ""
        yield f"  {setting.key} | {setting.title}: {setting.value}{why}"


def _file_title(file: str) -> Text:
    return FILE_TITLES[file.partition("/")[0].removesuffix(".toml")]
