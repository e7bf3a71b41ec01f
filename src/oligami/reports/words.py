"""How codes read in both languages: the protocol's own labels first, then the words of the software.

A code nobody has a word for is printed as it is: better a plain code than a wrong word.
"""

from collections.abc import Iterable

from oligami.analysis import flow, progression
from oligami.protocol.model.forms import FormRole, Item
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.text import Text

UNKNOWN = Text("not known", "不明")
EVERYBODY = Text("All", "全体")

#: The closed vocabularies of the datasets.
WORDS: dict[str, Text] = {
    # why somebody registered was not randomized
    "progression": Text("progression", "増悪"),
    "complete_response": Text("complete response", "完全奏効"),
    "toxicity": Text("toxicity", "有害事象"),
    "death": Text("death", "死亡"),
    "withdrawal": Text("withdrawal", "同意撤回"),
    "refusal": Text("refusal by the subject", "本人の拒否"),
    "therapy_ended": Text("therapy ended", "治療終了"),
    "annulled": Text("registered in error", "誤登録"),
    # verdicts
    "eligible": Text("eligible", "適格"),
    "ineligible": Text("not eligible", "不適格"),
    "pending": Text("not decidable: an item is missing", "判定保留：項目が不明"),
    # withdrawal
    "treatment": Text("treatment", "治療"),
    "follow_up": Text("follow-up", "追跡"),
    "use_of_data": Text("use of data", "データ利用"),
    # what ended the observation
    "progression_imaging": Text("progression on imaging", "画像上の増悪"),
    "progression_clinical": Text("clinical progression", "臨床的増悪"),
    "progression_of_treated_lesion": Text("progression of a treated lesion", "治療病変の増悪"),
    "last_alive": Text("censored: last known alive", "打ち切り：最終生存確認"),
    "last_progression_free_assessment": Text("censored: last assessment without progression", "打ち切り：最終の非増悪評価"),
    "last_assessment_of_treated_lesions": Text(
        "censored: last assessment of the treated lesions", "打ち切り：治療病変の最終評価"
    ),
    "never_assessed": Text("censored on day 0: never assessed", "day 0で打ち切り：評価なし"),
    "no_assessment": Text("censored on day 0: never assessed", "day 0で打ち切り：評価なし"),
    "cut": Text("censored at the cut", "打ち切り：データカットオフ"),
    # where it progressed
    "oligometastases": Text("oligometastases", "オリゴ転移巣"),
    "non_oligometastases": Text("elsewhere", "オリゴ転移巣以外"),
    "both": Text("both", "両方"),
    progression.SITE_UNKNOWN: Text("site not known", "部位不明"),
    progression.DEATH_FIRST: Text("death without progression", "増悪前の死亡"),
    # local therapy
    "radiotherapy": Text("radiotherapy", "放射線治療"),
    "surgery": Text("surgery", "手術"),
    "ALLOWED": Text("an option of the protocol", "プロトコール規定の線量分割"),
    "NOT_ALLOWED": Text("no option of the protocol", "規定外の線量分割"),
    "UNDETERMINED": Text("cannot be judged", "判定不能"),
    "NO_OPTION_FOR_SITE": Text("no option for this site", "この部位に規定なし"),
    "other": Text("other", "その他"),
    # same therapy
    "same": Text("same therapy kept", "同一治療を継続"),
    "same_with_switch": Text("kept, an agent exchanged or dropped as allowed", "継続（規定内の薬剤変更・減剤）"),
    "changed_before_progression": Text("changed before progression", "増悪前に変更"),
    "changed_after_progression": Text("kept until progression, changed after it", "増悪まで継続し、増悪後に変更"),
    "until_end": Text("kept until it ended for progression or death, or as planned", "増悪・死亡・予定完了による終了まで継続"),
    "ended": Text("ended for another reason", "その他の理由で終了"),
    "not_restarted": Text("not resumed", "再開せず"),
    # deviations
    "therapy": Text("systemic therapy", "薬物療法"),
    "window": Text("time window", "実施時期"),
    "crossover": Text("crossover", "クロスオーバー"),
    "eligibility": Text("eligibility", "適格性"),
    "response": Text("recorded response differs from the sizes", "記録された効果と計測値の不一致"),
    "reported": Text("graded by the study office", "研究事務局による判定"),
    "local_therapy": Text("local therapy", "局所療法"),
    "consent": Text("consent", "同意"),
    "therapy.status": Text("regimen that the table does not (yet) allow", "治療表で許容されていない（照会中を含む）レジメン"),
    "therapy.same": Text("another therapy before progression", "増悪前の治療変更"),
    "radiotherapy.status": Text("dose and fractions outside the options", "規定外の線量分割"),
    "radiotherapy.technique": Text("technique other than the option's", "規定と異なる照射技術"),
    "crossover.local_therapy": Text(
        "local therapy before progression in an arm without it", "局所療法のない群での増悪前の局所療法"
    ),
    "response.overall": Text("overall response", "総合効果"),
    # plain answers
    "yes": Text("yes", "あり"),
    "no": Text("no", "なし"),
    "unknown": UNKNOWN,
}


def word(code: str | None) -> Text:
    """Return the software's word for a code of the datasets."""
    if code is None:
        return UNKNOWN
    return WORDS.get(code) or Text(code.replace("_", " "), code.replace("_", " "))


class Labels:
    """How the codes of one protocol read; it looks each up where the protocol defines it."""

    def __init__(self, protocol: Protocol):
        """Keep the protocol to look things up in."""
        self.protocol = protocol

    def arm(self, arm: str | None) -> Text:
        """Name an arm shortly; None is everybody."""
        return EVERYBODY if arm is None else self.protocol.arm(arm).short_title

    def endpoint(self, endpoint: str) -> Text:
        """Title of an endpoint."""
        return next(own.title for own in self.protocol.analysis.endpoint if own.id == endpoint)

    def criterion(self, criterion: str) -> Text:
        """Title of a criterion of any stage."""
        for stage in self.protocol.eligibility.stage:
            for own in stage.criterion:
                if own.id == criterion:
                    return own.title
        return word(criterion)

    def stage(self, stage: str) -> Text:
        """Title of a stage."""
        return next((own.title for own in self.protocol.eligibility.stage if own.id == stage), word(stage))

    def registration(self, stage: str | None = None) -> Text:
        """Name a stage (default: the first) within a sentence: its title, without the capital it begins with in English."""
        title = self.stage(stage or self.protocol.eligibility.stage[0].id)
        # A title that begins with an abbreviation keeps its capitals.
        lower = title.en[:1].lower() + title.en[1:] if title.en[1:2].islower() else title.en
        return Text(lower, title.ja)

    def not_randomized(self, reason: str | None) -> Text:
        """Say why somebody registered was not randomized."""
        if reason == flow.REFUSED:
            stage = self.registration(self.protocol.randomizing_stage.id)
            return Text(f"not eligible at {stage.en}", f"{stage.ja}で不適格")
        return self.answer(FormRole.TREATMENT_END, "reason", reason)

    def form(self, form: str) -> Text:
        """Title of a form."""
        return next((own.title for own in self.protocol.forms if own.id == form), word(form))

    def factor(self, factor: str) -> Text:
        """Title of a balancing factor or derived item."""
        titles = {own.id: own.title for own in self.protocol.eligibility.derived}
        titles |= {own.id: own.title for own in self.protocol.allocation.factors}
        return titles.get(factor) or word(factor)

    def level(self, factor: str, value: str | None) -> Text:
        """Name a level of a balancing factor."""
        expression = next((own.expression for own in self.protocol.allocation.factors if own.id == factor), factor)
        return self.of_expression(expression, value)

    def of_expression(self, expression: str, value: str | None) -> Text:
        """Name a value of a derived item or of an item of a form, where the expression is nothing but its name."""
        if value is None:
            return UNKNOWN
        therapy = self.protocol.therapy.derived if self.protocol.therapy is not None else ()
        for derived in (*self.protocol.eligibility.derived, *therapy):
            if derived.id == expression:
                for own in derived.label:
                    if own.value == value:
                        return own.label
        for form in self.protocol.forms:
            for item in form.item:
                if item.id == expression and (found := self._code(item, value)) is not None:
                    return found
        return word(value)

    def baseline(self, row: str, value: str | None) -> Text:
        """Name a value of a row of the baseline table."""
        for own in self.protocol.analysis.baseline:
            if own.id == row:
                for label in own.label:
                    if label.value == value:
                        return label.label
                return self.of_expression(own.expression, value)
        return word(value)

    def answer(self, role: FormRole, concept: str, code: str | None) -> Text:
        """Name an answer of the item that carries a concept in the forms of a role."""
        if code is None:
            return UNKNOWN
        for form in self.protocol.forms_of(role):
            item = form.find(concept)
            if item is not None and (found := self._code(item, code)) is not None:
                return found
        return word(code)

    def site_of_lesion(self, site: str) -> Text:
        """Name an organ."""
        return self.answer(FormRole.RADIOTHERAPY, "site", site)

    def regimen(self, code: str | None) -> Text:
        """Name a regimen."""
        if code is None:
            return UNKNOWN
        regimen = self.protocol.regimen(code)
        return regimen.title if regimen is not None else word(code)

    def scale(self, scale: str) -> Text:
        """Name a scale of the questionnaire."""
        rules = self.protocol.quality_of_life
        return next((own.title for own in rules.scale if own.id == scale), word(scale)) if rules else word(scale)

    def period(self, period: str) -> Text:
        """Name a period of the safety table."""
        return next((own.title for own in self.protocol.safety.period if own.id == period), word(period))

    def deviation_grade(self, grade: str | None) -> Text:
        """Name a grade of deviation."""
        if grade is None:
            return Text("not graded yet", "未判定")
        return next((own.title for own in self.protocol.safety.deviation_grade if own.id == grade), word(grade))

    def deviation_rule(self, rule: str) -> Text:
        """Name the rule a deviation broke: a criterion, an activity whose window was missed, or its own code."""
        for activity in self.protocol.schedule.activity:
            if rule in (activity.deviation_rule, activity.id):
                return activity.title
        return self.criterion(rule)

    def visit(self, visit: str) -> Text:
        """Name a visit by its months from the anchor, or by the activity of that name."""
        for activity in self.protocol.schedule.activity:
            if visit in activity.visit_ids and len(activity.visit_ids) == len(activity.at_days):
                days = activity.at_days[activity.visit_ids.index(visit)]
                if days == 0:
                    return Text(activity.text.en.rstrip("."), activity.text.ja.rstrip("。"))
                if days % 7 == 0 and days < 26 * 7:
                    return Text(f"week {days // 7}", f"{days // 7}週")
                months = round(days / self.protocol.analysis.days_per_month)
                return Text(f"{months} months", f"{months}か月")
        return next((own.title for own in self.protocol.schedule.activity if own.id == visit), word(visit))

    def _code(self, item: Item, value: str) -> Text | None:
        codes = item.code
        if item.codelist is not None:
            codes = tuple(code for own in self.protocol.codelists if own.id == item.codelist for code in own.code)
        return next((code.label for code in codes if code.value == value), None)


def listed(words: Iterable[Text], *, en: str = ", ", ja: str = "、") -> Text:
    """Join words in both languages."""
    given = list(words)
    return Text(en.join(own.en for own in given), ja.join(own.ja for own in given))
