"""An amendment on the web: read side by side, rehearsed on a copy, activated, adopted site by site, consented to again."""

import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from oligami.journal import entries as e
from oligami.protocol.load import find_protocol
from oligami.trial.commands import Register, SubmitForm
from oligami.trial.recheck import recheck

CONTACT = {"contact_date": "2024-06-12", "vital_status": "alive"}
DAY = "2024-06-12"  # the day these trials are lived, by the hospitals' clock


def edit(path: Path, old: str, new: str) -> None:
    """Replace words of a file that stand there once."""
    words = path.read_text(encoding="utf-8")
    assert words.count(old) == 1, (path, old)
    path.write_text(words.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of protocols with an amendment of the real trial: a new item, a stricter check, another consent document."""
    root = tmp_path_factory.mktemp("protocols")
    folder = Path(shutil.copytree(find_protocol("jcog2110", version="1.0"), root / "jcog2110" / "1.1"))
    edit(folder / "trial.toml", 'consent_document = "1.0"', 'consent_document = "2.0"')
    follow_up = folder / "forms" / "follow_up.toml"
    edit(follow_up, 'id = "contact_after_registration"\nlevel = "soft"', 'id = "contact_after_registration"\nlevel = "hard"')
    added = (
        '\n[[item]]\nid = "ecog_status"\nlabel = {en = "Performance <status>", ja = "全身状態"}\ntype = "integer"\n'
        "minimum = 0\nmaximum = 4\nrequired = true\n"
    )
    follow_up.write_text(follow_up.read_text(encoding="utf-8") + added, encoding="utf-8")
    return root


@pytest.fixture
def amended(site: Any, folders: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The site with the amendment lying in its folder, and a subject at each of two hospitals."""
    monkeypatch.setattr(settings, "OLIGAMI_PROTOCOLS", (folders,), raising=False)
    for hospital in ("s01", "s02"):
        subject = site.register(hospital)
        values = CONTACT | {"contact_date": "2024-06-09"}  # before the registration: asks for a reason, and later may not be
        site.submit(SubmitForm(subject=subject, form="follow_up", values=values, reasons={"*": "rang before"}))
    return site


def page(site: Any, client: Any, path: str, status: int = 200) -> str:
    """Return the text of a page."""
    answer = client.get(site.url(path))
    assert answer.status_code == status, answer.content.decode()[:2000]
    return str(answer.content.decode())


def command_on(text: str) -> dict[str, str]:
    """Return the hidden fields of the page's form."""
    found = dict(re.findall(r'<input type="hidden" name="(command|digest)" value="([0-9a-f]+)">', text))
    assert "command" in found
    return found


def activate(site: Any) -> None:
    """Activate the amendment site by site, through the page."""
    chair = site.client_for("study_chair")
    fields = command_on(page(site, chair, "amendments/1.1/activate/"))
    answer = chair.post(site.url("amendments/1.1/activate/"), fields | {"reach": "sites", "reason": "committee of 10 June"})
    assert answer.status_code == 302


def adopt(site: Any, *sites: str, day: str = DAY, **more: str) -> Any:
    """Have sites adopt the amendment, through the page."""
    manager = site.client_for("data_manager")
    fields = command_on(page(site, manager, "amendments/1.1/adopt/"))
    return manager.post(site.url("amendments/1.1/adopt/"), fields | {"site": list(sites), "from_date": day} | more)


def test_the_first_page_names_versions_sites_and_candidates(amended: Any) -> None:
    """Versions with their digests, the version of each site, and to those who prepare it the folder's new version."""
    text = page(amended, amended.client_for("study_chair"), "amendments/")
    assert amended.protocol.digest[:12] in text
    assert all(f"Hospital {site}" in text for site in ("s01", "s02", "s03"))
    assert "Version 1.1" in text
    assert "worked cases right" in text
    text = page(amended, amended.client_for("coordinator"), "amendments/")
    assert "Hospital s01" in text
    assert "Hospital s02" not in text
    assert "Version 1.1" not in text


def test_differences_stand_side_by_side_in_both_languages(amended: Any) -> None:
    """Each difference with its kind in words, before and after, and its sentence in the other language; texts are escaped."""
    text = page(amended, amended.client_for("study_chair"), "amendments/1.1/")
    assert "added" in text
    assert "changed" in text
    assert "<ins>hard</ins>" in text
    assert "Performance &lt;status&gt;" in text
    assert "<status>" not in text
    assert "項目 ecog_status（全身状態）の追加" in text
    japanese = page(amended, amended.client_for("study_chair", lang="ja"), "amendments/1.1/")
    assert "追加" in japanese
    assert "Item ecog_status" in japanese
    assert japanese.count("<h1") == text.count("<h1") == 1


def test_a_candidate_is_for_those_who_prepare_it(amended: Any) -> None:
    """A site reads no version that is not active; nobody reads one that does not exist."""
    site = amended.client_for("coordinator")
    for path in ("amendments/1.1/", "amendments/1.1/impact/", "amendments/9.9/"):
        page(amended, site, path, 404)
    page(amended, amended.client_for("study_chair"), "amendments/9.9/", 404)
    page(amended, amended.client_for("study_chair"), "amendments/1.1/?against=9.9", 404)
    for path in ("amendments/1.1/rehearsal/", "amendments/1.1/activate/", "amendments/1.1/adopt/"):
        page(amended, site, path, 403)
    activate(amended)
    assert "2.0" in page(amended, site, "amendments/1.1/")


def test_the_impact_counts_and_names_what_the_reader_may_see(amended: Any) -> None:
    """The data centre reads which saved value the amendment would not take; the chair reads how many, and whose not."""
    text = page(amended, amended.client_for("data_manager"), "amendments/1.1/impact/")
    assert "S-0001" in text
    assert "S-0002" in text
    assert "<code>contact_date</code>" in text
    text = page(amended, amended.client_for("study_chair"), "amendments/1.1/impact/")
    assert "S-0001" not in text
    assert "Forms not listed: 2" in text


def test_a_rehearsal_reports_and_writes_nothing(amended: Any) -> None:
    """A rehearsal answers with a report and leaves the journal as it was."""
    manager = amended.client_for("data_manager")
    page(amended, manager, "amendments/1.1/rehearsal/")
    before = amended.trial.head
    answer = manager.post(amended.url("amendments/1.1/rehearsal/"), {"site": ["s01"], "from_date": "2024-06-20"})
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "S-0001" in text
    assert "S-0002" not in text
    assert "Subjects who would be asked for consent again: 1." in text
    assert amended.trial.head == before
    assert "1.1" not in amended.trial.study.versions


def test_a_rehearsal_says_what_stands_against_it(amended: Any) -> None:
    """A day that is over, no site, and a word that is no date are answered with sentences beside the fields."""
    manager = amended.client_for("data_manager")
    address = amended.url("amendments/1.1/rehearsal/")
    past = manager.post(address, {"every": "1", "from_date": "2024-01-01"})
    assert "adoption.past" in past.content.decode()
    answer = manager.post(address, {"from_date": "soon"})
    text = answer.content.decode()
    assert answer.status_code == 400
    assert 'id="site-e"' in text
    assert 'id="from_date-e"' in text


def test_an_activation_needs_a_reason_and_the_folder_that_was_read(amended: Any) -> None:
    """Without a reason, or with another digest than the folder's, nothing is activated."""
    chair = amended.client_for("study_chair")
    address = amended.url("amendments/1.1/activate/")
    fields = command_on(page(amended, chair, "amendments/1.1/activate/"))
    assert chair.post(address, fields).status_code == 400
    assert chair.post(address, fields | {"reason": "r", "digest": "0" * 64}).status_code == 400
    assert list(amended.trial.study.versions) == ["1.0"]
    activate(amended)
    assert amended.trial.study.per_site == ("1.1",)
    assert amended.trial.protocol.version == "1.0"
    assert "committee of 10 June" in page(amended, chair, "amendments/")
    assert amended.client_for("data_manager").get(address).status_code == 403


def test_sites_adopt_from_a_day_many_at_once(amended: Any) -> None:
    """The adoption of two sites is two records by one sending; the page then shows each site's version; a repeat adds none."""
    activate(amended)
    manager = amended.client_for("data_manager")
    address = amended.url("amendments/1.1/adopt/")
    fields = command_on(page(amended, manager, "amendments/1.1/adopt/")) | {"site": ["s01", "s03"], "from_date": "R6.6.12"}
    assert manager.post(address, fields).status_code == 302
    after = amended.trial.head
    assert manager.post(address, fields).status_code == 302
    assert amended.trial.head == after
    today = date(2024, 6, 12)
    assert [amended.trial.version_for(site, today) for site in ("s01", "s02", "s03")] == ["1.1", "1.0", "1.1"]
    text = page(amended, manager, "amendments/")
    assert text.count("<td>1.1</td>") == 2
    found, _ = recheck(amended.desk.journal.records())
    assert found.ok


def test_adoptions_that_cannot_be_are_answered_site_by_site(amended: Any) -> None:
    """What can be adopted is; for the rest the page says why, and a foreign word changes nothing."""
    activate(amended)
    assert adopt(amended, "s01").status_code == 302
    answer = adopt(amended, "s01", "s02")
    assert answer.status_code == 409
    assert "adoption.again" in answer.content.decode()
    assert amended.trial.version_for("s02", date(2024, 6, 12)) == "1.1"
    assert adopt(amended, "s77").status_code == 400
    assert adopt(amended, "s03", day="soon").status_code == 400
    assert amended.trial.version_for("s03", date(2024, 6, 12)) == "1.0"


def test_a_version_can_rule_the_whole_trial_in_the_end(amended: Any) -> None:
    """Activated again from its own page, the amendment rules every site."""
    activate(amended)
    chair = amended.client_for("study_chair")
    fields = command_on(page(amended, chair, "amendments/1.1/activate/"))
    answer = chair.post(amended.url("amendments/1.1/activate/"), fields | {"reach": "trial", "reason": "all committees"})
    assert answer.status_code == 302
    assert amended.trial.protocol.version == "1.1"


def test_consent_is_asked_again_and_recorded(amended: Any) -> None:
    """After the adoption the site's subject is on the list until the site records her consent; the data centre only reads."""
    activate(amended)
    assert adopt(amended, "s01").status_code == 302
    coordinator = amended.client_for("coordinator")
    text = page(amended, coordinator, "consents/")
    assert "S-0001" in text
    assert "S-0002" not in text
    assert "the site records it" in page(amended, amended.client_for("data_manager"), "consents/")
    address = amended.url("subjects/S-0001/consent/")
    fields = command_on(page(amended, coordinator, "subjects/S-0001/consent/"))
    assert coordinator.post(address, fields | {"document": "2.0", "consent_date": "soon"}).status_code == 400
    assert coordinator.post(address, fields | {"document": "7.0", "consent_date": DAY}).status_code == 400
    assert coordinator.post(address, fields | {"document": "2.0", "consent_date": "2025-01-01"}).status_code == 409
    assert coordinator.post(address, fields | {"document": "2.0", "consent_date": DAY}).status_code == 302
    assert ("2.0", date(2024, 6, 12)) in amended.trial.subjects["S-0001"].consents
    assert "S-0001" not in re.sub(r"<p class=\"note.*?</p>", "", page(amended, coordinator, "consents/"))
    page(amended, coordinator, "subjects/S-0002/consent/", 404)
    page(amended, amended.client_for("data_manager"), "subjects/S-0001/consent/", 403)


def test_a_form_opened_before_the_adoption_and_sent_after_it_is_not_taken(amended: Any) -> None:
    """Between opening and submitting the amendment came: the page says so and keeps what was typed; nothing is written."""
    coordinator = amended.client_for("coordinator")
    shown = page(amended, coordinator, "subjects/S-0001/forms/follow_up/new/")
    fields = dict(re.findall(r'<input type="hidden" name="(_\w+)" value="([^"]*)"', shown))
    assert fields["_version"] == "1.0"
    activate(amended)
    adopt(amended, "s01")
    before = amended.trial.head
    typed = {"contact_date": "2024-06-12", "vital_status": "alive", "remarks": "typed before the amendment"}
    answer = coordinator.post(amended.url("subjects/S-0001/forms/follow_up/new/"), fields | typed)
    text = answer.content.decode()
    assert 400 <= answer.status_code < 500
    assert "1.1" in text
    assert "typed before the amendment" in text
    assert amended.trial.head == before


def test_old_forms_stand_under_their_own_version(amended: Any) -> None:
    """A form filled before the adoption is shown without the new item, and can be read after it."""
    amended.submit(SubmitForm(subject="S-0001", form="follow_up", values=CONTACT))
    activate(amended)
    adopt(amended, "s01")
    amended.submit(SubmitForm(subject="S-0001", form="follow_up", values=CONTACT | {"ecog_status": 1}))
    coordinator = amended.client_for("coordinator")
    old = page(amended, coordinator, "subjects/S-0001/forms/follow_up/2/")
    new = page(amended, coordinator, "subjects/S-0001/forms/follow_up/3/")
    assert "Performance &lt;status&gt;" not in old
    assert "Performance &lt;status&gt;" in new


def test_a_faulty_folder_is_told_and_cannot_be_activated(site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with faults lists them with their files; its activation page offers nothing."""
    folder = Path(shutil.copytree(find_protocol("jcog2110", version="1.0"), tmp_path / "roots" / "jcog2110" / "1.2"))
    edit(folder / "eligibility.toml", 'rules_version = "', 'rules_versio = "')
    monkeypatch.setattr(settings, "OLIGAMI_PROTOCOLS", (tmp_path / "roots",), raising=False)
    chair = site.client_for("study_chair")
    assert "has faults" in page(site, chair, "amendments/")
    for path in ("amendments/1.2/", "amendments/1.2/impact/", "amendments/1.2/activate/", "amendments/1.2/rehearsal/"):
        text = page(site, chair, path)
        assert "eligibility.toml" in text
        assert '<button type="submit">' not in text
    answer = chair.post(site.url("amendments/1.2/activate/"), {"reason": "r"})
    assert answer.status_code == 409
    assert list(site.trial.study.versions) == ["1.0"]


def test_the_rule_of_allocation_is_not_told_to_sites(site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change of the allocation is shown to those who prepare amendments; a site learns only that there is one."""
    folder = Path(shutil.copytree(find_protocol("jcog2110", version="1.0"), tmp_path / "roots" / "jcog2110" / "1.3"))
    rule = folder / "allocation.toml"
    words = re.sub(r"(?m)^p_best = .*$", "p_best = 0.77", rule.read_text(encoding="utf-8"))
    rule.write_text(words, encoding="utf-8")
    monkeypatch.setattr(settings, "OLIGAMI_PROTOCOLS", (tmp_path / "roots",), raising=False)
    chair = site.client_for("study_chair")
    text = page(site, chair, "amendments/1.3/")
    assert "0.77" in text
    assert "amendment.allocation" in text
    fields = command_on(page(site, chair, "amendments/1.3/activate/"))
    address = site.url("amendments/1.3/activate/")
    assert chair.post(address, fields | {"reach": "sites", "reason": "r"}).status_code == 409
    assert chair.post(address, fields | {"reach": "trial", "reason": "r"}).status_code == 302
    text = page(site, site.client_for("coordinator"), "amendments/1.3/")
    assert "0.77" not in text
    assert "rule of allocation differs too" in text


def test_every_page_is_whole(amended: Any) -> None:
    """Each page has one heading, a label for every control it shows, captions and no inline style, in both languages."""
    activate(amended)
    amended.submit(e.ProtocolAdopted(site="s01", version="1.1", from_date=date(2024, 6, 12)))
    pages = [
        ("study_chair", "amendments/"),
        ("study_chair", "amendments/1.1/"),
        ("study_chair", "amendments/1.0/"),
        ("data_manager", "amendments/1.1/impact/"),
        ("data_manager", "amendments/1.1/rehearsal/"),
        ("study_chair", "amendments/1.1/activate/"),
        ("data_manager", "amendments/1.1/adopt/"),
        ("data_manager", "consents/"),
        ("coordinator", "subjects/S-0001/consent/"),
    ]
    for role, path in pages:
        for lang in ("en", "ja"):
            main = page(amended, amended.client_for(role, lang=lang), path).split("<main", 1)[1].split("</main>", 1)[0]
            assert main.count("<h1") == 1, path
            assert "style=" not in main
            assert main.count("<table") == main.count("<caption"), path
            for control in re.findall(r'<(?:input type="(?:text|checkbox|radio)"|select|textarea) id="([^"]+)"', main):
                assert f'<label for="{control}"' in main, (path, control)


def test_a_rehearsal_names_registrations_judged_otherwise(
    site: Any, bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A subject waiting whom the amendment would not let in, and a refused one whom it would, are named with the criterion."""
    folder = Path(shutil.copytree(find_protocol("jcog2110", version="1.0"), tmp_path / "roots" / "jcog2110" / "1.4"))
    shutil.rmtree(folder / "cases")
    edit(folder / "eligibility.toml", "age_years >= 18 years and age_years <= 80 years", "age_years <= 19 years")
    monkeypatch.setattr(settings, "OLIGAMI_PROTOCOLS", (tmp_path / "roots",), raising=False)
    site.register("s01")
    site.submit(Register(stage="first", site="s01", values=dict(bench.FIRST) | {"birth_date": "2008-01-01"}))
    manager = site.client_for("data_manager", lang="ja")
    assert "S-0001" in page(site, manager, "amendments/1.4/impact/")
    answer = manager.post(site.url("amendments/1.4/rehearsal/"), {"every": "1", "from_date": DAY})
    text = answer.content.decode()
    assert "<td>適格</td><td>不適格</td>" in text
    assert "<td>不適格</td><td>適格</td>" in text
    assert "番号なし" in text
    chair = site.client_for("study_chair")
    hidden = chair.post(site.url("amendments/1.4/rehearsal/"), {"every": "1", "from_date": DAY}).content.decode()
    assert "S-0001" not in hidden
    assert hidden.count("Not listed: 1") == 2
