"""The public record in plain words, for those who ask whether the trial is for them: short sentences, facts of the folder only."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from oligami.protocol.model.eligibility import Stage
from oligami.protocol.text import Text
from oligami.registry.record import PublicRecord
from oligami.registry.words import age

_STATUS: Final = {
    "RECRUITING": Text("It is taking people in now.", "いま参加者を募集しています。"),
    "NOT_YET_RECRUITING": Text("It is not yet taking people in.", "まだ募集を始めていません。"),
    "ACTIVE_NOT_RECRUITING": Text("It takes nobody in any more; it is still running.", "募集は終わり、試験は続いています。"),
    "SUSPENDED": Text("It is not taking people in at the moment.", "いま募集を一時止めています。"),
    "COMPLETED": Text("It has ended.", "試験は終わりました。"),
    "TERMINATED": Text("It was stopped early.", "試験は途中で中止されました。"),
    "WITHDRAWN": Text("It was called off before it began.", "試験は始まる前に取りやめになりました。"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checklist:
    """What must hold at a step, one short line each."""

    title: Text
    items: tuple[Text, ...]


def answer(record: PublicRecord) -> tuple[Text, ...]:
    """Return three sentences: for whom the trial is, what it compares, whether it takes people in."""
    said = record.said
    conditions = Text(", ".join(text.en for text in said.conditions), "、".join(text.ja for text in said.conditions))
    labels = [arm.label for arm in said.record_arm]
    compared = Text("; ".join(label.en for label in labels), "と".join(f"「{label.ja}」" for label in labels))
    verb = Text("It compares", "を比べます。") if len(labels) > 1 else Text("It looks at", "を調べます。")
    status = _STATUS.get(record.status, Text(f"Its status: {record.status}.", f"状況は {record.status} です。"))
    return (
        Text(f"This trial is for people with: {conditions.en}.", f"{conditions.ja}の方のための試験です。"),
        Text(f"{verb.en}: {compared.en}.", f"{compared.ja}{verb.ja}"),
        status,
    )


def about_joining(record: PublicRecord) -> tuple[Text, ...]:
    """Return what everybody should know before asking to join."""
    said = record.said
    rules = said.record_eligibility
    youngest, oldest = age(rules.minimum_age), age(rules.maximum_age)
    found = [
        Text(f"Age: {youngest.en.lower()} to {oldest.en.lower()}.", f"{youngest.ja}から{oldest.ja}までの方が対象です。"),
        _SEX.get(rules.sex, Text(f"Sex: {rules.sex}.", f"性別: {rules.sex}。")),
    ]
    if not rules.healthy_volunteers:
        found.append(Text("Healthy volunteers cannot join.", "健康な方は対象ではありません。"))
    if said.design.allocation == "RANDOMIZED":
        found.append(
            Text(
                "Which treatment you get is drawn by chance; nobody can choose it.",
                "どちらの群になるかは無作為に決まり、選べません。",
            )
            if len(said.record_arm) == 2
            else Text(
                "Which treatment you get is drawn by chance; nobody can choose it.",
                "どの群になるかは無作為に決まり、選べません。",
            )
        )
    if said.design.masking == "NONE":
        found.append(Text("You and your doctor will know which one it is.", "どの群かは、あなたにも医師にも知らされます。"))
    found.append(Text("Your doctor decides with you whether the trial fits.", "参加できるかは、担当医が判断します。"))
    return tuple(found)


_SEX: Final = {
    "ALL": Text("All sexes may join.", "性別は問いません。"),
    "FEMALE": Text("Women may join.", "女性が対象です。"),
    "MALE": Text("Men may join.", "男性が対象です。"),
}


def checklists(record: PublicRecord) -> tuple[Checklist, ...]:
    """Return what must hold at each registration, in the short words of the protocol's criteria.

    A criterion's title says what lets a person in, so exclusions read as what must be absent. Criteria of mere order
    (`structural`) are the office's, not the patient's.
    """
    return tuple(each for each in map(_checklist, record.protocol.eligibility.stage) if each.items)


def _checklist(stage: Stage) -> Checklist:
    first = stage.follows is None
    title = (
        Text("To join, all of this must hold:", "参加するには、次のすべてに当てはまる必要があります。")
        if first
        else Text(f"Later, at the {_small(stage.title.en)}, this is checked:", f"その後の{stage.title.ja}では、次を確かめます。")
    )
    return Checklist(title=title, items=tuple(_items(stage)))


def _small(title: str) -> str:
    return title[:1].lower() + title[1:]


def _items(stage: Stage) -> Iterator[Text]:
    for criterion in stage.criterion:
        if criterion.kind != "structural":
            yield criterion.title
