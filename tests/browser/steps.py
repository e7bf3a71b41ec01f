"""Steps that several journeys share: passkeys of a made-up authenticator, a form filled by keys alone, answers that fit.

The answers stand by item of the protocol that the demonstration runs; whoever changes its forms changes them here.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Page

#: Answers that let a subject in: a key where the answers stand open, a text otherwise; what is not named is passed over.
ELIGIBLE: Mapping[str, str] = {
    "_initials": "A.B.",
    "_chart_number": "00417734",
    "birth_date": "19660412",
    "sex": "f",
    "consent_given": "y",
    "consent_date": "20250701",
    "histology_invasive": "y",
    "metastasis_biopsy": "d",
    "er": "p",
    "pgr": "p",
    "her2": "n",
    "de_novo_stage_iv": "y",
    "performance_status": "0",
    "ct_neck_to_pelvis_enhanced": "d",
    "fdg_pet": "d",
    "brain_mri_enhanced": "d",
    "e1_other_malignancy": "n",
    "e1_in_situ_or_intramucosal_cured": "-",
    "e2_infection_requiring_treatment": "n",
    "e3_body_temperature_c": "36.5",
    "e4_pregnant": "n",
    "e4_possibly_pregnant": "n",
    "e4_breastfeeding": "n",
    "e4_last_delivery_date": "none",
    "e5_mental_disorder": "n",
    "e6_steroid_or_immunosuppressant": "n",
    "e7_unstable_angina": "n",
    "e7_last_infarction_date": "none",
    "e8_hypertension": "n",
    "e9_diabetes": "n",
    "e10_heart_failure_nyha": "n",
    "e10_dilated_or_hypertrophic_cardiomyopathy": "n",
    "e11_arrhythmia": "n",
    "e12_interstitial_pneumonia": "n",
    "e12_pulmonary_fibrosis": "n",
    "e12_emphysema": "n",
    "e13_hbs_ag": "n",
}
#: Rows of the lesion table: number (the first is typed, the others are offered), kind, site, longest diameter, certainty.
LESIONS: tuple[Mapping[str, str], ...] = (
    {"id": "L1", "kind": "d", "site": "l", "max_diameter_mm": "12.5", "certainty": "d"},
    {"id": "L2", "kind": "d", "site": "i", "max_diameter_mm": "18.0", "certainty": "d"},
    {"id": "L3", "kind": "d", "site": "o", "max_diameter_mm": "9.5", "certainty": "d"},
)
#: Answers of a second registration that let a subject in.
RESPONDED: Mapping[str, str] = {
    "first_registration_completed_and_on_study": "y",
    "courses_planned": "3",
    "courses_given": "3",
    "response_evaluation_date": "20250703",
    "overall_response": "p",
    "new_lesion": "n",
    "residual_oligometastases": "1",
}


def focus(page: Page) -> tuple[str, str, str, str]:
    """Return name, kind, value and text of what has the focus."""
    found = page.evaluate(
        "() => { const e = document.activeElement; return [e.name || '', e.type || e.tagName, e.value || '', e.textContent.trim()]; }"
    )
    return tuple(found)


def fill_by_keys(journey: Any, answers: Mapping[str, str], rows: tuple[Mapping[str, str], ...] = ()) -> None:
    """Answer a form from where the focus is, by keys alone, until a button has it; each question costs a decision.

    Args:
        journey: counts.
        answers: by name of the field.
        rows: those of the form's list, by field.
    """
    page, last = journey.page, ""
    for _ in range(200):
        name, kind, value, _ = focus(page)
        if kind in ("submit", "button", "password"):
            return
        assert not name or name != last, f"the focus stays at {name}"
        last = name
        if "-" in name and kind != "checkbox":
            _fill_cell(journey, rows, name, value)
        elif kind == "radio" and name in answers:
            journey.type(answers[name], think=True)
        elif name in answers and value != answers[name]:
            journey.type(answers[name], think=True)  # over what stood there: whoever comes by Tab has it selected
            journey.press("Tab")
        else:
            journey.press("Tab")
    raise AssertionError("the form has no end")


def _fill_cell(journey: Any, rows: tuple[Mapping[str, str], ...], name: str, value: str) -> None:
    _, number, field = name.split("-", 2)
    row = rows[int(number) - 1] if int(number) <= len(rows) else {}
    if not row:
        journey.press("Enter")  # an empty row ends the list
        return
    if field in row and not value:
        journey.type(row[field], think=field != "id")
    if field == list(row)[-1]:
        journey.press("Enter")
    else:
        journey.press("Tab")


def fill(page: Page, answers: Mapping[str, str], rows: tuple[Mapping[str, str], ...] = ()) -> None:
    """Answer the same without keys: for pages that are not themselves under test, and without JavaScript."""
    for number, row in enumerate(rows, start=1):
        if number > 1 and page.locator(f"[name=lesions-{number}-id]").count() == 0:
            page.locator("button[name=_add_row]").click()
        for field, answer in row.items():
            place = page.locator(f"[name=lesions-{number}-{field}]")
            if place.evaluate("e => e.tagName") == "SELECT":
                place.select_option(place.locator(f"option[data-answer='{answer}']").get_attribute("value"))
            else:
                place.fill(answer)
    for name, answer in answers.items():
        place = page.locator(f"[name={name}]")
        if place.first.get_attribute("type") == "radio":
            page.locator(
                f"[name={name}][data-answer='{answer}'], [name={name}][value='']"
                if answer == "-"
                else f"[name={name}][data-answer='{answer}']"
            ).first.check()
        else:
            place.first.fill(answer)


# ------------------------------------------------------------ passkeys


@contextmanager
def passkey(page: Page, url: str, password: str) -> Iterator[None]:
    """Give the person of a page a passkey, on a made-up authenticator whose finger is always right; taken away at the end.

    Somebody who has one is asked for it at the next sign-in, and other tests sign in with a password alone.
    """
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    page.goto(f"{url}/accounts/2fa/passkeys/add/")
    _again(page, password)
    page.locator("input[name=name]").fill("test")
    page.locator("button[data-passkey=create]").click()
    page.wait_for_url(lambda address: "/passkeys/add/" not in address)
    try:
        yield
    finally:
        page.goto(f"{url}/accounts/2fa/passkeys/")
        _again(page, password)
        page.locator("a[href*='/remove/']").first.click()
        _again(page, password)
        page.locator("button.danger").click()
        page.wait_for_url(lambda address: "/remove/" not in address)


def _again(page: Page, password: str) -> None:
    if "reauthenticate" in page.url:
        page.locator("input[name=password]").fill(password)
        page.locator("input[name=password]").press("Enter")
        page.wait_for_url(lambda address: "reauthenticate" not in address)


# ------------------------------------------------------------ what the trial says


def records(page: Page, url: str, trial: str, subject: str, kind: str) -> int:
    """Return how many records of a kind the running journal holds of a subject, as its history says."""
    page.goto(f"{url}/t/{trial}/subjects/{subject}/history/?kind={kind}")
    return page.locator("main table.list tbody tr:has(th)").count()


def storage(page: Page) -> str:
    """Return all that the browser keeps for this host."""
    return page.evaluate("() => JSON.stringify({...localStorage}) + JSON.stringify({...sessionStorage})")


def warn(page: Page, server: Any) -> None:
    """Save, as a coordinator, a form on which a soft check fires, with a reason: the data centre has something to ask about."""
    subject = next(each.id for each in server.subjects if each.allocation is not None and ("death", 1) not in each.forms)
    page.goto(server.address(f"/t/{{trial}}/subjects/{subject}/forms/follow_up/new/"))
    page.locator("[name=contact_date]").fill("20250703")
    page.locator("[name=vital_status][value=alive]").check()
    page.locator("[name=clinical_progression][value=yes]").check()
    page.locator("form.entry .toolbar button").first.click()
    page.locator("#questions input").fill("the date is asked for at the other hospital")
    page.locator("form.entry .toolbar button").first.click()
    page.wait_for_url(lambda address: "/new/" not in address)


def undecided(server: Any) -> list[str]:
    """Return the subjects of the site that are on treatment and not evaluated yet: nothing is suggested for them in full."""
    closed = {"treatment_end", "death", "response_evaluation"}
    return [each.id for each in server.subjects if "second" not in each.stages and not closed & {form for form, _ in each.forms}]
