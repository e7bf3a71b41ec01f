"""The registry's closed words in two languages: statuses, types, roles, and the names of the record's parts."""

from collections.abc import Mapping
from typing import Final

from oligami.protocol.model.record import TrialFile
from oligami.protocol.text import Text

_WORDS: Final[Mapping[str, Text]] = {
    # overall and site status
    "RECRUITING": Text("Recruiting", "募集中"),
    "NOT_YET_RECRUITING": Text("Not yet recruiting", "募集開始前"),
    "ACTIVE_NOT_RECRUITING": Text("Active, not recruiting", "実施中（募集は終了）"),
    "SUSPENDED": Text("Suspended", "募集を一時停止中"),
    "COMPLETED": Text("Completed", "終了"),
    "TERMINATED": Text("Terminated", "中止"),
    "WITHDRAWN": Text("Withdrawn", "開始前に取りやめ"),
    "ENROLLING_BY_INVITATION": Text("Enrolling by invitation", "招待による登録"),
    "AVAILABLE": Text("Available", "利用可能"),
    "UNKNOWN": Text("Unknown", "不明"),
    # design
    "INTERVENTIONAL": Text("Interventional", "介入試験"),
    "OBSERVATIONAL": Text("Observational", "観察研究"),
    "NA": Text("Not applicable", "該当なし"),
    "EARLY_PHASE1": Text("Early phase 1", "早期第1相"),
    "PHASE1": Text("Phase 1", "第1相"),
    "PHASE2": Text("Phase 2", "第2相"),
    "PHASE3": Text("Phase 3", "第3相"),
    "PHASE4": Text("Phase 4", "第4相"),
    "RANDOMIZED": Text("Randomized", "無作為化"),
    "NON_RANDOMIZED": Text("Non-randomized", "非無作為化"),
    "PARALLEL": Text("Parallel assignment", "並行群間比較"),
    "CROSSOVER": Text("Crossover assignment", "交差比較"),
    "SINGLE_GROUP": Text("Single group assignment", "単群"),
    "FACTORIAL": Text("Factorial assignment", "要因計画"),
    "SEQUENTIAL": Text("Sequential assignment", "逐次比較"),
    "TREATMENT": Text("Treatment", "治療"),
    "PREVENTION": Text("Prevention", "予防"),
    "DIAGNOSTIC": Text("Diagnostic", "診断"),
    "SUPPORTIVE_CARE": Text("Supportive care", "支持療法"),
    "SCREENING": Text("Screening", "検診"),
    "BASIC_SCIENCE": Text("Basic science", "基礎科学"),
    "HEALTH_SERVICES_RESEARCH": Text("Health services research", "医療サービス研究"),
    "NONE": Text("None (open label)", "盲検化なし（非盲検）"),
    "SINGLE": Text("Single", "単盲検"),
    "DOUBLE": Text("Double", "二重盲検"),
    "TRIPLE": Text("Triple", "三重盲検"),
    "QUADRUPLE": Text("Quadruple", "四重盲検"),
    # arms and interventions
    "EXPERIMENTAL": Text("Experimental", "試験治療群"),
    "ACTIVE_COMPARATOR": Text("Active comparator", "実薬対照"),
    "PLACEBO_COMPARATOR": Text("Placebo comparator", "プラセボ対照"),
    "SHAM_COMPARATOR": Text("Sham comparator", "シャム対照"),
    "NO_INTERVENTION": Text("No intervention", "無治療"),
    "DRUG": Text("Drug", "薬物"),
    "PROCEDURE": Text("Procedure", "手技"),
    "RADIATION": Text("Radiation", "放射線"),
    "BEHAVIORAL": Text("Behavioral", "行動"),
    "DEVICE": Text("Device", "機器"),
    "BIOLOGICAL": Text("Biological", "生物学的製剤"),
    "DIETARY_SUPPLEMENT": Text("Dietary supplement", "栄養補助食品"),
    "GENETIC": Text("Genetic", "遺伝子"),
    "COMBINATION_PRODUCT": Text("Combination product", "複合製品"),
    "DIAGNOSTIC_TEST": Text("Diagnostic test", "診断検査"),
    # people
    "CONTACT": Text("Contact", "連絡先"),
    "PRINCIPAL_INVESTIGATOR": Text("Principal investigator", "研究責任者"),
    "SUB_INVESTIGATOR": Text("Sub-investigator", "研究分担者"),
    "STUDY_CHAIR": Text("Study chair", "研究代表者"),
    "STUDY_DIRECTOR": Text("Study director", "研究統括者"),
    "SPONSOR": Text("Sponsor", "主宰者"),
    "SPONSOR_INVESTIGATOR": Text("Sponsor-investigator", "主宰研究者"),
    # sponsors and people taken in
    "OTHER": Text("Other", "その他"),
    "INDUSTRY": Text("Industry", "企業"),
    "NIH": Text("NIH", "米国国立衛生研究所"),
    "OTHER_GOV": Text("Other government", "その他の政府機関"),
    "NETWORK": Text("Network", "ネットワーク"),
    "ALL": Text("All", "性別を問わない"),
    "FEMALE": Text("Female", "女性"),
    "MALE": Text("Male", "男性"),
    # the parts of trial.toml
    "identification": Text("identification", "識別情報"),
    "status": Text("status and dates", "状況と日付"),
    "sponsor": Text("sponsor", "主宰者"),
    "brief_summary": Text("summary", "概要"),
    "detailed_description": Text("detailed description", "詳細説明"),
    "conditions": Text("conditions", "対象疾患"),
    "keywords": Text("keywords", "キーワード"),
    "design": Text("design", "デザイン"),
    "record_arm": Text("arms", "群"),
    "record_intervention": Text("interventions", "介入"),
    "record_eligibility": Text("eligibility", "適格規準"),
    "central_contact": Text("central contacts", "連絡先"),
    "official": Text("investigators", "研究者"),
    "location": Text("locations", "実施施設"),
    "country": Text("countries", "国"),
    "related_trial": Text("related trials", "関連する試験"),
    "related_link": Text("links", "リンク"),
    "absent_from_record": Text("what the record leaves out", "登録情報にない項目"),
    "absent_note": Text("note on what is left out", "登録情報にない項目の注"),
    "oddity": Text("oddities kept as printed", "原文のまま残した不審点"),
    "translation_note": Text("note on the translation", "翻訳についての注"),
}  # fmt: skip


def word(code: str) -> Text:
    """Return a word of the registry for readers; one that is not known is shown as it is, spelled out."""
    known = _WORDS.get(code)
    if known is not None:
        return known
    shown = code.replace("_", " ").capitalize() if code.isupper() and "_" in code else code
    return Text(shown, shown)


def intervention_name(record: TrialFile, printed: str) -> Text:
    """Return the name of an intervention as an arm prints it (`Drug: Name`), with the translation of its two halves."""
    kind, colon, name = printed.partition(": ")
    for each in record.record_intervention:
        if printed == each.name.en:
            return each.name
        if colon and name == each.name.en:
            return Text(printed, f"{word(kind.upper().replace(' ', '_')).ja}: {each.name.ja}")
    return Text(printed, printed)


def arm_label(record: TrialFile, printed: str) -> Text:
    """Return the label of an arm as an intervention prints it, with its translation."""
    return next((arm.label for arm in record.record_arm if arm.label.en == printed), Text(printed, printed))


def age(printed: str) -> Text:
    """Return an age limit (`18 Years`) for readers."""
    number, _, unit = printed.partition(" ")
    units = {"year": "歳", "month": "か月", "week": "週", "day": "日"}
    japanese = units.get(unit.casefold().rstrip("s"))
    return Text(printed, f"{number}{japanese}" if number.isdigit() and japanese else printed)
