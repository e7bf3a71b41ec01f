"""Prints trial.toml: all that the public record says, in its own words, with what is odd or absent in it.

What the registry prints verbatim (arms, interventions, criteria) stands in its own English in both languages; the translation
follows where Japanese is asked for.
"""

from collections.abc import Iterator

from oligami.protocol.model.protocol import Protocol
from oligami.protocol.model.record import Person, TrialFile
from oligami.protocol.show_marks import describe_marks
from oligami.protocol.show_words import say
from oligami.protocol.text import Language, Text


def show_trial(protocol: Protocol, language: Language) -> Iterator[str]:
    """Yield the trial's record as lines."""
    trial = protocol.trial
    yield from _show_identity(protocol, language)
    yield from _show_people(trial, language)
    yield "## Summary / 概要"
    yield from indent(trial.brief_summary[language])
    yield "## Detailed description / 詳細説明"
    yield from indent(trial.detailed_description[language])
    yield from _show_interventions(trial, language)
    yield from _show_criteria(trial, language)
    yield from _show_remarks(trial, language)


def indent(text: str, by: str = "  ") -> Iterator[str]:
    """Yield the lines of a text, indented."""
    for line in text.strip().splitlines():
        yield f"{by}{line}".rstrip()


def _show_identity(protocol: Protocol, language: Language) -> Iterator[str]:
    trial = protocol.trial
    who = trial.identification
    yield f"{who.brief_title[language]} {describe_marks(who, language)}"
    yield " / ".join(word for word in (who.acronym, who.org_study_id, who.nct_id) if word)
    for other in who.other_identifiers:
        yield f"other identifier / その他の識別番号: {' '.join(word for word in (other.id, other.type, other.source) if word)}"
    yield f"version / 版: {protocol.version}    digest / ダイジェスト: {protocol.digest}"
    status = trial.status
    yield (
        f"status / 状況: {status.overall}  {status.start_date} – {status.completion_date}"
        f"    last update / 最終更新: {status.last_update_posted} {describe_marks(status, language)}"
    )
    results = Text("posted", "公表あり")[language] if status.has_results else Text("not posted", "公表なし")[language]
    yield f"results / 結果: {results}  {status.results_note[language]}"
    design = trial.design
    yield (
        f"design / デザイン: {design.study_type}, {', '.join(design.phases)}, {design.allocation}, {design.intervention_model}, "
        f"{design.primary_purpose}, masking / 盲検化 {design.masking}, enrollment / 登録数 {design.enrollment_count}"
        f" {describe_marks(design, language)}"
    )
    yield from indent(design.intervention_model_description[language])
    yield f"conditions / 疾患: {', '.join(text[language] for text in trial.conditions)}"
    if trial.keywords:
        yield f"keywords / キーワード: {', '.join(text[language] for text in trial.keywords)}"
    yield f"countries / 国: {', '.join(trial.country)}"
    yield f"consent document / 同意説明文書: {trial.consent_document}    time zone / 時間帯: {trial.time_zone}"
    yield f"record / 登録記録: {describe_marks(trial, language)}"


def _show_people(trial: TrialFile, language: Language) -> Iterator[str]:
    sponsor = trial.sponsor
    yield "## People and sites / 関係者と施設"
    yield f"sponsor / 主宰: {sponsor.name} ({sponsor.organization_class}) {describe_marks(sponsor, language)}"
    party = (sponsor.responsible_party_type, sponsor.responsible_party_name, sponsor.responsible_party_title)
    if any(party):
        yield f"responsible party / 責任者: {', '.join(word for word in party if word)}"
    for person in trial.official:
        yield from _show_person(person, Text("official", "研究者"), language, "")
    for person in trial.central_contact:
        yield from _show_person(person, Text("contact", "連絡先"), language, "")
    for site in trial.location:
        place = ", ".join(word for word in (site.city, site.state, site.country) if word)
        yield f"site / 施設: {site.facility} ({place}), {site.status}"
        if site.note is not None:
            yield f"    {site.note[language]}"
        for person in site.contacts:
            yield from _show_person(person, Text("contact", "連絡先"), language, "    ")


def _show_person(person: Person, heading: Text, language: Language, by: str) -> Iterator[str]:
    known = (person.name, person.role, person.title, person.affiliation, person.phone, person.email)
    yield f"{by}{heading.en} / {heading.ja}: {', '.join(word for word in known if word)}"
    if person.note is not None:
        yield f"{by}    {person.note[language]}"


def _show_interventions(trial: TrialFile, language: Language) -> Iterator[str]:
    yield "## Arms as the record prints them / 登録記録の群"
    for arm in trial.record_arm:
        yield from _show_verbatim(f"{arm.label.en} ({arm.type})", arm.label, arm.description, language)
        for name in arm.interventions:
            yield f"    - {name}"
        if arm.note is not None:
            yield f"    {_NOTE}: {arm.note[language]}"
    yield "## Interventions as the record prints them / 登録記録の介入"
    for each in trial.record_intervention:
        yield from _show_verbatim(f"{each.name.en} ({each.type})", each.name, each.description, language)
        for name in each.arms:
            yield f"    - {name}"
        if each.note is not None:
            yield f"    {_NOTE}: {each.note[language]}"


_NOTE = "note / 注"


def _show_verbatim(heading: str, name: Text, words: Text, language: Language) -> Iterator[str]:
    yield heading
    yield from indent(words.en, "    ")
    if language != "en":
        yield f"    translation / 訳: {name[language]}"
        yield from indent(words[language], "    ")


def _show_criteria(trial: TrialFile, language: Language) -> Iterator[str]:
    record = trial.record_eligibility
    yield f"## Criteria as the record prints them / 登録記録の適格規準 {describe_marks(record, language)}"
    healthy = say("yes" if record.healthy_volunteers else "no", language)
    yield (
        f"age / 年齢: {record.minimum_age} – {record.maximum_age}    sex / 性別: {record.sex}"
        f"    healthy volunteers / 健常者: {healthy}"
    )
    yield from indent(record.criteria.en, "    ")
    if language != "en":
        yield "    translation / 訳:"
        yield from indent(record.criteria[language], "    ")


def _show_remarks(trial: TrialFile, language: Language) -> Iterator[str]:
    if trial.related_trial:
        yield "## Related trials / 関連する試験"
        for other in trial.related_trial:
            yield f"  - {other.nct_id}  {other.brief_title} ({', '.join((other.overall_status, *other.phases))})"
    if trial.related_link:
        yield "## Related links / 関連リンク"
        for link in trial.related_link:
            yield f"  - {link.label[language]}: {link.url}"
    if trial.absent_from_record or trial.absent_note is not None:
        yield "## Absent from the record / 登録記録にない項目"
        for absent in trial.absent_from_record:
            yield f"  - {absent[language]}"
        if trial.absent_note is not None:
            yield f"  {trial.absent_note[language]}"
    if trial.oddity:
        yield "## Oddities, kept as printed / 原文のまま残した不審点"
        for oddity in trial.oddity:
            yield f"  - {oddity.where}: {oddity.what[language]}"
    if trial.open_point:
        yield "## Open points / 未確定事項"
        for place, point in enumerate(trial.open_point, start=1):
            yield f"  {place}. {point[language]}"
    yield "## Translation / 翻訳"
    yield from indent(trial.translation_note[language])
