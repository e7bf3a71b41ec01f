"""Small trials by hand: everything is said at the desk, as a site would say it."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oligami.data.cut import Cut, cut_trial
from oligami.data.datasets import Datasets
from oligami.data.derive import derive
from oligami.journal import entries as e
from oligami.journal.record import Stamp
from oligami.journal.store import MemoryJournal
from oligami.protocol.load import load_protocol
from oligami.protocol.model.protocol import Protocol
from oligami.trial.commands import ActivateProtocol, Command, CorrectItems, Register, SubmitForm
from oligami.trial.desk import Desk
from oligami.trial.draws import commitment, draw

ROOT = Path(__file__).parents[2]

#: What an eligible woman with luminal cancer answers.
ELIGIBLE: dict[str, Any] = {
    "age_years": 56,
    "sex": "female",
    "consent_given": "yes",
    "histology_invasive": "yes",
    "metastasis_biopsy": "done",
    "er": "positive",
    "pgr": "positive",
    "her2": "negative",
    "ct_neck_to_pelvis_enhanced": "done",
    "fdg_pet": "done",
    "brain_mri_enhanced": "done",
    "de_novo_stage_iv": "yes",
    "e1_other_malignancy": "none",
    "e2_infection_requiring_treatment": "no",
    "e3_body_temperature_c": 36.5,
    "e4_pregnant": "no",
    "e4_possibly_pregnant": "no",
    "e4_breastfeeding": "no",
    "e4_last_delivery_date": "none",
    "e5_mental_disorder": "none",
    "e6_steroid_or_immunosuppressant": "none",
    "e7_unstable_angina": "no",
    "e7_last_infarction_date": "none",
    "e8_hypertension": "none",
    "e9_diabetes": "none",
    "e10_heart_failure_nyha": "none",
    "e10_dilated_or_hypertrophic_cardiomyopathy": "none",
    "e11_arrhythmia": "none",
    "e12_interstitial_pneumonia": "no",
    "e12_pulmonary_fibrosis": "no",
    "e12_emphysema": "none",
    "e13_hbs_ag": "negative",
}


def lesion(number: str, mm: float, *, site: str = "lung", kind: str = "distant_metastasis", short: float | None = None) -> Any:
    """A lesion of the first registration."""
    row = {"id": number, "kind": kind, "site": site, "max_diameter_mm": mm, "certainty": "definite"}
    return row if short is None else row | {"short_axis_mm": short}


class Builder:
    """Says things of a trial one after another, all of them late enough to be true."""

    def __init__(self, protocol: Protocol, *, first_arm: str | None = None, start: str = "2035-01-01") -> None:
        self.protocol = protocol
        self.journal = MemoryJournal()
        self.clock = datetime.fromisoformat(start).replace(tzinfo=UTC)
        self.commands = 0
        secrets = (bytes([number]) * 32 for number in range(256))
        arms = [arm.id for arm in protocol.allocation.arms]
        wanted = arms.index(first_arm or arms[0])
        # The first allocation is a tie of two arms: the lower half of the draws gives the first.
        secret = next(each for each in secrets if int(draw(each, protocol.digest, protocol.id, 1) >= 0.5) == wanted)
        self.desk = Desk(self.journal, salts=lambda number: f"{number:032x}", secret=secret)
        self.say(ActivateProtocol(protocol=protocol))
        self.say(e.SecretCommitted(commitment=commitment(secret)))
        self.say(e.SiteOpened(site="101", name="Site 101"))

    def say(self, command: Command, *, at: str | None = None) -> tuple[e.Entry, ...]:
        """Submit a command a minute after the last, or at the beginning of a later day."""
        self.commands += 1
        self.clock += timedelta(minutes=1)
        if at is not None:
            self.clock = max(self.clock, datetime.fromisoformat(at).replace(tzinfo=UTC))
        stamp = Stamp(
            recorded_at=self.clock,
            author="tester",
            role="site",
            channel="simulation",
            command=f"{self.commands:032x}",
            seen=self.desk.trial.head.seq,
        )
        return self.desk.submit(command, stamp).entries

    def first(self, on: str, lesions: Sequence[Any] | None = None, *, site: str = "101", **values: Any) -> str:
        """Register at the first stage; return the subject's number."""
        answers = {
            **ELIGIBLE,
            "registration_date": on,
            "consent_date": on,
            "lesions": [lesion("L1", 20)] if lesions is None else list(lesions),
            **values,
        }
        said = self.say(Register(stage="first", site=site, values=answers, reasons={"*": "checked"}))
        return next(entry.subject for entry in said if isinstance(entry, e.Registered))

    def second(self, subject: str, on: str, *, site: str = "101", **values: Any) -> str | None:
        """Register at the second stage; return the arm, None if refused."""
        answers = {
            "registration_date": on,
            "first_registration_completed_and_on_study": "yes",
            "courses_planned": 3,
            "courses_given": 3,
            "overall_response": "SD",
            "new_lesion": "no",
            "residual_oligometastases": 1,
            **values,
        }
        command = Register(stage="second", site=site, subject=subject, values=answers, reasons={"*": "checked"})
        return next((entry.arm for entry in self.say(command) if isinstance(entry, e.Randomized)), None)

    def form(self, subject: str, form: str, *, visit: str | None = None, at: str | None = None, **values: Any) -> None:
        """Fill a form."""
        self.say(SubmitForm(subject=subject, form=form, values=values, visit=visit, reasons={"*": "checked"}), at=at)

    def correct(self, subject: str, form: str, occurrence: int = 1, **new: Any) -> None:
        """Correct a form."""
        reasons = {"*": "checked"}
        self.say(CorrectItems(subject=subject, form=form, occurrence=occurrence, new=new, reason="typing error", reasons=reasons))

    def start_therapy(self, subject: str, on: str, regimen: str = "AI_CDK", **values: Any) -> None:
        """Fill the therapy form of a postmenopausal woman."""
        answers = {"menopause": "postmenopausal", "setting": "de_novo", "cdk_agent": "palbociclib"}
        self.form(subject, "systemic_therapy", regimen=regimen, therapy_start_date=on, **{**answers, **values})

    def course(self, subject: str, number: int, on: str, regimen: str = "AI_CDK", given: str = "yes") -> None:
        """Fill a course."""
        answers = {"course_number": number, "course_start_date": on, "regimen": regimen, "given": given, "reason": "other"}
        self.form(subject, "course", **answers)

    def scan(
        self, subject: str, on: str, sizes: Mapping[str, float | None] | None = None, response: str = "SD", **values: Any
    ) -> None:
        """Fill a response evaluation."""
        rows = []
        for number, mm in (sizes or {}).items():
            status = "not_assessed" if mm is None else "vanished" if mm == 0 else "measured"
            rows.append({"lesion_id": number, "status": status, **({} if mm is None else {"size_mm": mm})})
        answers = {"assessment_date": on, "lesion_sizes": rows, "new_lesion": "no", "overall_response": response, **values}
        visit = answers.pop("visit", None)
        self.form(subject, "response_evaluation", visit=visit, **answers)

    def seen(self, subject: str, on: str, **values: Any) -> None:
        """Report a contact with the subject alive."""
        self.form(subject, "follow_up", **{"contact_date": on, "vital_status": "alive", **values})

    def died(self, subject: str, on: str) -> None:
        """Report a death."""
        self.form(subject, "death", death_date=on, cause="breast_cancer")

    def irradiate(self, subject: str, number: str, start: str, end: str | None, **values: Any) -> None:
        """Report radiotherapy of a peripheral lung lesion."""
        answers = {
            "lesion_id": number,
            "site": "lung",
            "lung_location": "peripheral",
            "technique": "SBRT",
            "total_gy": 42,
            "fractions": 4,
            "start_date": start,
            "completion": "completed" if end else "ongoing",
            **({"end_date": end} if end else {}),
            **values,
        }
        self.form(subject, "radiotherapy", **answers)

    def answer(self, subject: str, on: str, visit: str, health: int = 6) -> None:
        """Fill the questionnaire: all well but for the two items of global health."""
        items = {f"q{number}": 1 for number in range(1, 29)} | {"q29": health, "q30": health}
        values = {"completed_date": on, "visit": visit, **items}
        self.say(SubmitForm(subject=subject, form="qlq_c30", values=values, reasons={"*": "checked"}))

    def cut(self, up_to: str, through: int | None = None) -> Datasets:
        """Derive a cut."""
        cut = Cut(through=through, up_to=datetime.fromisoformat(up_to).date())
        return derive(cut_trial(self.journal.records(), cut), cut, software_version="0")


@pytest.fixture(scope="session")
def protocol() -> Protocol:
    return load_protocol(ROOT / "protocols/jcog2110/1.0")


@pytest.fixture(scope="session")
def tiny() -> Protocol:
    return load_protocol(ROOT / "tests/protocols/tiny/1.0")


@pytest.fixture
def build(protocol: Protocol) -> Callable[..., Builder]:
    def make(of: Protocol = protocol, **options: Any) -> Builder:
        return Builder(of, **options)

    return make


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    return list(map(_plain, value)) if isinstance(value, (tuple, list)) else value


@pytest.fixture
def plain() -> Callable[[Datasets], Any]:
    """Turn datasets into lists that can be compared."""
    return _plain
