"""The pages of the public record: everything on them, in both languages, for everybody, and nothing that is not public."""

import html
import json
import re
from typing import Any

import pytest

from oligami.journal import entries as e

NAMED = "Tokyo Medical and Dental Univetsity"


def text_of(response: Any) -> str:
    """Return what a reader sees of a page, spaces as they stand."""
    page = re.sub(r"(?s)<(head|script|style)\b.*?</\1>", "", response.content.decode())
    return html.unescape(re.sub(r"<[^>]+>", "", page))


def leaves(value: Any) -> list[str]:
    """Return all texts and numbers of a JSON value."""
    match value:
        case dict():
            return [leaf for each in value.values() for leaf in leaves(each)]
        case list():
            return [leaf for each in value for leaf in leaves(each)]
        case bool():
            return []  # said in words; looked at by tests of their own
        case _:
            return [str(value)]


@pytest.fixture
def opened(site: Any) -> Any:
    """The site with the one hospital open that the record names, beside the fictitious ones."""
    site.submit(e.SiteOpened(site="s77", name=NAMED))
    return site


@pytest.mark.parametrize("address", ["/", "/t/jcog2110/"])
def test_every_leaf_of_the_record_is_on_the_page(opened, address):
    """All that the registry's record and page say can be found on ours, word for word."""
    from oligami.protocol.registry_record import page_extras, registry_json

    shown = text_of(opened.client_for(None).get(address))
    said = leaves(registry_json(opened.protocol.trial)) + leaves(page_extras(opened.protocol.trial))
    assert len(said) > 90
    assert [leaf for leaf in said if leaf not in shown] == []


def test_the_record_speaks_japanese_with_the_english_beside_it(opened):
    """The Japanese page has both languages of every text; the English page needs none of the Japanese."""
    trial = opened.protocol.trial
    japanese = text_of(opened.client_for(None, lang="ja").get("/"))
    english = text_of(opened.client_for(None).get("/"))
    assert trial.brief_summary.ja in japanese
    assert trial.brief_summary.en in japanese
    assert trial.brief_summary.ja not in english
    assert "募集中" in japanese
    assert "Recruiting" in english


def test_none_is_said_where_the_record_has_nothing(opened):
    """No links are shown as none; results are announced as not yet released."""
    page = opened.client_for(None).get("/").content.decode()
    links = page[page.index('id="links"') :]
    assert "None" in links[: links.index("</section>")]
    assert "Not yet released" in page


def pages(site: Any, *, lang: str) -> dict[str, Any]:
    """Return every public page of the trial."""
    client = site.client_for(None, lang=lang)
    addresses = [
        "/",
        *map(
            site.url,
            (
                "",
                "?furigana=1",
                "record.json",
                "locations/",
                "locations/?prefecture=Osaka",
                "versions/",
                "versions/1/",
                "versions/2/",
                "versions/1/record.json",
                "versions/1/compare/2/",
                "versions/since/",
                "versions/since/?date=20240612",
            ),
        ),
    ]
    return {address: client.get(address) for address in addresses}


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_every_page_answers_without_log_in_and_leaves_no_cookie(opened, lang):
    """All public pages are there for everybody, small, and set nothing in the browser."""
    for address, response in pages(opened, lang=lang).items():
        assert response.status_code == 200, address
        assert len(response.content) < 60_000, (address, len(response.content))
        assert "Set-Cookie" not in response.headers, address
        assert not response.cookies, address
        if address.endswith(".json"):
            continue
        page = response.content.decode()
        assert page.count("<h1") == 1, address
        assert f'<html lang="{lang}"' in page, address
        assert " style=" not in page, address


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_a_fictitious_site_is_nowhere(opened, lang):
    """Sites of a rehearsal stand on no page, in no version, no JSON and no count."""
    opened.submit(e.SiteClosed(site="s02", reason="left for good"))
    for address, response in pages(opened, lang=lang).items():
        page = response.content.decode()
        assert "Hospital s0" not in page, address
        assert "left for good" not in page, address
    document = json.loads(opened.client_for(None).get(opened.url("record.json")).content)
    assert [each["facility"] for each in document["sites"]] == [NAMED]


def test_a_subject_at_a_fictitious_site_is_not_counted(opened):
    """Enrolment so far counts the subjects of real sites; arms are told nowhere."""
    opened.register("s01")
    opened.register("s77")
    document = json.loads(opened.client_for(None).get(opened.url("record.json")).content)
    assert [(each["stage"], each["count"], each["planned"]) for each in document["enrolment"]] == [
        ("first", 1, 340),
        ("second", 0, 270),
    ]


def test_paused_accrual_shows_as_suspended(opened):
    """A pause is on the page at once, with its reason among the versions, and gone when registration goes on."""
    client = opened.client_for(None)
    assert "Suspended" not in text_of(client.get("/"))
    opened.submit(e.AccrualPaused(reason="drug supply"))
    assert "Suspended" in text_of(client.get("/"))
    assert "drug supply" in text_of(client.get(opened.url("versions/")))
    opened.submit(e.AccrualResumed(reason="supply is back"))
    assert "Suspended" not in text_of(client.get("/"))


def test_a_revision_changes_the_page_and_makes_a_version(opened):
    """The new value is on the page, the old one in the version before, both in the comparison, with seals."""
    client = opened.client_for(None)
    before = text_of(client.get(opened.url("versions/")))
    opened.submit(e.RecordRevised(changes={"sponsor.name": "Institute of Science"}, reason="renamed"))
    page = text_of(client.get("/"))
    assert "Institute of Science" in page
    listed = text_of(client.get(opened.url("versions/")))
    assert "renamed" in listed
    assert "renamed" not in before
    assert "Institute of Science" not in text_of(client.get(opened.url("versions/2/")))
    compared = client.get(opened.url("versions/2/compare/3/"))
    assert "<del>Tokyo Medical and Dental University</del>" in compared.content.decode()
    assert "<ins>Institute of Science</ins>" in compared.content.decode()
    assert opened.trial.head.seal in text_of(compared)


def test_what_a_revision_says_is_text_and_never_markup(opened):
    """Tags and quotes in a revised value are shown as they are written, on every page, and lead nowhere."""
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
    changes = {
        "sponsor.name": evil,
        "location.0.facility": evil,
        "central_contact.0.phone": evil,
        "central_contact.0.email": evil,
        "brief_summary": {"en": evil, "ja": evil},
        "identification.brief_title": {"en": evil, "ja": evil},
        "related_link.0": {"url": 'https://example.org/"><script>', "label": {"en": evil, "ja": evil}},
        "design.study_type": evil,
        "related_trial.0.nct_id": evil,
        "conditions.0": {"en": evil, "ja": evil},
    }
    opened.submit(e.RecordRevised(changes=changes, reason=evil))
    for lang in ("ja", "en"):
        client = opened.client_for(None, lang=lang)
        for path in (
            "",
            "?furigana=1",
            "locations/",
            "versions/",
            "versions/3/",
            "versions/2/compare/3/",
            "versions/since/?date=20200101",
        ):
            page = client.get(opened.url(path)).content.decode()
            assert "<script>alert" not in page, path
            assert "<img" not in page, path
            assert 'example.org/">' not in page, path


def test_a_link_that_runs_code_is_refused(opened):
    """An address of the `javascript:` kind never reaches the record."""
    from oligami.trial.refused import Refused

    link = {"url": "javascript:alert(1)", "label": {"en": "click", "ja": "押す"}}
    with pytest.raises(Refused) as refused:
        opened.submit(e.RecordRevised(changes={"related_link.0": link}, reason="more"))
    assert [reason.rule for reason in refused.value.reasons] == ["record.address"]


def test_what_changed_since_a_date(opened):
    """The patient's date gives the changes after it; a date before the trial and no date at all get a sentence."""
    client = opened.client_for(None)
    opened.submit(e.AccrualPaused(reason="drug supply"))
    same_day = text_of(client.get(opened.url("versions/since/?date=20240612")))
    assert "was changed 2 times" in same_day
    assert "drug supply" in same_day
    assert client.get(opened.url("versions/since/?date=２０２４-06-12")).content.decode().count("<del>") >= 1
    assert "no public record yet" in text_of(client.get(opened.url("versions/since/?date=19991231")))
    for bad in ("soon", "20241399", "9999-12-31", "2024-6-1", "\x00", "٢٠٢٤٠٤٠١"):
        response = client.get(opened.url("versions/since/"), {"date": bad})
        assert response.status_code == 400, bad
        assert "aria-invalid" in response.content.decode()


def test_the_nearest_site(opened):
    """Sites come by distance from the prefecture asked for; a place that is none is a 400 with a sentence."""
    client = opened.client_for(None, lang="ja")
    page = text_of(client.get(opened.url("locations/?prefecture=Osaka")))
    assert NAMED in page
    assert "395 km" in page
    assert "大阪府 から近い順" in page
    wrong = client.get(opened.url("locations/?prefecture=Atlantis"))
    assert wrong.status_code == 400
    assert "都道府県を一覧から選んでください" in text_of(wrong)


def test_unknown_versions_and_trials_are_not_found(opened):
    """Numbers beyond the versions and trials that are not there are 404, never a fault."""
    client = opened.client_for(None)
    for path in ("versions/0/", "versions/99/", "versions/1/compare/99/", "versions/99/record.json", "versions/compare/?a=1"):
        assert client.get(opened.url(path)).status_code == 404, path
    assert client.get("/t/nothing/").status_code == 404
    assert client.get(opened.url("versions/compare/?a=1&b=2")).headers["Location"].endswith("/versions/1/compare/2/")
    assert client.post("/").status_code == 405


def test_a_page_is_told_by_its_tag(opened):
    """A browser that has the page is told so; after a change it gets the new one; a subject's form changes nothing."""
    client = opened.client_for(None)
    first = client.get("/")
    tag = first.headers["ETag"]
    assert client.get("/", headers={"If-None-Match": tag}).status_code == 304
    japanese = opened.client_for(None, lang="ja").get("/", headers={"If-None-Match": tag})
    assert japanese.status_code == 200
    opened.submit(e.RoleGranted(person="p-x", role="monitor"))
    assert client.get("/", headers={"If-None-Match": tag}).status_code == 304
    opened.submit(e.AccrualPaused(reason="drug supply"))
    assert client.get("/", headers={"If-None-Match": tag}).status_code == 200


def test_a_packed_page_is_the_same_page(opened):
    """Whoever takes gzip gets the same bytes, fewer on the way."""
    import gzip

    client = opened.client_for(None)
    plain, packed = client.get("/"), client.get("/", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content
    assert packed.headers["ETag"] != plain.headers["ETag"]


def test_the_record_for_machines_carries_its_digest(opened):
    """The JSON names record and seal, and anyone can compute its digest again."""
    from hashlib import sha256

    document = json.loads(opened.client_for(None).get(opened.url("record.json")).content)
    said = document.pop("digest")
    spelled = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert sha256(spelled).hexdigest() == said
    head = opened.trial.head
    assert document["journal"]["record"] == head.seq
    assert document["journal"]["seal"] == head.seal
    assert said in text_of(opened.client_for(None).get("/"))


def test_what_was_redacted_leaves_every_page(opened):
    """A text that is removed from a revision's reason is gone from the versions, also from those kept in memory."""
    from oligami.trial.commands import RedactBody

    client = opened.client_for(None)
    opened.submit(e.RecordRevised(changes={"sponsor.name": "Institute"}, reason="asked by a named person"))
    assert "a named person" in text_of(client.get(opened.url("versions/")))
    seq = opened.trial.head.seq
    opened.desk.redact(RedactBody(record=seq, texts=("a named person",), reason="names a person"), _asked(opened))
    assert "a named person" not in text_of(client.get(opened.url("versions/")))
    assert "Institute" in text_of(client.get("/"))


def _asked(site: Any) -> Any:
    import secrets

    from oligami.web.desk import Asked

    return Asked(command=secrets.token_hex(16), author="p-centre", role="data_manager")


def test_readings_stand_beside_difficult_words(opened):
    """With furigana switched on the plain part carries readings, without changing its words."""
    client = opened.client_for(None, lang="ja")
    page = client.get("/?furigana=1").content.decode()
    assert "<rt>にゅうがん</rt>" in page
    assert "<rt>" not in client.get("/").content.decode()
