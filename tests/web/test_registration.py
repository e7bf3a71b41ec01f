"""Registration on screen: the form, the verdict, the signature, the confirmation; without JavaScript, as a browser sends it."""

import hashlib
import importlib.util
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.db import connections
from django.test import Client, override_settings

from oligami.journal import entries as e
from oligami.protocol.compile import compile_protocol
from oligami.trial.commands import SubmitForm
from oligami.web.accounts.identity.models import Identity
from oligami.web.casebook.models import Draft
from oligami.web.casebook.reading import raw_of

PASSWORD = "correct horse battery staple"
CHART = "CHART-7781-X"
IDENTITY = {"_initials": "Q.Z.", "_chart_number": CHART}
ROOT = Path(__file__).parents[2]
FIRST_FORM, SECOND_FORM = "first_registration", "second_registration"


@pytest.fixture(autouse=True)
def outbox() -> Iterator[list[Any]]:
    """Mails go nowhere but into a list."""
    with override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend"):
        mail.outbox = []
        yield mail.outbox


@pytest.fixture
def tiny_site(bench: Any, tmp_path: Path) -> Iterator[Any]:
    """A whole site with the small trial, which registers and randomizes at once."""
    from oligami.protocol.load import load_protocol

    tiny = load_protocol(ROOT / "tests" / "protocols" / "tiny" / "1.0")
    with bench.load(Path(__file__).with_name("site.py")).new_site(tmp_path, tiny) as made:
        yield made


def texts(site: Any, form: str, values: Mapping[str, Any]) -> dict[str, str]:
    """Return values as a browser sends them."""
    return raw_of(compile_protocol(site.protocol).forms[form], values)


def hidden(page: str) -> dict[str, str]:
    """Return the hidden fields of a page."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page)
    return {name: value for name, value in found if name not in ("csrfmiddlewaretoken", "next")}


def typed(site: Any, bench: Any, **changes: Any) -> dict[str, str]:
    """Return an eligible woman's first registration as typed."""
    return {**texts(site, FIRST_FORM, {**bench.FIRST, "registration_date": "2024-06-12", **changes}), **IDENTITY}


def check(client: Client, site: Any, sent: Mapping[str, str], at: str = "") -> Any:
    """Open the first registration (at a site), type, and ask to check it."""
    carried = hidden(client.get(site.url("register/"), {"site": at} if at else {}).content.decode())
    return client.post(site.url("register/"), {**carried, **sent, "_act": "review"})


def sign(client: Client, site: Any, review: Any, **changes: str) -> Any:
    """Sign what a review page shows."""
    return client.post(site.url("register/"), {**hidden(review.content.decode()), "password": PASSWORD, **changes})


def kinds(site: Any) -> list[str]:
    """Return the types of all records, in order, from the first registration on."""
    told = [type(record.entry).__name__ for record in site.desk.journal.records()]
    return [kind for kind in told if kind not in ("ProtocolActivated", "SecretCommitted", "SiteOpened", "RoleGranted")]


def wait_for(condition: Any) -> None:
    """Wait up to two seconds until something holds."""
    until = time.monotonic() + 2
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)


# ---------------------------------------------------------------- first registration


def test_first_registration_from_form_to_confirmation(site: Any, bench: Any) -> None:
    """Form, check, signature, confirmation: three pages, and one subject with consent, form and verdict on record."""
    client = site.client_for("coordinator", "s01")
    review = check(client, site, typed(site, bench))
    page = review.content.decode()
    assert review.status_code == 200
    assert "All criteria are met" in page
    assert CHART in page
    answer = sign(client, site, review)
    assert answer.status_code == 302
    assert answer["Location"] == site.url("subjects/S-0001/confirmation/first/")
    confirmation = client.get(answer["Location"])
    assert confirmation.status_code == 200
    said = confirmation.content.decode()
    assert "S-0001" in said
    assert "Hospital s01" in said
    assert kinds(site) == ["ConsentGiven", "FormSubmitted", "Registered"]
    registered = next(record for record in site.desk.journal.records() if isinstance(record.entry, e.Registered))
    assert registered.stamp.author == site.person("coordinator", "s01").person
    assert (registered.stamp.role, registered.stamp.channel, registered.stamp.caller) == ("coordinator", "web", None)
    assert f"{registered.seq}:{registered.seal}" in said


def test_every_criterion_is_shown_in_order(site: Any, bench: Any) -> None:
    """The verdict names every criterion in the protocol's order with its state, its values in words, and its sentence."""
    client = site.client_for("coordinator", "s01", lang="ja")
    page = check(client, site, typed(site, bench, her2="equivocal", e3_body_temperature_c=38.2)).content.decode()
    stage = site.protocol.eligibility.stage[0]
    panel = page[page.index("verdict-body") :]
    places = [panel.index(f"<code>{criterion.id}</code>") for criterion in stage.criterion]
    assert places == sorted(places)
    rules = {criterion.id: criterion for criterion in stage.criterion}
    assert rules["1R-E3"].when_not_met.ja in panel
    assert rules["1R-I2"].when_unknown.ja in panel
    assert "38.2" in panel
    assert "不適合" in panel
    assert "Fever up 38 degrees Celsius." in panel


def test_live_verdict_is_a_part_of_the_page(site: Any, bench: Any) -> None:
    """The panel's own question gets the panel and the sentence that is read aloud, and writes nothing."""
    client = site.client_for("coordinator", "s01")
    answer = client.post(site.url("register/verdict/"), {"sex": "female", "er": "positive"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "<html" not in page
    assert 'hx-swap-oob="innerHTML"' in page
    total = len(site.protocol.eligibility.stage[0].criterion)
    assert re.search(rf"of {total} criteria met, 0 not met", page)
    assert kinds(site) == []


def test_a_refused_case_tells_every_reason_and_is_recorded_once(site: Any, bench: Any) -> None:
    """Asked for all the same, an ineligible registration is on record once; every reason stands in order, and what was typed stays."""
    client = site.client_for("coordinator", "s01")
    review = check(
        client, site, typed(site, bench, e3_body_temperature_c=38.5, e13_hbs_ag="positive", age_years=81, birth_date=None)
    )
    page = review.content.decode()
    assert "the refusal goes on record" in page
    carried = hidden(page)
    answer = client.post(site.url("register/"), {**carried, "password": PASSWORD})
    assert answer.status_code == 409
    said = answer.content.decode()
    summary = said[said.index("Registration refused") :]
    summary = summary[: summary.index("</ol>")]
    rules = ["1R-I7", "1R-E3", "1R-E13"]
    assert [summary.index(rule) for rule in rules] == sorted(summary.index(rule) for rule in rules)
    assert 'value="38.5"' in said
    assert kinds(site) == ["RegistrationRefused"]
    refused = next(record.entry for record in site.desk.journal.records() if isinstance(record.entry, e.RegistrationRefused))
    assert list(refused.not_met) == rules
    again = client.post(site.url("register/"), {**carried, "password": PASSWORD})
    assert again.status_code == 409
    assert kinds(site) == ["RegistrationRefused"]
    # Corrected on the page that came back, it is a new question under a new command.
    corrected = {**hidden(said), **typed(site, bench), "_act": "review"}
    assert sign(client, site, client.post(site.url("register/"), corrected)).status_code == 302


def test_a_wrong_password_registers_nothing(site: Any, bench: Any) -> None:
    """Without the right password nothing is recorded, and the page to sign comes back with all answers."""
    client = site.client_for("coordinator", "s01")
    review = check(client, site, typed(site, bench))
    answer = sign(client, site, review, password="wrong")
    assert answer.status_code == 403
    assert "did not match" in answer.content.decode()
    assert kinds(site) == []
    assert sign(client, site, answer).status_code == 302


def test_what_is_missing_is_said_beside_the_field(site: Any, bench: Any) -> None:
    """A required item, the chart number and the reason for an unusual value are asked for, 422, and nothing is written."""
    client = site.client_for("coordinator", "s01")
    sent = typed(site, bench, sex=None, e3_body_temperature_c=41.5)
    answer = check(client, site, {**sent, "_chart_number": ""})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'href="#f_chart_number"' in page
    assert "The body temperature is unusual" in page
    assert "Sex" in page[page.index("Not saved yet") :][:800]
    assert kinds(site) == []


def test_an_unusual_value_goes_on_record_with_its_reason(site: Any, bench: Any) -> None:
    """A soft check asks for a reason once; with it the registration goes on, and the reason is recorded."""
    client = site.client_for("coordinator", "s01")
    sent = typed(site, bench, e3_body_temperature_c=33.5)
    assert check(client, site, sent).status_code == 422
    rule = f"forms.{FIRST_FORM}.temperature_plausible"
    review = check(client, site, {**sent, f"_why-{rule}": "measured twice"})
    assert review.status_code == 200
    assert sign(client, site, review).status_code == 302
    form = next(record.entry for record in site.desk.journal.records() if isinstance(record.entry, e.FormSubmitted))
    assert [dict(warning) for warning in form.warnings] == [{"check": rule, "reason": "measured twice"}]


def test_double_post_back_and_reload_make_one_subject(site: Any, bench: Any) -> None:
    """The same page sent twice, or sent again after going back, gives the same subject and no second one."""
    client = site.client_for("coordinator", "s01")
    form = hidden(client.get(site.url("register/")).content.decode())
    review = client.post(site.url("register/"), {**form, **typed(site, bench), "_act": "review"})
    first, second = sign(client, site, review), sign(client, site, review)
    assert first["Location"] == second["Location"]
    # Back to the form, which still carries its command; checked and signed once more.
    again = client.post(site.url("register/"), {**form, **typed(site, bench), "_act": "review"})
    assert sign(client, site, again)["Location"] == first["Location"]
    assert list(site.trial.subjects) == ["S-0001"]
    assert client.get(first["Location"]).status_code == client.get(first["Location"]).status_code == 200


def test_other_answers_under_a_used_command_are_not_lost_in_silence(site: Any, bench: Any) -> None:
    """A second window with other answers is told that the first was registered, and can register its own."""
    client = site.client_for("coordinator", "s01")
    form = hidden(client.get(site.url("register/")).content.decode())
    for sex, expected in (("female", 302), ("male", 409)):
        other = {"e4_last_delivery_date": None} if sex == "male" else {}
        review = client.post(site.url("register/"), {**form, **typed(site, bench, sex=sex, **other), "_act": "review"})
        answer = sign(client, site, review)
        assert answer.status_code == expected
    page = answer.content.decode()
    assert "S-0001 was registered with other answers" in page
    review = client.post(
        site.url("register/"), {**hidden(page), **typed(site, bench, sex="male", e4_last_delivery_date=None), "_act": "review"}
    )
    assert sign(client, site, review)["Location"].endswith("S-0002/confirmation/first/")


def test_twenty_rapid_sendings_make_one_allocation(tiny_site: Any, bench: Any) -> None:
    """Twenty threads that send the same signature at once get the same subject and the same arm, drawn once."""
    site = tiny_site
    client = site.client_for("coordinator", "s01")
    carried = hidden(client.get(site.url("register/")).content.decode())
    sent = {**carried, **texts(site, "entry", TINY), **IDENTITY, "_act": "review"}
    review = hidden(client.post(site.url("register/"), sent).content.decode())
    answers: list[Any] = []

    def send() -> None:
        own = Client()
        own.cookies.load(client.cookies.output(header="", sep=";"))
        answers.append(own.post(site.url("register/"), {**review, "password": PASSWORD}))
        connections.close_all()

    threads = [threading.Thread(target=send) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {302}
    assert {answer["Location"] for answer in answers} == {site.url("subjects/S-0001/confirmation/entry/")}
    assert kinds(site).count("Randomized") == 1
    assert kinds(site).count("Registered") == 1


TINY = {
    "registration_date": "2024-06-12",
    "birth_date": "1970-03-02",
    "sex": "female",
    "tinnitus": "yes",
    "loudness": 40,
    "last_ear_surgery_date": "none",
}


def test_a_second_trial_registers_by_the_same_pages(tiny_site: Any) -> None:
    """A trial of one registration that randomizes at once shows its own criteria, and its arm on the confirmation."""
    site = tiny_site
    client = site.client_for("coordinator", "s01")
    carried = hidden(client.get(site.url("register/")).content.decode())
    review = client.post(site.url("register/"), {**carried, **texts(site, "entry", TINY), **IDENTITY, "_act": "review"})
    assert "The arm is drawn at once" in review.content.decode()
    page = client.get(sign(client, site, review)["Location"]).content.decode()
    arm = site.protocol.arm(site.trial.subjects["S-0001"].allocation.arm)
    assert arm.title.en in page
    assert "Regimen" not in page


# ---------------------------------------------------------------- identity, drafts


def test_identity_never_enters_the_journal(site: Any, bench: Any) -> None:
    """Initials, chart number and birth date are kept apart: no record holds them, the draft that held them is gone."""
    client = site.client_for("coordinator", "s01")
    sign(client, site, check(client, site, typed(site, bench)))
    lines = b"".join(row.line for row in site.desk.journal.rows())
    for word in ("Q.Z.", CHART, "1968-03-15", "19680315"):
        assert word.encode() not in lines
    kept = Identity.objects.get(subject="S-0001")
    assert (kept.initials, kept.chart_number, str(kept.birth_date)) == ("Q.Z.", CHART, "1968-03-15")
    assert not Draft.objects.exists()
    assert site.trial.subjects["S-0001"].values(FIRST_FORM)["age_years"] == 56


def test_what_was_typed_is_kept_as_a_draft(site: Any, bench: Any) -> None:
    """What was typed comes back on another computer, lesions and identity too, and another person sees none of it."""
    client = site.client_for("coordinator", "s01")
    carried = hidden(client.get(site.url("register/")).content.decode())
    sent = {**carried, **typed(site, bench), "_act": "check"}
    assert client.post(site.url("register/draft/"), sent).json()["command"] == carried["_command"]
    elsewhere = site.client_for("coordinator", "s01").get(site.url("register/")).content.decode()
    assert CHART in elsewhere
    assert 'value="18.0"' in elsewhere
    assert CHART not in site.client_for("investigator", "s01").get(site.url("register/")).content.decode()


# ---------------------------------------------------------------- what stands against it


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_a_pause_is_told_before_anybody_types(site: Any, lang: str) -> None:
    """While accrual is paused the page says so and offers nothing to fill in; so it does at a closed site."""
    site.submit(e.AccrualPaused(reason="safety review"))
    site.submit(e.SiteClosed(site="s02", reason="no investigator"))
    page = site.client_for("coordinator", "s01", lang=lang).get(site.url("register/")).content.decode()
    assert {"en": "paused for the whole trial", "ja": "一時停止"}[lang] in page
    assert 'name="sex"' not in page
    closed = site.client_for("coordinator", "s02", lang=lang).get(site.url("register/")).content.decode()
    assert {"en": "closed to registration", "ja": "登録を終了"}[lang] in closed


def test_a_pause_in_the_meantime_refuses_and_keeps_what_was_typed(site: Any, bench: Any) -> None:
    """A pause between check and signature is a refusal by the desk: 409, its reason, nothing written, everything kept."""
    client = site.client_for("coordinator", "s01")
    review = check(client, site, typed(site, bench))
    site.submit(e.AccrualPaused(reason="safety review"))
    answer = sign(client, site, review)
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "accrual.paused" in page
    assert CHART in page
    assert kinds(site) == ["AccrualPaused"]


def test_rights_and_foreign_sites(site: Any, bench: Any) -> None:
    """A foreign subject and a foreign site are not there; a coordinator may not do the second registration, and is told why."""
    subject = site.register("s02")
    own = site.register("s01")
    client = site.client_for("coordinator", "s01")
    assert client.get(site.url(f"subjects/{subject}/register/second/")).status_code == 404
    assert client.get(site.url(f"subjects/{subject}/confirmation/first/")).status_code == 404
    assert client.get(site.url(f"subjects/{subject}/confirmation/first/receipt.json")).status_code == 404
    assert client.get(site.url("register/"), {"site": "s02"}).status_code == 404
    assert client.post(site.url("register/"), {**typed(site, bench), "_site": "s02", "_act": "register"}).status_code == 404
    answer = client.get(site.url(f"subjects/{own}/register/second/"))
    assert answer.status_code == 403
    assert "investigator" in answer.content.decode()
    assert Client().get(site.url("register/")).status_code == 302


# ---------------------------------------------------------------- second registration


def prepare(site: Any, bench: Any) -> str:
    """Register a woman, and let her casebook say what the second registration asks."""
    subject = str(site.register("s01"))
    fill = {"subject": subject}
    site.submit(SubmitForm(**fill, form="systemic_therapy", values=bench.load(ROOT / "tests/trial/conftest.py").THERAPY))
    for number in (1, 2, 3):
        course = {"course_number": number, "course_start_date": "2024-06-12", "regimen": "AI_CDK", "given": "yes"}
        site.submit(SubmitForm(**fill, form="course", values=course))
    sizes = [{"lesion_id": "L1", "size_mm": 12.0, "status": "measured"}, {"lesion_id": "L2", "size_mm": 0, "status": "vanished"}]
    evaluation = {"assessment_date": "2024-06-12", "lesion_sizes": sizes, "new_lesion": "no", "overall_response": "PR"}
    site.submit(SubmitForm(**fill, form="response_evaluation", values=evaluation, visit="week12"))
    return subject


def randomize_page(client: Client, site: Any, subject: str) -> tuple[str, dict[str, str]]:
    """Open the second registration; return the page and what a browser would send of it as shown."""
    page = client.get(site.url(f"subjects/{subject}/register/second/")).content.decode()
    shown = dict(re.findall(r'<input type="text" id="f-[^"]+" name="([^"]+)" value="([^"]*)"', page))
    for name, value in re.findall(r'<input type="radio" id="[^"]+" name="([^"]+)" value="([^"]*)" checked', page):
        shown[name] = value
    for name, options in re.findall(r'<select id="[^"]+" name="([^"]+)".*?>(.*?)</select>', page):
        chosen = re.search(r'value="([^"]*)" selected', options)
        shown[name] = chosen[1] if chosen else ""
    return page, {**hidden(page), **shown}


def test_second_registration_is_filled_in_from_the_casebook(site: Any, bench: Any) -> None:
    """Courses, response and remaining metastases stand in the form as the casebook has them, each with its source."""
    subject = prepare(site, bench)
    page, shown = randomize_page(site.client_for("investigator", "s01"), site, subject)
    assert shown["courses_planned"] == "3"
    assert shown["courses_given"] == "3"
    assert shown["overall_response"] == "PR"
    assert shown["new_lesion"] == "no"
    assert shown["residual_oligometastases"] == "1"
    assert shown["response_evaluation_date"] == "2024-06-12"
    assert shown["registration_date"] == "2024-06-12"
    assert "Still missing" not in page
    assert "/forms/response_evaluation/1/" in page


def test_second_registration_shows_the_arm_of_the_record(site: Any, bench: Any) -> None:
    """Signed, the arm on the page and in the receipt is the record's; its seal holds against the journal by the verifier alone."""
    subject = prepare(site, bench)
    client = site.client_for("investigator", "s01")
    _, sent = randomize_page(client, site, subject)
    sent |= {"first_registration_completed_and_on_study": "yes", "password": PASSWORD}
    address = site.url(f"subjects/{subject}/register/second/")
    answer = client.post(address, sent)
    assert answer.status_code == 302
    assert client.post(address, sent)["Location"] == answer["Location"]
    records = list(site.desk.journal.records())
    drawn = [record for record in records if isinstance(record.entry, e.Randomized)]
    assert len(drawn) == 1
    page = client.get(answer["Location"]).content.decode()
    arm = site.protocol.arm(drawn[0].entry.arm)
    assert arm.title.en in page
    assert ("/forms/radiotherapy/new/" in page) == ("local_therapy" in arm.includes)
    receipt = client.get(f"{answer['Location']}receipt.json").json()
    assert receipt["arm"] == drawn[0].entry.arm
    assert receipt["head"] == f"{drawn[0].seq}:{drawn[0].seal}"
    for record in receipt["records"]:
        assert hashlib.sha256(record["head"].encode()).hexdigest() == record["seal"] == records[record["number"] - 1].seal
    spec = importlib.util.spec_from_file_location("verify_journal", ROOT / "docs" / "reference" / "verify_journal.py")
    assert spec is not None
    assert spec.loader is not None
    verifier = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(verifier)
    journal = b"".join(row.line for row in site.desk.journal.rows())
    assert verifier.verify(journal, receipt["head"])[0] == len(records)
    with pytest.raises(verifier.BrokenError):
        verifier.verify(journal, receipt["head"][:-1] + ("0" if receipt["head"][-1] != "0" else "1"))
    text = client.get(f"{answer['Location']}receipt.txt").content.decode()
    assert receipt["head"] in text
    # The investigator signed what was shown: the form is signed as it stands.
    assert site.trial.subjects[subject].forms[SECOND_FORM, 1].is_signed


def test_nobody_is_shown_how_the_arm_was_drawn(site: Any, bench: Any) -> None:
    """Neither page nor receipt tells probability, tallies, imbalance, the draw or its number."""
    subject = prepare(site, bench)
    client = site.client_for("investigator", "s01")
    _, sent = randomize_page(client, site, subject)
    answer = client.post(
        site.url(f"subjects/{subject}/register/second/"),
        {**sent, "first_registration_completed_and_on_study": "yes", "password": PASSWORD},
    )
    drawn = next(record.entry for record in site.desk.journal.records() if isinstance(record.entry, e.Randomized))
    for kind in ("", "receipt.json", "receipt.txt"):
        told = client.get(f"{answer['Location']}{kind}").content.decode()
        for word in (str(drawn.u), "probability", "tally", "imbalance", "minimi", drawn.method, '"k"', '"u"'):
            assert word not in told


def test_what_is_missing_leads_to_its_form(site: Any) -> None:
    """Without therapy, courses and evaluation the page says so, with the address of each form, and suggests nothing of them."""
    subject = site.register("s01")
    page, shown = randomize_page(site.client_for("investigator", "s01"), site, subject)
    assert "Still missing" in page
    for form in ("systemic_therapy", "course", "response_evaluation"):
        assert f"/forms/{form}/new/" in page
    assert shown["courses_given"] == ""
    assert shown["overall_response"] == ""


def test_a_stale_page_is_compared_and_not_registered(site: Any, bench: Any) -> None:
    """What was said of the subject after the page was made stands against it; the page that comes back has seen it."""
    subject = prepare(site, bench)
    client = site.client_for("investigator", "s01")
    _, sent = randomize_page(client, site, subject)
    sent |= {"first_registration_completed_and_on_study": "yes", "password": PASSWORD}
    course = {"course_number": 4, "course_start_date": "2024-06-12", "regimen": "AI_CDK", "given": "yes"}
    site.submit(SubmitForm(subject=subject, form="course", values=course))
    answer = client.post(site.url(f"subjects/{subject}/register/second/"), sent)
    assert answer.status_code == 409
    assert "Randomized" not in kinds(site)
    carried = hidden(answer.content.decode())
    assert int(carried["_seen"]) > int(sent["_seen"])
    assert client.post(site.url(f"subjects/{subject}/register/second/"), {**sent, **carried}).status_code == 302


def test_progression_keeps_out_of_randomization(site: Any, bench: Any) -> None:
    """With progression the second registration is refused and on record, with the sentence of the criterion; no arm is drawn."""
    subject = prepare(site, bench)
    client = site.client_for("investigator", "s01")
    _, sent = randomize_page(client, site, subject)
    sent |= {"first_registration_completed_and_on_study": "yes", "overall_response": "PD", "password": PASSWORD}
    answer = client.post(site.url(f"subjects/{subject}/register/second/"), sent)
    assert answer.status_code == 409
    assert "The disease has progressed" in answer.content.decode()
    assert kinds(site)[-1] == "RegistrationRefused"
    assert "Randomized" not in kinds(site)


# ---------------------------------------------------------------- telephone, mail, error


def test_registration_by_telephone_names_the_caller(site: Any, bench: Any) -> None:
    """The data manager registers for a caller at a chosen site; the record says so, and identity is left to the site."""
    client = site.client_for("data_manager")
    assert "Site of the subject" in client.get(site.url("register/")).content.decode()
    sent = {name: text for name, text in typed(site, bench).items() if name not in IDENTITY}
    page = client.get(site.url("register/"), {"site": "s03"}).content.decode()
    assert "_chart_number" not in page
    assert check(client, site, sent, at="s03").status_code == 422
    review = check(client, site, {**sent, "_caller": "investigator, s03"}, at="s03")
    answer = sign(client, site, review)
    assert answer.status_code == 302
    registered = next(record for record in site.desk.journal.records() if isinstance(record.entry, e.Registered))
    assert registered.entry.site == "s03"
    assert (registered.stamp.role, registered.stamp.channel, registered.stamp.caller) == (
        "data_manager",
        "telephone",
        "investigator, s03",
    )
    assert not Identity.objects.exists()
    assert "investigator, s03" in client.get(answer["Location"]).content.decode()


def test_the_notice_names_trial_and_number_alone(site: Any, bench: Any, outbox: list[Any]) -> None:
    """Site and data centre get a mail with trial, number and seal: no identity, no arm, no other site; once."""
    subject = prepare(site, bench)
    site.person("data_manager")
    site.person("coordinator", "s02")
    client = site.client_for("investigator", "s01")
    _, sent = randomize_page(client, site, subject)
    sent |= {"first_registration_completed_and_on_study": "yes", "password": PASSWORD}
    for _ in range(2):
        client.post(site.url(f"subjects/{subject}/register/second/"), sent)
    wait_for(lambda: outbox)
    assert [sorted(one.bcc) for one in outbox] == [["data_manager@example.org", "investigator-s01@example.org"]]
    words = outbox[0].subject + outbox[0].body
    assert subject in words
    for arm in site.protocol.trial.arm:
        assert arm.title.en not in words
        assert arm.title.ja not in words
        assert arm.short_title.ja not in words


def test_a_mail_that_fails_undoes_nothing(site: Any, bench: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever the mail server does, the subject is registered and confirmed."""
    with override_settings(EMAIL_BACKEND="django.core.mail.backends.no_such.EmailBackend"):
        client = site.client_for("coordinator", "s01")
        answer = sign(client, site, check(client, site, typed(site, bench)))
        wait_for(lambda: "mail not sent" in caplog.text)
    assert answer.status_code == 302
    assert "mail not sent" in caplog.text
    assert list(site.trial.subjects) == ["S-0001"]


def test_an_allocation_is_marked_in_error_by_the_data_centre(site: Any, bench: Any) -> None:
    """With reason and password the allocation leaves the tallies and the draw stays; the site may not do it."""
    subject = site.register("s01")
    site.randomize(subject, "s01")
    address = site.url(f"subjects/{subject}/allocation/1/error/")
    assert site.client_for("investigator", "s01").get(address).status_code == 403
    client = site.client_for("data_manager")
    carried = hidden(client.get(address).content.decode())
    assert client.post(address, {**carried, "password": PASSWORD}).status_code == 422
    assert client.post(address, {**carried, "_reason": "registered twice", "password": "wrong"}).status_code == 403
    assert not site.trial.subjects[subject].allocations[0].in_error
    answer = client.post(address, {**carried, "_reason": "registered twice", "password": PASSWORD})
    assert answer.status_code == 302
    assert site.trial.subjects[subject].allocations[0].in_error
    assert "marked as made in error" in client.get(answer["Location"]).content.decode()
    assert client.get(site.url(f"subjects/{subject}/allocation/2/error/")).status_code == 404


def test_the_receipt_is_json_and_text_in_both_languages(site: Any) -> None:
    """The receipt of a first registration has no arm, and speaks the reader's language."""
    subject = site.register("s01")
    address = site.url(f"subjects/{subject}/confirmation/first/")
    receipt = json.loads(site.client_for("coordinator", "s01").get(f"{address}receipt.json").content)
    assert "arm" not in receipt
    assert receipt["protocol"] == {"version": site.protocol.version, "digest": site.protocol.digest}
    assert "症例番号: S-0001" in site.client_for("coordinator", "s01", lang="ja").get(f"{address}receipt.txt").content.decode()
    assert site.client_for("coordinator", "s01").get(site.url(f"subjects/{subject}/confirmation/second/")).status_code == 404
