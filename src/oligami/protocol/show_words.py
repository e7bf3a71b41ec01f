"""The closed words of the protocol's model in two languages: kinds, statuses, methods, names of keys."""

from collections.abc import Mapping
from typing import Final

from oligami.protocol.text import Language

_JAPANESE: Final[Mapping[str, str]] = {
    # answers
    "yes": "はい", "no": "いいえ", "any": "任意", "or": "または", "none": "なし",
    "year or month alone": "年または年月のみも可",
    "met": "適合", "not met": "不適合", "when": "条件:", "otherwise": "その他は", "unknown": "不明",
    # criteria, stages, arms
    "inclusion": "適格", "exclusion": "除外", "structural": "構造上",
    "control": "対照", "experimental": "試験治療",
    "systemic_therapy": "全身薬物療法", "local_therapy": "局所療法",
    "limit": "上限", "waiting_may_proceed": "待機中の患者は登録可",
    # allocation
    "minimization": "最小化法", "permuted_blocks": "置換ブロック法", "simple": "単純無作為割付",
    "ratio": "比", "weight": "重み", "weights": "重み", "distance": "不均衡の尺度", "range": "範囲", "variance": "分散",
    "sd": "標準偏差", "probability": "確率の与え方", "best": "最小不均衡の群に高い確率", "rank": "順位による",
    "p_best": "最小不均衡の群の確率 p_best", "q": "定数 q", "ties": "同順位", "equal_split": "均等に分ける", "random_rank": "無作為に順位付け",
    "ratio_counts": "比の数え方", "add_then_divide": "加えてから割る", "divide_then_add": "割ってから加える",
    "initial_simple": "最初の単純無作為割付の例数", "tally_factors": "集計に用いる因子", "corrected": "訂正後", "as_drawn": "割付時",
    "block_sizes": "ブロックの大きさ", "block_probabilities": "ブロックの確率", "hidden_from_sites": "施設に非公開",
    # therapy
    "ALLOWED": "可", "ALLOWED_WITH_QUERY": "可(問合せあり)", "NOT_ALLOWED": "不可", "UNDETERMINED": "判定不能", "window_days": "期間(日)",
    # radiotherapy
    "SRS": "定位手術的照射(SRS)", "SBRT": "体幹部定位放射線治療(SBRT)", "conventional": "通常分割照射",
    "peripheral": "末梢", "central": "中枢", "ultra_central": "超中枢",
    "point": "処方点", "tolerance_gy": "許容差(Gy)", "alpha_beta_gy": "α/β(Gy)", "limits": "制約",
    "per_protocol": "遵守", "acceptable": "許容逸脱", "default": "既定", "advice": "参考",
    "no_excess": "超過不可", "hard": "厳格", "soft": "緩和", "all": "すべて",
    # response and quality of life
    "resected_leaves_sum": "切除病変を径和から除く", "fibrosis_months": "線維化を考慮する期間(月)", "fibrosis_sites": "線維化を考慮する部位",
    "text": "規則", "site_rule": "増悪部位の規則", "scale": "尺度", "threshold": "閾値", "thresholds_offered": "選べる閾値",
    "primary_visit": "主たる調査時点", "baseline_visit": "ベースライン", "visits": "調査時点", "answered_share": "必要な回答割合",
    "functional": "機能", "symptom": "症状", "global": "全般",
    # schedule
    "progression": "増悪", "death": "死亡", "required": "必須", "last_randomization": "最終の無作為割付", "last_fraction": "最終照射",
    # analysis and safety
    "primary": "主要", "secondary": "副次", "registered": "登録例", "randomized": "無作為割付例",
    "randomized_with_progression": "無作為割付後に増悪した例", "randomized_with_baseline_questionnaire": "ベースライン調査票のある無作為割付例",
    "treated": "治療を受けた例", "registration": "登録", "randomization": "無作為割付", "last_local_therapy": "最終の局所療法",
    "progression_imaging": "画像上の増悪", "progression_clinical": "臨床的増悪", "progression_of_treated_lesion": "治療病変の増悪",
    "last_alive": "最終生存確認日で打ち切り", "last_progression_free_assessment": "最終の無増悪確認日で打ち切り",
    "last_assessment_of_treated_lesions": "治療病変の最終評価日で打ち切り",
    "confidence_levels": "信頼水準", "curve_confidence_type": "曲線の信頼区間", "milestone_years": "評価時点(年)",
    "days_per_month": "1か月の日数", "days_per_year": "1年の日数", "starts": "開始", "by_arm": "群別", "hours": "時間",
    "category": "区分", "recipients": "報告先", "severe_grade": "重度とするGrade", "serious": "重篤",
    "study_chair": "研究代表者", "data_centre": "データセンター", "safety_committee": "効果・安全性評価委員会",
    # interim analyses
    "information": "情報割合", "efficacy": "有効性", "efficacy_parameter": "有効性の係数", "futility": "無益性",
    "futility_parameter": "無益性の係数", "binding": "拘束的", "lan_demets_obrien_fleming": "Lan-DeMets O'Brien-Fleming型", "lan_demets_pocock": "Lan-DeMets Pocock型",
    "hwang_shih_decani": "Hwang-Shih-DeCani", "kim_demets": "Kim-DeMets",
    # forms
    "number": "数値", "integer": "整数", "code": "選択", "date": "日付", "list": "一覧", "once": "1回", "many": "複数回",
    "course": "コース", "assessment": "効果判定", "radiotherapy": "放射線治療", "surgery": "手術", "adverse_event": "有害事象",
    "questionnaire": "調査票", "follow_up": "追跡", "treatment_end": "治療終了", "therapy_change": "治療変更", "therapy": "全身薬物療法",
    "other": "その他",
    "title": "名称", "instrument": "調査票", "version": "版", "criteria": "規準",
}  # fmt: skip

# English words that the model writes as keys.
_ENGLISH: Final[Mapping[str, str]] = {
    "waiting_may_proceed": "those waiting may proceed",
    "ratio_counts": "counts under a ratio",
    "initial_simple": "first allocations by simple randomization",
    "tally_factors": "factors tallied",
    "hidden_from_sites": "hidden from sites",
    "window_days": "window in days",
    "tolerance_gy": "tolerance in Gy",
    "alpha_beta_gy": "alpha/beta in Gy",
    "per_protocol": "per protocol",
    "resected_leaves_sum": "a resected lesion leaves the sum",
    "fibrosis_months": "months in which regrowth may be fibrosis",
    "fibrosis_sites": "sites where it may",
    "site_rule": "site of progression",
    "thresholds_offered": "thresholds offered",
    "primary_visit": "primary visit",
    "baseline_visit": "baseline visit",
    "answered_share": "share of items that must be answered",
    "confidence_levels": "confidence levels",
    "curve_confidence_type": "confidence interval of the curve",
    "milestone_years": "milestones in years",
    "days_per_month": "days a month",
    "days_per_year": "days a year",
    "by_arm": "by arm",
    "severe_grade": "severe from grade",
    "ultra_central": "ultra-central",
    "equal_split": "split equally",
    "random_rank": "random order",
    "add_then_divide": "add, then divide",
    "divide_then_add": "divide, then add",
    "as_drawn": "as drawn",
    "systemic_therapy": "systemic therapy",
    "local_therapy": "local therapy",
    "last_fraction": "last fraction",
    "last_randomization": "last randomization",
    "last_local_therapy": "last day of local therapy",
    "randomized_with_progression": "randomized, with progression",
    "randomized_with_baseline_questionnaire": "randomized, with a baseline questionnaire",
    "progression_imaging": "progression by imaging",
    "progression_clinical": "clinical progression",
    "progression_of_treated_lesion": "progression of a treated lesion",
    "last_alive": "censored when last known alive",
    "last_progression_free_assessment": "censored at the last assessment without progression",
    "last_assessment_of_treated_lesions": "censored at the last assessment of treated lesions",
}


def say(word: str, language: Language) -> str:
    """Return a word of the model in a language; a word that is not in the list stays as it is."""
    return (_JAPANESE if language == "ja" else _ENGLISH).get(word, word)
