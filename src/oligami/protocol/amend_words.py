"""What the parts and keys of a protocol are called where two versions are compared."""

from collections.abc import Mapping
from typing import Final

from oligami.protocol.model.allocation import Allocation, AllocationArm, Factor
from oligami.protocol.model.analysis import BaselineRow, DeviationGrade, Endpoint, Period, ReportDeadline, Stratum, ValueLabel
from oligami.protocol.model.derived import Derived, DerivedLabel
from oligami.protocol.model.design import Closing, InterimPlan, SurvivalPreset
from oligami.protocol.model.eligibility import Criterion, Stage
from oligami.protocol.model.forms import Check, Code, Codelist, Form, Item
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.model.quality_of_life import Scale
from oligami.protocol.model.radiotherapy import Constraint, DoseOption, PlanCheck, Reading, RequiredStructures, StructureName
from oligami.protocol.model.record import Arm, Link, Location, Person, RecordArm, RecordIntervention, RelatedTrial
from oligami.protocol.model.schedule import Activity, Repeat
from oligami.protocol.model.therapy import Regimen, TherapyRow, TherapyRule
from oligami.protocol.show_values import describe_title
from oligami.protocol.show_words import say
from oligami.protocol.text import LANGUAGES, Language, Text

#: What kind of thing it is. Kinds that are missing here go by the name of their key.
_NOUNS: Final[Mapping[type, Text]] = {
    Activity: Text("Activity", "実施項目"),
    Allocation: Text("Rule of allocation", "割付方法"),
    AllocationArm: Text("Arm of the allocation", "割付の群"),
    Arm: Text("Arm", "群"),
    BaselineRow: Text("Baseline row", "背景因子の行"),
    Check: Text("Edit check", "エディットチェック"),
    Closing: Text("Closing of registration", "登録の終了"),
    Code: Text("Answer", "選択肢"),
    Codelist: Text("List of answers", "コードリスト"),
    Constraint: Text("Limit of an organ", "臓器の線量制約"),
    Criterion: Text("Criterion", "規準"),
    Derived: Text("Derived item", "導出項目"),
    DerivedLabel: Text("Name of a derived value", "導出値の名称"),
    DeviationGrade: Text("Grade of deviation", "逸脱の区分"),
    DoseOption: Text("Prescription", "処方の選択肢"),
    Endpoint: Text("Endpoint", "評価項目"),
    Factor: Text("Balancing factor", "割付調整因子"),
    Form: Text("Form", "調査票"),
    Item: Text("Item", "項目"),
    Link: Text("Link", "リンク"),
    Location: Text("Location", "実施施設"),
    Period: Text("Period", "期間"),
    Person: Text("Person or contact", "担当者・連絡先"),
    PlanCheck: Text("Check of a plan", "治療計画の確認項目"),
    Reading: Text("Reading of the record", "登録記録の解釈"),
    RecordArm: Text("Arm of the record", "登録記録の群"),
    RecordIntervention: Text("Intervention of the record", "登録記録の介入"),
    Regimen: Text("Regimen", "レジメン"),
    RelatedTrial: Text("Related trial", "関連試験"),
    Repeat: Text("Run of visits", "繰り返す時期"),
    ReportDeadline: Text("Deadline of a report", "報告期限"),
    RequiredStructures: Text("Required structures", "必要な構造"),
    Scale: Text("Scale", "尺度"),
    Stage: Text("Registration", "登録段階"),
    Stratum: Text("Stratum", "層"),
    StructureName: Text("Name of a structure", "構造の名称"),
    InterimPlan: Text("Interim analyses", "中間解析"),
    SurvivalPreset: Text("Assumed survival", "仮定する生存割合"),
    TherapyRow: Text("Row of the therapy table", "治療表の行"),
    TherapyRule: Text("Rule of therapy", "治療の規則"),
    ValueLabel: Text("Name of a value", "値の名称"),
}

#: What a key says. Keys that are missing here stand in the words of the printed protocol, or as they are.
_KEYS: Final[Mapping[str, Text]] = {
    "after_days": Text("days after", "後の許容日数"),
    "after_stage": Text("after which registration", "入力できる登録段階"),
    "anchor": Text("counted from", "起点"),
    "arms": Text("arms", "対象の群"),
    "at_days": Text("days", "予定日"),
    "before_days": Text("days before", "前の許容日数"),
    "absent_from_record": Text("what the record does not say", "登録記録にない事項"),
    "brief_summary": Text("brief summary", "概要"),
    "brief_title": Text("brief title", "簡潔な題名"),
    "central_contact": Text("central contacts", "問い合わせ先"),
    "completion_date": Text("completion date", "終了日"),
    "country": Text("countries", "実施国"),
    "conditions": Text("conditions", "対象疾患"),
    "criteria": Text("criteria", "規準"),
    "design": Text("design", "デザイン"),
    "detailed_description": Text("detailed description", "詳細説明"),
    "enrollment_count": Text("enrolment", "予定症例数"),
    "identification": Text("identification", "試験の識別"),
    "keywords": Text("keywords", "キーワード"),
    "last_update_posted": Text("last update", "最終更新日"),
    "open_point": Text("open questions", "未決事項"),
    "overall": Text("overall status", "全体の状況"),
    "record_eligibility": Text("eligibility of the record", "登録記録の適格規準"),
    "time_zone": Text("time zone", "時間帯"),
    "translation_note": Text("note on the translation", "翻訳についての注記"),
    "case": Text("cases", "場合分け"),
    "censor": Text("censoring", "打ち切り"),
    "cite": Text("citation", "引用"),
    "code": Text("answers", "選択肢"),
    "codelist": Text("list of answers", "コードリスト"),
    "concept": Text("meaning", "項目の概念"),
    "consent_document": Text("version of the consent document", "同意説明文書の版"),
    "activity": Text("activities", "実施項目"),
    "check": Text("edit checks", "エディットチェック"),
    "criterion": Text("criteria", "規準"),
    "endpoint": Text("endpoints", "評価項目"),
    "option": Text("prescriptions", "処方の選択肢"),
    "regimen": Text("regimens", "レジメン"),
    "row": Text("rows of the therapy table", "治療表の行"),
    "rule": Text("rules", "規則"),
    "stage": Text("registrations", "登録段階"),
    "decimals": Text("decimals", "小数桁数"),
    "definition": Text("definition", "定義"),
    "derive": Text("derived from", "導出式"),
    "description": Text("description", "説明"),
    "dose": Text("dose", "用量"),
    "earliest_day": Text("earliest day", "最早日"),
    "event": Text("events", "イベント"),
    "every_days": Text("every so many days", "間隔(日)"),
    "exclusive_minimum": Text("must be above", "下限(これより大)"),
    "expression": Text("expression", "式"),
    "field": Text("fields", "欄"),
    "form": Text("form", "調査票"),
    "fractions": Text("fractions", "分割回数"),
    "given": Text("how it is given", "投与方法"),
    "holds": Text("what must hold", "成り立つべき条件"),
    "id": Text("name", "名前"),
    "identity": Text("names a person", "個人識別項目"),
    "item": Text("item", "項目"),
    "kind": Text("kind", "種類"),
    "label": Text("wording", "表示名"),
    "latest_day": Text("latest day", "最遅日"),
    "level": Text("hard or soft", "強さ"),
    "levels": Text("levels", "水準"),
    "limit": Text("limit", "上限"),
    "max_length": Text("longest text", "文字数の上限"),
    "max_rows": Text("most rows", "行数の上限"),
    "maximum": Text("highest value", "上限値"),
    "message": Text("message", "メッセージ"),
    "met": Text("rule for met", "適合の条件"),
    "minimum": Text("lowest value", "下限値"),
    "never": Text("word for never", "「なし」を表す語"),
    "not_met": Text("rule for not met", "不適合の条件"),
    "note": Text("note", "注記"),
    "order": Text("order", "順序"),
    "origin": Text("origin", "出所"),
    "otherwise": Text("otherwise", "その他の場合"),
    "partial": Text("year or month alone", "年または年月のみも可"),
    "population": Text("population", "対象集団"),
    "primary": Text("primary", "主要評価項目"),
    "reading": Text("reading", "解釈"),
    "reason": Text("reason", "理由"),
    "record_text": Text("words of the record", "登録記録の文言"),
    "regimens": Text("regimens", "レジメン"),
    "repeat": Text("runs", "繰り返し"),
    "repeats": Text("how often", "回数"),
    "required": Text("required", "必須"),
    "role": Text("role", "役割"),
    "rules_version": Text("version of the rules", "規則の版"),
    "show_when": Text("shown when", "表示条件"),
    "sign": Text("is signed", "署名の要否"),
    "start": Text("start", "起算日"),
    "status": Text("status", "区分"),
    "target_day": Text("planned day", "予定日"),
    "technique": Text("technique", "照射技術"),
    "text": Text("text", "本文"),
    "title": Text("title", "名称"),
    "total_gy_max": Text("highest dose in Gy", "最大線量(Gy)"),
    "total_gy_min": Text("lowest dose in Gy", "最小線量(Gy)"),
    "type": Text("type", "型"),
    "unit": Text("unit", "単位"),
    "unknown": Text("answers for unknown", "不明を表す選択肢"),
    "until": Text("until", "終わり"),
    "visit_ids": Text("names of the visits", "時期の名前"),
    "visits": Text("visits", "時期"),
    "weight": Text("weight", "重み"),
    "when": Text("condition", "条件"),
    "when_not_met": Text("sentence when not met", "不適合のときの文"),
    "when_unknown": Text("sentence when unknown", "不明のときの文"),
}


def name_key(key: str) -> Text:
    """Return what a key is called."""
    if key in _KEYS:
        return _KEYS[key]
    if key.endswith("_origin"):
        aspect = name_key(key.removesuffix("_origin"))
        return Text(f"origin of the {aspect.en}", f"{aspect.ja}の出所")
    plain = key.replace("_", " ")
    en, ja = say(key, "en"), say(key, "ja")
    return Text(plain if en == key else en, plain if ja == key else ja)


def name_thing(protocol: Protocol, thing: object, key: str) -> Text:
    """Return what a thing is: its kind, its id and its title; `key` is that of the list it stands in."""
    noun = _NOUNS.get(type(thing)) or name_key(key)
    known = next((word for word in (getattr(thing, name, None) for name in ("id", "code", "value")) if isinstance(word, str)), "")
    said: dict[Language, str] = {}
    for language in LANGUAGES:
        title = _title(protocol, thing, language)
        bracket = "（{}）" if language == "ja" else " ({})"
        said[language] = f"{noun[language]} {known}".strip() + (bracket.format(title) if title and title != known else "")
    return Text(said["en"], said["ja"])


def _title(protocol: Protocol, thing: object, language: Language) -> str:
    match thing:
        case Code() | DerivedLabel() | ValueLabel() | RecordArm() | Link():
            return thing.label[language]
        case Person() | RecordIntervention():
            name = thing.name
            return name if isinstance(name, str) else name[language]
        case Location():
            return thing.facility
        case RelatedTrial():
            return thing.nct_id
        case TherapyRule():
            return ""  # its reason is its text, and too long for a name
        case _ if getattr(thing, "title", None) is None and type(thing) not in _TITLED:
            return ""
        case _:
            return describe_title(protocol, thing, language)


#: Kinds without a title of their own that the printed protocol names all the same.
_TITLED: Final = frozenset((Item, Check, DoseOption, Reading, Constraint, RequiredStructures, Stratum))
