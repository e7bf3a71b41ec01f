"""The public record laid out for reading: sections, groups and fields, each with its label and value in both languages.

The page, the comparison of two versions and the printed form all read this one layout, so that none of them can forget a field.
A field's path is the one by which a revision names its place (`trial.record_paths`); what follows from the journal begins with
`journal.`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from oligami.protocol.model.record import Person, TrialFile
from oligami.protocol.text import Text
from oligami.registry.record import PublicRecord
from oligami.registry.words import age, arm_label, intervention_name, word
from oligami.trial.record_paths import is_address

Kind = Literal["line", "prose", "link", "phone", "email"]
_NCT: Final = re.compile("NCT[0-9]{8}")
NONE: Final = Text("None", "なし")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A line of the record. `code` is the registry's own word where the value is one; `href` where it leads."""

    path: str
    label: Text
    value: Text
    code: str = ""
    kind: Kind = "line"
    href: str = ""

    @property
    def is_twin(self) -> bool:
        """Whether the record's English and the translation differ, so that a reader of the one may want the other."""
        return self.value.en != self.value.ja and not self.code


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The fields of one thing among several (an arm, a site). `part` is the list it stands in, empty for a group of its own."""

    fields: tuple[Field, ...]
    title: Text | None = None
    part: str = ""
    place: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the record under a heading; `id` is its place on the page. With no group, `empty` says so."""

    id: str
    title: Text
    groups: tuple[Group, ...]
    empty: Text = NONE


def sections(record: PublicRecord) -> tuple[Section, ...]:
    """Return the whole public record, laid out."""
    said = record.said
    return (
        _section("status", "Status and dates", "状況と日付", [Group(fields=tuple(_status(record)))]),
        _section("identification", "Identification", "識別情報", [Group(fields=tuple(_identification(said)))]),
        _section("summary", "Brief summary", "概要", [_alone("brief_summary", "Brief summary", "概要", said.brief_summary)]),
        _section(
            "description",
            "Detailed description",
            "詳細説明",
            [_alone("detailed_description", "Detailed description", "詳細説明", said.detailed_description)],
        ),
        _section("conditions", "Conditions and keywords", "対象疾患・キーワード", [Group(fields=tuple(_conditions(said)))]),
        _section("design", "Design", "デザイン", [Group(fields=tuple(_design(said)))]),
        _section("arms", "Arms", "群", list(_arms(said))),
        _section("interventions", "Interventions", "介入", list(_interventions(said))),
        _section("eligibility", "Eligibility", "適格規準", [Group(fields=tuple(_eligibility(said)))]),
        _section("sponsor", "Sponsor and responsible party", "主宰者・責任者", [Group(fields=tuple(_sponsor(said)))]),
        _section("investigators", "Investigators", "研究者", list(_people("official", said.official))),
        _section("contacts", "Central contacts", "問合せ先", list(_people("central_contact", said.central_contact))),
        _section("locations", "Locations", "実施施設", list(_locations(record))),
        _section("countries", "Countries", "国", list(_texts("country", "Country", "国", map(_same, said.country)))),
        _section("identifiers", "Other identifiers", "その他の識別番号", list(_identifiers(said))),
        _section("links", "Links", "リンク", list(_links(said))),
        _section("results", "Results", "結果", [Group(fields=tuple(_results(said)))]),
        _section(
            "related",
            "Related trials",
            "関連する試験",
            list(_related(said)),
            Text("No related trial is named.", "関連する試験の記載はありません。"),
        ),
        _section("remarks", "Remarks on the record", "登録情報についての注", list(_remarks(said))),
    )


def every_field(record: PublicRecord) -> Iterator[tuple[Section, Group, Field]]:
    """Yield each field with the group and section it stands in."""
    for section in sections(record):
        for group in section.groups:
            for field in group.fields:
                yield section, group, field


# ---------------------------------------------------------------- helpers


def _section(name: str, en: str, ja: str, groups: list[Group], empty: Text = NONE) -> Section:
    return Section(id=name, title=Text(en, ja), groups=tuple(group for group in groups if group.fields), empty=empty)


def _same(value: str) -> Text:
    return Text(value, value)


def _line(path: str, en: str, ja: str, value: Text | str) -> Iterator[Field]:
    """Yield a field unless it says nothing."""
    text = _same(value) if isinstance(value, str) else value
    if text.en or text.ja:
        yield Field(path=path, label=Text(en, ja), value=text)


def _code(path: str, en: str, ja: str, code: str) -> Iterator[Field]:
    if code:
        yield Field(path=path, label=Text(en, ja), value=word(code), code=code)


def _prose(path: str, en: str, ja: str, value: Text | None) -> Iterator[Field]:
    if value is not None and (value.en or value.ja):
        yield Field(path=path, label=Text(en, ja), value=value, kind="prose")


def _registered(path: str, number: str) -> Iterator[Field]:
    """Yield a registry number, with the address of its page where the number tells the registry."""
    if number:
        href = f"https://clinicaltrials.gov/study/{number}" if _NCT.fullmatch(number) else ""
        yield Field(path=path, label=Text("Registry number", "登録番号"), value=_same(number), kind="link", href=href)


def _alone(path: str, en: str, ja: str, value: Text) -> Group:
    return Group(fields=tuple(_prose(path, en, ja, value)))


def _texts(part: str, en: str, ja: str, values: Iterable[Text]) -> Iterator[Group]:
    for place, value in enumerate(values):
        yield Group(fields=tuple(_line(f"{part}.{place}", en, ja, value)), part=part, place=place)


# ---------------------------------------------------------------- the sections


def _status(record: PublicRecord) -> Iterator[Field]:
    said = record.said
    yield from _code("status.overall", "Overall status", "状況", record.status)
    for place, stage in enumerate(record.paused):
        yield from _line(f"journal.paused.{place}", "Paused at present", "一時停止中", stage)
    for place, phase in enumerate(said.design.phases):
        yield from _code(f"design.phases.{place}", "Phase", "相", phase)
    count = said.design.enrollment_count
    yield from _line("design.enrollment_count", "Planned enrolment", "予定登録数（例）", str(count))
    for stage_so_far in record.enrolment:
        planned, number = stage_so_far.planned, stage_so_far.count
        of = Text("" if planned is None else f" of {planned}", "" if planned is None else f"／{planned}例")
        drawn = Text(" (randomized)", "（無作為割付）") if stage_so_far.randomizes else Text("", "")
        yield Field(
            path=f"journal.enrolment.{stage_so_far.stage}",
            label=Text(f"So far: {stage_so_far.title.en}{drawn.en}", f"これまで: {stage_so_far.title.ja}{drawn.ja}"),
            value=Text(f"{number}{of.en}", f"{number}例{of.ja}"),
        )
    yield from _line("status.start_date", "Start date", "開始日", said.status.start_date.isoformat())
    yield from _line("status.completion_date", "Completion date", "終了予定日", said.status.completion_date.isoformat())
    yield from _line(
        "status.last_update_posted",
        "Last update posted at the registry",
        "登録機関での最終更新日",
        said.status.last_update_posted.isoformat(),
    )
    version = record.protocol.version
    yield from _line("journal.protocol", "Protocol version", "プロトコールの版", Text(version, f"第 {version} 版"))
    for place, later in enumerate(record.approved):
        label = Text("Approved, taken over site by site", "承認済み（施設ごとに切替え）")
        yield Field(path=f"journal.approved.{place}", label=label, value=Text(later, f"第 {later} 版"))


def _identification(said: TrialFile) -> Iterator[Field]:
    who = said.identification
    yield from _line("identification.brief_title", "Brief title", "試験名", who.brief_title)
    yield from _registered("identification.nct_id", who.nct_id)
    yield from _line("identification.org_study_id", "Number of the study group", "研究グループの番号", who.org_study_id)
    yield from _line("identification.acronym", "Acronym", "略称", who.acronym)


def _conditions(said: TrialFile) -> Iterator[Field]:
    for place, text in enumerate(said.conditions):
        yield from _line(f"conditions.{place}", "Condition", "対象疾患", text)
    for place, text in enumerate(said.keywords):
        yield from _line(f"keywords.{place}", "Keyword", "キーワード", text)


def _design(said: TrialFile) -> Iterator[Field]:
    design = said.design
    yield from _code("design.study_type", "Study type", "試験の種類", design.study_type)
    yield from _code("design.allocation", "Allocation", "割付", design.allocation)
    yield from _code("design.intervention_model", "Intervention model", "介入モデル", design.intervention_model)
    yield from _code("design.primary_purpose", "Primary purpose", "主な目的", design.primary_purpose)
    yield from _code("design.masking", "Masking", "盲検化", design.masking)
    yield from _prose(
        "design.intervention_model_description", "How the trial runs", "試験の進み方", design.intervention_model_description
    )


def _arms(said: TrialFile) -> Iterator[Group]:
    for place, arm in enumerate(said.record_arm):
        path = f"record_arm.{place}"
        names = [intervention_name(said, printed) for printed in arm.interventions]
        fields = (
            *_line(f"{path}.label", "Arm", "群", arm.label),
            *_code(f"{path}.type", "Type", "種別", arm.type),
            *_prose(f"{path}.description", "Description", "説明", arm.description),
            *(
                field
                for number, name in enumerate(names)
                for field in _line(f"{path}.interventions.{number}", "Intervention", "介入", name)
            ),
            *_prose(f"{path}.note", "Note", "注", arm.note),
        )
        yield Group(fields=fields, title=arm.label, part="record_arm", place=place)


def _interventions(said: TrialFile) -> Iterator[Group]:
    for place, each in enumerate(said.record_intervention):
        path = f"record_intervention.{place}"
        labels = [arm_label(said, printed) for printed in each.arms]
        fields = (
            *_line(f"{path}.name", "Name", "名称", each.name),
            *_code(f"{path}.type", "Type", "種別", each.type),
            *_prose(f"{path}.description", "Description", "説明", each.description),
            *(field for number, label in enumerate(labels) for field in _line(f"{path}.arms.{number}", "Arm", "群", label)),
            *_prose(f"{path}.note", "Note", "注", each.note),
        )
        yield Group(fields=fields, title=each.name, part="record_intervention", place=place)


def _eligibility(said: TrialFile) -> Iterator[Field]:
    rules = said.record_eligibility
    yield from _line("record_eligibility.minimum_age", "Minimum age", "年齢の下限", age(rules.minimum_age))
    yield from _line("record_eligibility.maximum_age", "Maximum age", "年齢の上限", age(rules.maximum_age))
    yield from _code("record_eligibility.sex", "Sex", "性別", rules.sex)
    healthy = Text("Yes", "あり") if rules.healthy_volunteers else Text("No", "なし")
    yield from _line("record_eligibility.healthy_volunteers", "Healthy volunteers", "健康な参加者", healthy)
    yield from _prose("record_eligibility.criteria", "Criteria", "規準", rules.criteria)


def _sponsor(said: TrialFile) -> Iterator[Field]:
    sponsor = said.sponsor
    yield from _line("sponsor.name", "Lead sponsor", "主宰者", sponsor.name)
    yield from _code("sponsor.organization_class", "Class", "区分", sponsor.organization_class)
    yield from _code("sponsor.responsible_party_type", "Responsible party", "責任者の区分", sponsor.responsible_party_type)
    yield from _line("sponsor.responsible_party_name", "Name", "責任者の氏名", sponsor.responsible_party_name)
    yield from _line("sponsor.responsible_party_title", "Title", "責任者の職名", sponsor.responsible_party_title)


def _person(path: str, person: Person) -> tuple[Field, ...]:
    dialled = "".join(character for character in person.phone if character.isdigit() or character == "+")
    return (
        *_line(f"{path}.name", "Name", "氏名", person.name),
        *_code(f"{path}.role", "Role", "役割", person.role),
        *_line(f"{path}.title", "Title", "職名", person.title),
        *_line(f"{path}.affiliation", "Affiliation", "所属", person.affiliation),
        *_reach(f"{path}.phone", "Phone", "電話", person.phone, "phone", f"tel:{dialled}"),
        *_reach(f"{path}.email", "E-mail", "電子メール", person.email, "email", f"mailto:{person.email}"),
        *_prose(f"{path}.note", "Note", "注", person.note),
    )


def _reach(path: str, en: str, ja: str, value: str, kind: Kind, href: str) -> Iterator[Field]:
    if value:
        yield Field(path=path, label=Text(en, ja), value=_same(value), kind=kind, href=href)


def _people(part: str, people: tuple[Person, ...]) -> Iterator[Group]:
    for place, person in enumerate(people):
        yield Group(fields=_person(f"{part}.{place}", person), title=_same(person.name), part=part, place=place)


def _locations(record: PublicRecord) -> Iterator[Group]:
    for place, (site, dates) in enumerate(zip(record.said.location, record.site_dates, strict=True)):
        path = f"location.{place}"
        contacts = (
            field for number, person in enumerate(site.contacts) for field in _person(f"{path}.contacts.{number}", person)
        )
        fields = (
            *_line(f"{path}.facility", "Facility", "施設", site.facility),
            *_code(f"{path}.status", "Site status", "施設の状況", site.status),
            *_line(f"{path}.opened", "Open since", "開設日", "" if dates.opened is None else dates.opened.isoformat()),
            *_line(f"{path}.closed", "Closed on", "終了日", "" if dates.closed is None else dates.closed.isoformat()),
            *_line(f"{path}.city", "City", "市区町村", site.city),
            *_line(f"{path}.state", "Prefecture or state", "都道府県・州", site.state),
            *_line(f"{path}.country", "Country", "国", site.country),
            *contacts,
            *_prose(f"{path}.note", "Note", "注", site.note),
        )
        yield Group(fields=fields, title=_same(site.facility), part="location", place=place)


def _identifiers(said: TrialFile) -> Iterator[Group]:
    for place, other in enumerate(said.identification.other_identifiers):
        path = f"identification.other_identifiers.{place}"
        fields = (
            *_line(f"{path}.id", "Identifier", "番号", other.id),
            *_line(f"{path}.type", "Type", "種別", other.type),
            *_line(f"{path}.source", "Source", "出所", other.source),
        )
        yield Group(fields=fields, part="identification.other_identifiers", place=place)


def _links(said: TrialFile) -> Iterator[Group]:
    for place, link in enumerate(said.related_link):
        fields = (
            *_line(f"related_link.{place}.label", "Link", "リンク", link.label),
            Field(
                path=f"related_link.{place}.url",
                label=Text("Address", "アドレス"),
                value=_same(link.url),
                kind="link",
                href=link.url if is_address(link.url) else "",
            ),
        )
        yield Group(fields=fields, part="related_link", place=place)


def _results(said: TrialFile) -> Iterator[Field]:
    if said.status.has_results:
        released = Text("Results have been released.", "結果は公表されています。")
        yield from _line("status.has_results", "Results", "結果", released)
        return
    yield from _line("status.has_results", "Results", "結果", Text("Not yet released", "未公表"))
    yield from _prose("status.results_note", "Notice", "お知らせ", said.status.results_note)


def _related(said: TrialFile) -> Iterator[Group]:
    for place, other in enumerate(said.related_trial):
        path = f"related_trial.{place}"
        fields = (
            *_registered(f"{path}.nct_id", other.nct_id),
            *_line(f"{path}.brief_title", "Title", "試験名", other.brief_title),
            *_code(f"{path}.overall_status", "Status", "状況", other.overall_status),
            *(
                field
                for number, phase in enumerate(other.phases)
                for field in _code(f"{path}.phases.{number}", "Phase", "相", phase)
            ),
        )
        yield Group(fields=fields, part="related_trial", place=place)


def _remarks(said: TrialFile) -> Iterator[Group]:
    oddities = (
        Field(path=f"oddity.{place}", label=_same(oddity.where), value=oddity.what) for place, oddity in enumerate(said.oddity)
    )
    yield Group(fields=tuple(oddities), title=Text("Kept as the registry prints it", "登録情報の表記のまま残したもの"))
    absent = [
        field
        for place, text in enumerate(said.absent_from_record)
        for field in _line(f"absent_from_record.{place}", "Left out", "記載なし", text)
    ]
    note = _prose("absent_note", "Note", "注", said.absent_note)
    yield Group(fields=(*absent, *note), title=Text("What the registry's record leaves out", "登録情報に記載がない項目"))
    yield Group(fields=tuple(_prose("translation_note", "Translation", "翻訳について", said.translation_note)))
