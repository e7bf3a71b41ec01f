"""Forms in the browser: filled, corrected, signed, with drafts and history."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oligami.journal import entries as e
from oligami.protocol.load import load_protocol
from oligami.trial.commands import CorrectItems, Register, SubmitForm

FOLLOW_UP = {"contact_date": "R6.6.11", "vital_status": "alive"}
DEATH = {"death_date": "20240611", "cause": "breast_cancer"}


def address(site: Any, subject: str, form: str, *rest: Any) -> str:
    """Return the address of a form's page."""
    return site.url("/".join(["subjects", subject, "forms", form, *map(str, rest)]) + "/")


def hidden(page: str, name: str) -> str:
    """Return what a hidden field of a page carries."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, name
    return found[1]


def opened(client: Client, url: str) -> dict[str, str]:
    """Open a form and return what its page carries beside the items."""
    page = client.get(url).content.decode()
    return {name: hidden(page, name) for name in ("_command", "_version", "_visit", "_edition")}


def saved(site: Any, subject: str, form: str = "follow_up", **values: Any) -> None:
    """Save a form outside the pages."""
    known = {"follow_up": {"contact_date": "2024-06-11", "vital_status": "alive"}}.get(form, {})
    site.submit(SubmitForm(subject=subject, form=form, values={**known, **values}))


@pytest.fixture
def subject(site: Any) -> str:
    """A subject of the first hospital."""
    return str(site.register())


@pytest.fixture
def coordinator(site: Any) -> Client:
    """The first hospital's coordinator, reading English."""
    return site.client_for("coordinator", "s01")


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_every_form_shows_its_items_and_no_other(site: Any, subject: str, lang: str) -> None:
    """Each form of the protocol is a page with one h1 and exactly the inputs of its items."""
    site.randomize(subject)
    client = site.client_for("coordinator", "s01", lang=lang)
    for form in site.protocol.forms:
        if form.role == "registration":
            continue
        page = client.get(address(site, subject, form.id, "new")).content.decode()
        names = {name.split("-")[0] for name in re.findall(r'<(?:input|select|textarea)[^>]* name="([^_"][^"]*)"', page)}
        names -= {"csrfmiddlewaretoken", "next"}
        assert names == {item.id for item in form.item}, form.id
        assert page.count("<h1") == 1
        assert form.title[lang] in page
        assert "style=" not in page


def test_saved_forms_of_every_kind_can_be_read(site: Any, subject: str, coordinator: Client) -> None:
    """A registration filled elsewhere is a form like the others, with each value in words."""
    page = coordinator.get(address(site, subject, "first_registration", 1)).content.decode()
    assert "Positive (1 % or more of nuclei)" in page
    assert "18.0 mm" in page or "18.0" in page
    assert "birth_date" not in page


def test_a_form_is_filled_and_shown(site: Any, subject: str, coordinator: Client) -> None:
    """What is typed is saved as one entry; the next page shows it."""
    url = address(site, subject, "follow_up", "new")
    answer = coordinator.post(url, {**opened(coordinator, url), **FOLLOW_UP})
    assert answer.status_code == 302
    assert answer["Location"] == address(site, subject, "follow_up", 1)
    assert site.trial.subjects[subject].values("follow_up") == {"contact_date": "2024-06-11", "vital_status": "alive"}
    assert "2024-06-11" in coordinator.get(answer["Location"]).content.decode()


def test_errors_stand_at_their_fields_and_nothing_typed_is_lost(site: Any, subject: str, coordinator: Client) -> None:
    """A form that cannot be read comes back with 422, every text as typed, a summary that leads to each field; nothing is written."""
    url, head = address(site, subject, "follow_up", "new"), site.trial.head.seq
    typed = {"contact_date": "June 2024", "vital_status": "alive", "remarks": "two <b>lines</b>"}
    answer = coordinator.post(url, {**opened(coordinator, url), **typed})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="June 2024"' in page
    assert "two &lt;b&gt;lines&lt;/b&gt;" in page
    assert 'href="#f-contact_date"' in page
    assert 'id="f-contact_date-e"' in page
    assert re.search(r'id="f-contact_date"[^>]*aria-describedby="[^"]*f-contact_date-e[^"]*"[^>]*aria-invalid="true"', page)
    assert site.trial.head.seq == head


def test_a_hard_check_refuses_at_its_item(site: Any, subject: str, coordinator: Client) -> None:
    """A date after the date of contact is refused where it stands."""
    url = address(site, subject, "follow_up", "new")
    typed = {**FOLLOW_UP, "clinical_progression": "yes", "clinical_progression_date": "20240612"}
    answer = coordinator.post(url, {**opened(coordinator, url), **typed})
    assert answer.status_code == 422
    assert 'href="#f-clinical_progression_date"' in answer.content.decode()


def test_a_soft_check_asks_for_a_reason_and_takes_it(site: Any, subject: str, coordinator: Client) -> None:
    """A doubtful form is saved once somebody says why it is right; the reason stays with it."""
    url = address(site, subject, "follow_up", "new")
    typed = {**opened(coordinator, url), **FOLLOW_UP, "contact_date": "20240601"}
    answer = coordinator.post(url, typed)
    why = "_why-forms.follow_up.contact_after_registration"
    assert answer.status_code == 422
    assert f'name="{why}"' in answer.content.decode()
    assert coordinator.post(url, {**typed, why: "told by telephone before"}).status_code == 302
    state = site.trial.subjects[subject].forms["follow_up", 1]
    assert [warning["reason"] for warning in state.warnings] == ["told by telephone before"]
    assert "told by telephone before" in coordinator.get(address(site, subject, "follow_up", 1)).content.decode()


def test_a_therapy_outside_the_table_is_greyed_and_asks_why(site: Any, subject: str, coordinator: Client) -> None:
    """A regimen that the table does not list carries the sentence why not; chosen all the same it needs a reason."""
    url = address(site, subject, "systemic_therapy", "new")
    page = coordinator.get(url).content.decode()
    assert "not in the table" in page
    typed = {"regimen": "OTHER", "regimen_other": "something", "setting": "after_completion", "menopause": "postmenopausal"}
    answer = coordinator.post(url, {**opened(coordinator, url), **typed})
    assert answer.status_code == 422
    assert 'name="_why-therapy.status"' in answer.content.decode()


def test_a_prescription_shows_options_and_biological_dose(site: Any, subject: str, coordinator: Client) -> None:
    """Beside a lesion's radiotherapy stand the allowed doses, BED and EQD2 of what was typed."""
    site.randomize(subject)
    url = address(site, subject, "radiotherapy", "new")
    page = coordinator.post(url, {"_refresh": "1", "site": "bone", "total_gy": "24", "fractions": "2"}).content.decode()
    assert "Options of the protocol" in page
    assert "BED" in page
    assert "EQD2" in page
    assert "12.00 Gy a fraction" in page
    assert re.search(r"<datalist[^>]*>\s*<option value=\"L1\">", page)


def test_lesions_are_carried_over_and_summed(site: Any, subject: str, coordinator: Client) -> None:
    """An assessment begins with the registration's lesions, and the sum follows what is typed."""
    url = address(site, subject, "response_evaluation", "new")
    page = coordinator.get(url).content.decode()
    assert 'name="lesion_sizes-1-lesion_id" value="L1"' in page
    assert 'name="lesion_sizes-2-lesion_id" value="L2"' in page
    rows = {"lesion_sizes-1-lesion_id": "L1", "lesion_sizes-1-size_mm": "10", "lesion_sizes-1-status": "measured"}
    rows |= {"lesion_sizes-2-lesion_id": "L2", "lesion_sizes-2-size_mm": "6.5", "lesion_sizes-2-status": "measured"}
    page = coordinator.post(url, {"_refresh": "1", "assessment_date": "20240612", **rows}).content.decode()
    assert ">16.5</output>" in page
    assert "Sum of target lesions" in page


def test_a_row_is_added_without_a_script(site: Any, subject: str, coordinator: Client) -> None:
    """The button gives one more row and keeps what was typed."""
    url = address(site, subject, "response_evaluation", "new")
    page = coordinator.post(
        url, {"_add_row": "lesion_sizes", "lesion_sizes-1-lesion_id": "L9", "lesion_sizes-2-lesion_id": ""}
    ).content.decode()
    assert 'name="lesion_sizes-1-lesion_id" value="L9"' in page
    assert 'name="lesion_sizes-3-lesion_id"' in page


def test_what_is_asked_follows_what_was_answered(site: Any, subject: str, coordinator: Client) -> None:
    """Updating the form takes away what is not asked and brings what is."""
    url = address(site, subject, "follow_up", "new")
    no = coordinator.post(url, {"_refresh": "1", "clinical_progression": "no"}).content.decode()
    yes = coordinator.post(url, {"clinical_progression": "yes"}, headers={"X-Fragment": "form"}).content.decode()
    assert 'name="clinical_progression_date"' not in no
    assert 'name="clinical_progression_date"' in yes
    assert "<h1" not in yes


def test_a_double_click_makes_one_entry(site: Any, subject: str, coordinator: Client) -> None:
    """The same form sent twice is saved once, and both answers lead to it."""
    url = address(site, subject, "follow_up", "new")
    sent = {**opened(coordinator, url), **FOLLOW_UP}
    first, second = coordinator.post(url, sent), coordinator.post(url, sent)
    assert first["Location"] == second["Location"]
    assert len(site.trial.subjects[subject].of_form("follow_up")) == 1


def test_two_windows_of_one_draft_make_one_entry_and_lose_nothing(site: Any, subject: str, coordinator: Client) -> None:
    """Both windows carry one command id; other answers in the second are kept on the page and said not to be saved."""
    url = address(site, subject, "follow_up", "new")
    one, two = opened(coordinator, url), opened(coordinator, url)
    assert one["_command"] == two["_command"]
    assert coordinator.post(url, {**one, **FOLLOW_UP}).status_code == 302
    answer = coordinator.post(url, {**two, **FOLLOW_UP, "remarks": "from the second window"})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "From another window" in page
    assert "from the second window" in page
    assert len(site.trial.subjects[subject].of_form("follow_up")) == 1
    again = coordinator.post(url, {**two, "_command": hidden(page, "_command"), **FOLLOW_UP, "remarks": "from the second window"})
    assert again["Location"] == address(site, subject, "follow_up", 2)


def test_a_form_filled_once_is_not_filled_twice(site: Any, subject: str, coordinator: Client) -> None:
    """A second window of a form that is filled once is refused, with the way to the saved one; what was typed stays."""
    url = address(site, subject, "treatment_end", "new")
    sent = {**opened(coordinator, url), "end_date": "20240612", "reason": "progression"}
    assert coordinator.post(url, sent).status_code == 302
    answer = coordinator.post(url, {**sent, "_command": "f" * 32})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert address(site, subject, "treatment_end", 1) in page
    assert 'value="20240612"' in page
    assert coordinator.get(url).status_code == 409


def test_drafts_are_kept_resumed_and_gone_when_sent(site: Any, subject: str, coordinator: Client) -> None:
    """What the page saves while one types comes back on another computer, is nobody else's, and goes with the form."""
    url, keep = address(site, subject, "follow_up", "new"), site.url("drafts/save/")
    page = {**opened(coordinator, url), "_subject": subject, "_form": "follow_up", "_occurrence": "0"}
    answer = coordinator.post(keep, {**page, "contact_date": "R6.6", "remarks": "half a sen"})
    assert answer.status_code == 200
    other = site.client_for("coordinator", "s01")
    again = other.get(url).content.decode()
    assert 'value="R6.6"' in again
    assert "half a sen" in again
    assert "Follow-up" in other.get(site.url("drafts/")).content.decode()
    assert "half a sen" not in site.client_for("investigator", "s01").get(url).content.decode()
    assert site.trial.subjects[subject].of_form("follow_up") == ()
    assert coordinator.post(url, {**page, **FOLLOW_UP}).status_code == 302
    assert "half a sen" not in other.get(url).content.decode()
    assert coordinator.post(keep, {**page, "remarks": "late"}).status_code == 410


def test_a_draft_saved_elsewhere_is_told_field_by_field(site: Any, subject: str, coordinator: Client) -> None:
    """A window that saves over another's newer draft is told what the other wrote, and overwrites nothing."""
    url, keep = address(site, subject, "follow_up", "new"), site.url("drafts/save/")
    page = {**opened(coordinator, url), "_subject": subject, "_form": "follow_up", "_occurrence": "0"}
    assert coordinator.post(keep, {**page, "remarks": "first"}).json()["edition"] == 1
    answer = coordinator.post(keep, {**page, "remarks": "second"})
    assert answer.status_code == 409
    assert answer.json()["differ"] == [{"name": "remarks", "label": "Remarks", "theirs": "first"}]
    assert coordinator.post(keep, {**page, "_edition": "1", "remarks": "second"}).status_code == 200


def test_saving_for_later_needs_no_script(site: Any, subject: str, coordinator: Client) -> None:
    """The button keeps the draft; the list of drafts gives it back and can remove it."""
    url = address(site, subject, "follow_up", "new")
    coordinator.post(url, {**opened(coordinator, url), "remarks": "later", "_save_draft": "1"})
    assert "later" in coordinator.get(url).content.decode()
    page = coordinator.get(site.url("drafts/")).content.decode()
    coordinator.post(site.url("drafts/"), {"draft": hidden_button(page)})
    assert "later" not in coordinator.get(url).content.decode().replace("Save for later", "")


def hidden_button(page: str) -> str:
    """Return the number of the first draft that can be removed."""
    found = re.search(r'name="draft" value="(\d+)"', page)
    assert found is not None
    return found[1]


def test_only_what_changed_is_corrected_and_a_reason_is_due(site: Any, subject: str, coordinator: Client) -> None:
    """A correction without a reason is refused with all that was typed; with one it holds old and new of the changed item alone."""
    saved(site, subject, remarks="seen at the clinic")
    url = address(site, subject, "follow_up", 1, "correct")
    page = coordinator.get(url).content.decode()
    typed = {name: hidden(page, name) for name in ("_command", "_version", "_seen")}
    typed |= {"contact_date": "20240612", "vital_status": "alive", "remarks": "seen at the clinic"}
    answer = coordinator.post(url, typed)
    assert answer.status_code == 422
    assert 'id="reason-e"' in answer.content.decode()
    assert 'value="20240612"' in answer.content.decode()
    assert coordinator.post(url, {**typed, "_reason": "slip of the pen"}).status_code == 302
    (change,) = site.trial.subjects[subject].forms["follow_up", 1].changes
    assert (dict(change.old), dict(change.new)) == ({"contact_date": "2024-06-11"}, {"contact_date": "2024-06-12"})


def test_a_stale_correction_is_compared_not_overwritten(site: Any, subject: str, coordinator: Client) -> None:
    """Two people correct one form: the second sees old, theirs and mine item by item, chooses, and goes on with nothing lost."""
    saved(site, subject, remarks="first")
    url = address(site, subject, "follow_up", 1, "correct")
    page = coordinator.get(url).content.decode()
    typed = {name: hidden(page, name) for name in ("_command", "_version", "_seen")}
    typed |= {"contact_date": "20240612", "vital_status": "alive", "remarks": "mine", "_reason": "new letter"}
    seq = site.trial.subjects[subject].forms["follow_up", 1].seq
    new = {"remarks": "theirs", "treatment_status": "no_treatment"}
    site.submit(CorrectItems(subject=subject, form="follow_up", occurrence=1, new=new, reason="told"), seen=seq)
    answer = coordinator.post(url, typed)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert all(f"<td>{word}</td>" in page for word in ("first", "theirs", "mine"))
    assert site.trial.subjects[subject].values("follow_up")["remarks"] == "theirs"
    carried = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page))
    merged = coordinator.post(url, {**carried, "_merge": "1", "_take-remarks": "mine"}).content.decode()
    assert "mine</textarea>" in merged
    assert re.search(r'value="no_treatment" checked', merged)
    final = {name: hidden(merged, name) for name in ("_command", "_version", "_seen")}
    final |= {"contact_date": "2024-06-12", "vital_status": "alive", "remarks": "mine", "treatment_status": "no_treatment"}
    assert coordinator.post(url, {**final, "_reason": "new letter"}).status_code == 302
    values = site.trial.subjects[subject].values("follow_up")
    assert (values["remarks"], values["contact_date"], values["treatment_status"]) == ("mine", "2024-06-12", "no_treatment")


def test_a_signature_asks_again_and_ends_with_a_correction(site: Any, subject: str) -> None:
    """Signing wants the password; the form shows the signature, and after a correction that it is no longer current."""
    saved(site, subject)
    client = site.client_for("investigator", "s01")
    client.post("/accounts/login/", {"login": site.person("investigator").username, "password": "correct horse battery staple"})
    url = address(site, subject, "follow_up", 1, "sign")
    page = client.get(url).content.decode()
    typed = {name: hidden(page, name) for name in ("_command", "_seen", "_shown")}
    assert client.post(url, {**typed, "password": "wrong"}).status_code == 422
    assert not site.trial.subjects[subject].forms["follow_up", 1].is_signed
    assert client.post(url, {**typed, "password": "correct horse battery staple"}).status_code == 302
    state = site.trial.subjects[subject].forms["follow_up", 1]
    assert state.is_signed
    assert ">signed<" in client.get(address(site, subject, "follow_up", 1)).content.decode()
    change = CorrectItems(subject=subject, form="follow_up", occurrence=1, new={"contact_date": "2024-06-12"}, reason="slip")
    site.submit(change, seen=state.seq)
    assert "signature no longer current" in client.get(address(site, subject, "follow_up", 1)).content.decode()


def test_what_was_not_shown_is_not_signed(site: Any, subject: str) -> None:
    """A form corrected after it was shown for signature is not signed."""
    saved(site, subject)
    client = site.client_for("investigator", "s01")
    url = address(site, subject, "follow_up", 1, "sign")
    page = client.get(url).content.decode()
    typed = {name: hidden(page, name) for name in ("_command", "_seen", "_shown")}
    state = site.trial.subjects[subject].forms["follow_up", 1]
    change = CorrectItems(subject=subject, form="follow_up", occurrence=1, new={"contact_date": "2024-06-12"}, reason="slip")
    site.submit(change, seen=state.seq)
    answer = client.post(url, {**typed, "password": "correct horse battery staple"})
    assert answer.status_code == 409
    assert not site.trial.subjects[subject].forms["follow_up", 1].is_signed


def test_a_locked_form_refuses_corrections(site: Any, subject: str, coordinator: Client) -> None:
    """The page says who can unlock it, and the desk refuses what is sent all the same."""
    saved(site, subject)
    url = address(site, subject, "follow_up", 1, "correct")
    page = coordinator.get(url).content.decode()
    typed = {name: hidden(page, name) for name in ("_command", "_version", "_seen")}
    site.submit(e.FormLocked(subject=subject, form="follow_up", occurrence=1))
    assert coordinator.get(url).status_code == 409
    answer = coordinator.post(url, {**typed, "contact_date": "20240612", "vital_status": "alive", "_reason": "slip"})
    assert answer.status_code == 409
    assert site.trial.subjects[subject].values("follow_up")["contact_date"] == "2024-06-11"


def test_the_history_of_an_item_says_who_when_where_old_new_why(site: Any, subject: str, coordinator: Client) -> None:
    """Entry and correction stand in one table, with the person, both clocks, the way it came and the reason."""
    saved(site, subject)
    url = address(site, subject, "follow_up", 1, "correct")
    page = coordinator.get(url).content.decode()
    typed = {name: hidden(page, name) for name in ("_command", "_version", "_seen")}
    coordinator.post(url, {**typed, "contact_date": "20240612", "vital_status": "alive", "_reason": "slip of the pen"})
    history = coordinator.get(address(site, subject, "follow_up", 1, "history") + "?item=contact_date").content.decode()
    body = history.split("<tbody>")[1]
    assert body.count("<tr>") == 2
    for word in ("2024-06-11", "2024-06-12", "slip of the pen", "coordinator-s01", "web", "UTC", "Corrected"):
        assert word in body
    assert "Vital status" not in body


def test_a_withdrawal_closes_exactly_its_scope(site: Any, subject: str, coordinator: Client) -> None:
    """After the end of treatment forms stay open; after the withdrawal of follow-up none is taken, and the page says why."""
    url = site.url(f"subjects/{subject}/withdraw/")
    assert coordinator.post(url, {"scope": "treatment", "withdrawal_date": "soon"}).status_code == 422
    assert coordinator.post(url, {"scope": "treatment", "withdrawal_date": "20240612"}).status_code == 302
    assert coordinator.get(address(site, subject, "follow_up", "new")).status_code == 200
    assert coordinator.post(url, {"scope": "follow_up", "withdrawal_date": "20240612"}).status_code == 302
    assert [known.scope for known in site.trial.subjects[subject].withdrawals] == ["treatment", "follow_up"]
    answer = coordinator.get(address(site, subject, "follow_up", "new"))
    assert answer.status_code == 409
    assert "was withdrawn" in answer.content.decode()


def test_an_annulment_needs_a_reason(site: Any, subject: str) -> None:
    """A registration made in error is annulled with a reason, and not without one."""
    client = site.client_for("investigator", "s01")
    url = site.url(f"subjects/{subject}/annul/first/")
    assert client.post(url, {"reason": " "}).status_code == 409
    assert site.trial.subjects[subject].is_registered("first")
    assert client.post(url, {"reason": "entered twice"}).status_code == 302
    assert not site.trial.subjects[subject].is_registered("first")


def test_an_expedited_report_is_recorded_with_its_clock(site: Any, subject: str, coordinator: Client) -> None:
    """A serious event shows what is due; the report that went out is recorded."""
    event = {
        "term": "other",
        "term_other": "x",
        "grade": 3,
        "start_date": "2024-06-11",
        "serious": "yes",
        "aware_date": "2024-06-11",
    }
    saved(site, subject, "adverse_event", **event)
    url = address(site, subject, "adverse_event", 1, "report")
    page = coordinator.get(url).content.decode()
    assert "First report" in page
    assert "waiting" in page
    typed = {"report": "first_report", "aware_date": "20240611", "recipients": "study chair"}
    assert coordinator.post(url, {**typed, "report": "none"}).status_code == 422
    assert coordinator.post(url, typed).status_code == 302
    assert [report.report for report in site.trial.subjects[subject].reports] == ["first_report"]


def test_a_deviation_is_graded_by_the_data_centre_alone(site: Any, subject: str, coordinator: Client) -> None:
    """The trial's grades are offered; the site does not grade itself."""
    url = site.url(f"subjects/{subject}/deviation/")
    assert coordinator.get(url).status_code == 403
    centre = site.client_for("data_manager")
    typed = {"rule": "schedule.week12", "grade": "deviation", "text": "assessed late"}
    assert centre.post(url, {**typed, "grade": "nonsense"}).status_code == 422
    assert centre.post(url, typed).status_code == 302
    assert [known.grade for known in site.trial.subjects[subject].deviations] == ["deviation"]


def test_another_hospital_learns_nothing(site: Any, subject: str) -> None:
    """Every page of a foreign subject answers as for a subject that does not exist."""
    stranger = site.client_for("coordinator", "s02")
    saved(site, subject)
    for path in ("follow_up/new", "follow_up/1", "follow_up/1/correct", "follow_up/1/history", "follow_up/print"):
        for number in (subject, "S-9999"):
            assert stranger.get(site.url(f"subjects/{number}/forms/{path}/")).status_code == 404
    keep = {"_subject": subject, "_form": "follow_up", "_command": "0" * 32}
    assert stranger.post(site.url("drafts/save/"), keep).status_code == 404


def test_a_paper_form_carries_subject_and_visit(site: Any, subject: str, coordinator: Client) -> None:
    """The blank form for the printer names whom it is about and offers every answer."""
    page = coordinator.get(address(site, subject, "response_evaluation", "print") + "?visit=week12").content.decode()
    for word in (subject, "s01", "week12", "□ Equivocal", "Sizes of the lesions"):
        assert word in page


def test_a_second_trial_works_by_the_same_pages(bench: Any, tmp_path: Path) -> None:
    """The forms of a small trial of another disease are filled, shown and corrected by the same code."""
    folder = Path(__file__).parents[1] / "protocols" / "tiny" / "1.0"
    with bench.load(Path(__file__).with_name("site.py")).new_site(tmp_path, load_protocol(folder)) as site:
        values = {
            "registration_date": "2024-06-10",
            "age_years": 50,
            "sex": "female",
            "tinnitus": "yes",
            "loudness": 40,
            "last_ear_surgery_date": "none",
        }
        site.submit(Register(stage="entry", site="s01", values=values))
        (subject,) = site.trial.subjects
        client = site.client_for("coordinator", "s01")
        for form in ("follow_up", "death"):
            assert client.get(address(site, subject, form, "new")).status_code == 200
        url = address(site, subject, "follow_up", "new")
        sent = {**opened(client, url), "contact_date": "R6.6.12", "vital_status": "alive"}
        assert client.post(url, sent)["Location"] == address(site, subject, "follow_up", 1)
        assert "2024-06-12" in client.get(address(site, subject, "follow_up", 1)).content.decode()
        assert client.get(address(site, subject, "entry", 1, "correct")).status_code == 200


@given(st.data())
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_whatever_is_posted_is_answered(site: Any, data: st.DataObject) -> None:
    """No text in any field of a form or of an act gives a fault; what is refused writes nothing."""
    if not site.trial.subjects:
        saved(site, site.register())
    (subject,) = site.trial.subjects
    client = site.client_for("coordinator", "s01")
    form = data.draw(st.sampled_from([form for form in site.protocol.forms if form.role != "registration"]))
    pages = [address(site, subject, form.id, "new"), address(site, subject, "follow_up", 1, "correct"), site.url("drafts/save/")]
    pages += [site.url(f"subjects/{subject}/withdraw/")]
    own = [
        "_command",
        "_seen",
        "_version",
        "_visit",
        "_edition",
        "_reason",
        "_merge",
        "_refresh",
        "_add_row",
        "_save_draft",
        "_occurrence",
    ]
    names = [*own, *(item.id for item in form.item), "_base", "scope", "withdrawal_date"]
    words = st.one_of(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
        st.sampled_from(["2024-06-12", "yes", "1", "0", "9" * 30, "f" * 32, form.id, "1.0"]),
    )
    posted = data.draw(st.dictionaries(st.sampled_from(names), words, max_size=14))
    head = site.trial.head.seq
    answer = client.post(data.draw(st.sampled_from(pages)), {"_subject": subject, "_form": form.id, **posted})
    assert answer.status_code in (200, 302, 400, 404, 409, 410, 422), answer.content[:300]
    if answer.status_code >= 400:
        assert site.trial.head.seq == head


def test_a_month_is_taken_where_the_protocol_allows_it(site: Any, subject: str, coordinator: Client) -> None:
    """A month typed in the Japanese calendar is saved and shown as a month; where a day is asked the sentence asks for it."""
    url = address(site, subject, "follow_up", "new")
    cancer = {"second_cancer": "yes", "second_cancer_date": "R6.5", "second_cancer_text": "skin"}
    typed = {**opened(coordinator, url), **FOLLOW_UP, **cancer}
    refused = coordinator.post(url, {**typed, "contact_date": "R6.6"})
    page = refused.content.decode()
    assert refused.status_code == 422
    assert "found a date without its day, expected a whole day of the calendar" in page
    assert "If the day is not known, the year or month will do" in page
    assert coordinator.post(url, typed).status_code == 302
    assert site.trial.subjects[subject].values("follow_up")["second_cancer_date"] == "2024-05"
    shown = site.client_for("coordinator", "s01", lang="ja").get(address(site, subject, "follow_up", 1)).content.decode()
    assert "2024-05 (R6.5)" in shown
