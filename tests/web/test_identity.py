"""Who a subject is: kept apart, seen by its site alone, erased for good; and free text that names somebody."""

import re
from datetime import date
from typing import Any

import pytest

from oligami.trial.privacy import names_someone, screen

FIELDS = {"initials": "Q.Z.", "chart_number": "QZ-7788123", "birth_date": "1960-04-01"}


def address(site: Any, subject: str, more: str = "") -> str:
    """Return the address of a subject's identity page."""
    return str(site.url(f"subjects/{subject}/identity/{more}"))


def kinds() -> list[str]:
    """Return the kinds of lines about identities, oldest first."""
    from oligami.web.accounts.models import Access

    return list(Access.objects.filter(kind__startswith="identity").order_by("id").values_list("kind", flat=True))


def test_identity_is_kept_seen_and_changed(site: Any) -> None:
    """The site saves it and reads it back in both languages; each act is a line of the access log."""
    subject, client = site.register(), site.client_for("coordinator")
    assert client.post(address(site, subject), FIELDS).status_code == 302
    page = client.get(address(site, subject)).content.decode()
    for value in FIELDS.values():
        assert f'value="{value}"' in page
    assert "個人識別情報" in site.client_for("investigator", lang="ja").get(address(site, subject)).content.decode()
    client.post(address(site, subject), FIELDS | {"initials": "Q.Y."})
    assert kinds() == ["identity_kept", "identity_seen", "identity_seen", "identity_kept"]


def test_identity_is_no_part_of_the_journal(site: Any) -> None:
    """No record and no row of the ledger or the access log holds what names the subject."""
    from django.db import connection

    subject, client = site.register(), site.client_for("coordinator")
    client.post(address(site, subject), FIELDS)
    client.get(address(site, subject))
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table == "identity_identity":
                continue
            cursor.execute(f'SELECT * FROM "{table}"')
            rows = str(cursor.fetchall())
            assert "QZ-7788123" not in rows, table
            assert "Q.Z." not in rows, table


def test_erased_is_erased(site: Any) -> None:
    """With a reason it goes; the log keeps that it went, by whom and why, and not what it was."""
    from django.db import connection

    from oligami.web.accounts.models import Access

    subject, client = site.register(), site.client_for("coordinator")
    client.post(address(site, subject), FIELDS)
    assert client.post(address(site, subject, "erase/"), {"reason": ""}).status_code == 409
    assert client.post(address(site, subject, "erase/"), {"reason": "the subject asked"}).status_code == 302
    assert "QZ-7788123" not in client.get(address(site, subject)).content.decode()
    line = Access.objects.get(kind="identity_erased")
    assert (line.person, line.what) == ("p-coordinator-s01", f"subject {subject}: the subject asked")
    assert client.post(address(site, subject, "erase/"), {"reason": "again"}).status_code == 409
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")
    assert b"QZ-7788123" not in site.raw()


@pytest.mark.parametrize(
    "role",
    ["data_manager", "monitor", "administrator", "inspector", "trial_statistician", "safety_committee", "study_chair"],
)
def test_identity_stays_with_the_site(site: Any, role: str) -> None:
    """No role outside the site sees, saves or erases it; the page says why, and what it holds is not in it."""
    subject = site.register()
    site.client_for("coordinator").post(address(site, subject), FIELDS)
    client = site.client_for(role)
    for answer in (
        client.get(address(site, subject)),
        client.post(address(site, subject), FIELDS | {"initials": "X.X."}),
        client.post(address(site, subject, "erase/"), {"reason": "curious"}),
    ):
        assert answer.status_code == 403
        assert "QZ-7788123" not in answer.content.decode()
    assert kinds() == ["identity_kept"]


def test_another_site_learns_nothing(site: Any) -> None:
    """For a coordinator elsewhere a foreign subject and one that does not exist are the same: 404, byte for byte."""
    subject = site.register()
    site.client_for("coordinator").post(address(site, subject), FIELDS)
    client = site.client_for("coordinator", "s02")

    def seen(one: str) -> tuple[int, str]:
        answer = client.get(address(site, one))
        text = re.sub(r"[0-9a-zA-Z]{64}", "", answer.content.decode())  # the form's token
        return answer.status_code, text.replace(one, "")

    assert seen(subject) == seen("S-9999")
    assert seen(subject)[0] == 404
    assert client.post(address(site, subject, "erase/"), {"reason": "x"}).status_code == 404


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"birth_date": "yesterday"}, "cannot be read"),
        ({"birth_date": "1850-01-01"}, "before 1900"),
        ({"birth_date": "2999-01-01"}, "in the future"),
        ({"initials": "x" * 21}, "up to 20"),
        ({"chart_number": "9" * 41}, "up to 40"),
        ({"initials": "", "chart_number": "", "birth_date": ""}, "Nothing was entered"),
    ],
)
def test_poor_identity_data_are_refused(site: Any, changes: dict[str, str], said: str) -> None:
    """What is wrong is said beside what was typed; nothing is saved."""
    from oligami.web.accounts.identity.models import Identity

    subject = site.register()
    answer = site.client_for("coordinator").post(address(site, subject), FIELDS | changes)
    assert answer.status_code == 409
    assert said in answer.content.decode()
    assert not Identity.objects.exists()


def test_identity_is_kept_by_call(site: Any) -> None:
    """The registration page saves it by one call, with the rights of the person."""
    from django.test import RequestFactory

    from oligami.web.accounts.identity.keeping import identity_of, keep_identity
    from oligami.web.pages.here import page

    subject = site.register()
    request = RequestFactory().post("/")
    request.user = site.person("investigator")

    @page("see_identity")
    def view(request: Any, here: Any) -> Any:
        keep_identity(here, subject, birth_date=date(1960, 4, 1))
        return identity_of(here, subject)

    assert view(request, trial_id=site.trial_id).birth_date == date(1960, 4, 1)


# ---------------------------------------------------------------- free text


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("田中様より電話あり", {"privacy.name"}),
        ("ヤマダさんの希望で延期", {"privacy.name"}),
        ("患者名: 鈴木", {"privacy.name"}),
        ("担当の佐藤氏に確認", {"privacy.name"}),
        ("Mrs. Tanaka asked to wait", {"privacy.name"}),
        ("カルテ番号 1234567", {"privacy.chart_number"}),
        ("ID:00123456 と照合", {"privacy.chart_number"}),
        ("カルテ１２３４５６７", {"privacy.chart_number"}),
        ("昭和35年4月1日", {"privacy.birth_date"}),
        ("S35.4.1", {"privacy.birth_date"}),
        ("生年月日を確認", {"privacy.birth_date"}),
        ("born in spring", {"privacy.birth_date"}),
        ("連絡先 090-1234-5678", {"privacy.telephone"}),
        ("tel 03-1234-5678", {"privacy.telephone"}),
        ("taro@example.org に送付", {"privacy.email"}),
        ("〒104-0045", {"privacy.address"}),
    ],
)
def test_text_that_names_somebody_is_found(text: str, rules: set[str]) -> None:
    """Each kind of sign is found, with a sentence in both languages that does not repeat the text."""
    reasons = names_someone(text)
    assert rules <= {reason.rule for reason in reasons}
    for reason in reasons:
        assert reason.text.en
        assert reason.text.ja
        assert text not in reason.text.ja


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Grade 3 の好中球減少のため 1 コース延期",
        "患者さんの希望により延期",
        "患者様の都合",
        "ご家族様と相談のうえ",
        "2024-06-12 に CT を施行、肝 S6 12 mm",
        "2024年6月12日に入院、6月20日に退院",
        "好中球 480/µL、血小板 12.3 万、CA15-3 1234.5",
        "たくさんの胸水",
        "皆様",
        "仕様の変更",
        "60 Gy / 30 fr, 5 times a week",
        "同様の症状が続く",
        "The patient asked to postpone by 1 week",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    """What is written every day draws no warning."""
    assert names_someone(text) == ()


def test_a_forms_free_texts_are_screened() -> None:
    """Only items into which people write freely are looked at, rows of lists included."""
    values = {"note": "田中様", "code": "田中様", "lesions": [{"place": "鈴木様"}, {"place": "肝臓"}], "dose": 5}
    found = screen(values, lambda name: name != "code")
    assert set(found) == {"note", "place"}
