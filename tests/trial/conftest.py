"""A desk on a memory journal, and what an eligible woman's forms say: trials are built by hand, word for word."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from oligami.journal import entries as e
from oligami.journal.record import Record, Stamp
from oligami.journal.store import MemoryJournal
from oligami.protocol.load import find_protocol, load_protocol
from oligami.protocol.model.protocol import Protocol
from oligami.trial.commands import ActivateProtocol, Command, CorrectItems, Register, SubmitForm
from oligami.trial.desk import Desk, Receipt
from oligami.trial.draws import commitment
from oligami.trial.refused import Refused
from oligami.trial.state import Subject, Trial

START = datetime(2024, 6, 10, 3, 0, tzinfo=UTC)
SECRET = bytes(range(32))

#: A woman with luminal cancer and two metastases, who may be registered on the day the trials here begin.
FIRST: Mapping[str, Any] = {
    "registration_date": "2024-06-10",
    "birth_date": "1968-03-15",
    "sex": "female",
    "consent_given": "yes",
    "consent_date": "2024-06-03",
    "histology_invasive": "yes",
    "metastasis_biopsy": "done",
    "er": "positive",
    "pgr": "positive",
    "her2": "negative",
    "ct_neck_to_pelvis_enhanced": "done",
    "fdg_pet": "done",
    "brain_mri_enhanced": "done",
    "lesions": [
        {"id": "L1", "kind": "distant_metastasis", "site": "bone", "max_diameter_mm": 18.0, "certainty": "definite"},
        {"id": "L2", "kind": "distant_metastasis", "site": "lung", "max_diameter_mm": 12.0, "certainty": "definite"},
    ],
    "de_novo_stage_iv": "no",
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
SECOND: Mapping[str, Any] = {
    "registration_date": "2024-06-11",
    "first_registration_completed_and_on_study": "yes",
    "courses_planned": 3,
    "courses_given": 3,
    "overall_response": "SD",
    "new_lesion": "no",
    "residual_oligometastases": 2,
}
#: A therapy of the table for her.
THERAPY: Mapping[str, Any] = {
    "menopause": "postmenopausal",
    "setting": "de_novo",
    "regimen": "AI_CDK",
    "cdk_agent": "palbociclib",
    "therapy_start_date": "2024-06-12",
}
RADIOTHERAPY: Mapping[str, Any] = {
    "lesion_id": "L1",
    "site": "bone",
    "technique": "SBRT",
    "total_gy": 35,
    "fractions": 5,
    "start_date": "2024-06-20",
    "completion": "ongoing",
}
TINY_ENTRY: Mapping[str, Any] = {
    "registration_date": "2024-06-10",
    "birth_date": "1970-03-02",
    "sex": "female",
    "tinnitus": "yes",
    "loudness": 40,
    "last_ear_surgery_date": "none",
}


class Bench:
    """A trial in the making: every word goes through the desk, a minute after the one before."""

    FIRST, SECOND, THERAPY, RADIOTHERAPY, TINY_ENTRY, SECRET = FIRST, SECOND, THERAPY, RADIOTHERAPY, TINY_ENTRY, SECRET

    def __init__(self, protocol: Protocol, *, secret: bytes | None = SECRET, journal: Any = None) -> None:
        self.protocol = protocol
        self.journal = MemoryJournal() if journal is None else journal
        self.desk = Desk(self.journal, salts=lambda seq: f"{seq:032x}", secret=secret)
        self.said = 0

    @property
    def trial(self) -> Trial:
        """The trial as it stands."""
        return self.desk.trial

    @property
    def records(self) -> list[Record]:
        """The journal."""
        return list(self.journal.records())

    def subject(self, subject: str = "S-0001") -> Subject:
        """A subject as it stands."""
        return self.trial.subjects[subject]

    def stamp(self, **changes: Any) -> Stamp:
        """The stamp of the next command."""
        self.said += 1
        values: dict[str, Any] = {
            "recorded_at": START + timedelta(minutes=self.said),
            "author": "investigator-7",
            "role": "investigator",
            "channel": "web",
            "command": f"{self.said:032x}",
        }
        return Stamp(**(values | changes))

    def say(self, command: Command, **changes: Any) -> Receipt:
        """Submit a command; a correction has seen what is saved unless the test says otherwise."""
        return self.desk.submit(command, self.stamp(**(self.shown(command) | changes)))

    def shown(self, command: Command) -> dict[str, Any]:
        """What the author of a correction has seen: everything there is."""
        return {"seen": self.trial.head.seq} if isinstance(command, CorrectItems) else {}

    def refuse(self, command: Command, **changes: Any) -> Refused:
        """Submit a command that must be refused without a trace; its refusal reads alone in both languages."""
        before, head = self.trial, self.journal.head()
        with pytest.raises(Refused) as caught:
            self.desk.submit(command, self.stamp(**(self.shown(command) | changes)))
        assert self.trial is before
        assert self.journal.head() == head
        check_refusal(caught.value)
        return caught.value

    def rules_against(self, command: Command, **changes: Any) -> list[str]:
        """The rules for which a command is refused."""
        return [reason.rule for reason in self.refuse(command, **changes).reasons]

    def open(self, *sites: str) -> "Bench":
        """Activate the protocol, commit the secret, open sites."""
        self.say(ActivateProtocol(protocol=self.protocol))
        self.say(e.SecretCommitted(commitment=commitment(SECRET)))
        for site in sites or ("s01", "s02"):
            self.say(e.SiteOpened(site=site, name=f"Hospital {site}"))
        return self

    def first(self, *, site: str = "s01", **changes: Any) -> str:
        """Register an eligible woman and return her number."""
        self.say(Register(stage="first", site=site, values=FIRST | changes))
        return list(self.trial.subjects)[-1]

    def second(self, subject: str, *, site: str = "s01", **changes: Any) -> Receipt:
        """Randomize her."""
        return self.say(Register(stage="second", site=site, subject=subject, values=SECOND | changes))

    def fill(self, subject: str, form: str, values: Mapping[str, Any], **more: Any) -> Receipt:
        """Fill a form."""
        return self.say(SubmitForm(subject=subject, form=form, values=values, **more))


def check_refusal(refused: Refused) -> None:
    """Hold that a refusal names what was asked and gives each reason in both languages, with its rule."""
    assert refused.reasons
    for text in (refused.what, *(reason.text for reason in refused.reasons)):
        assert text.en.strip()
        assert text.ja.strip()
        assert text.en.isascii() or "→" in text.en
        assert any(character > "\u3000" for character in text.ja), text.ja
    assert all(f"[{reason.rule}]" in refused.text("ja") for reason in refused.reasons)
    assert str(refused) == refused.text("en")


def with_limits(protocol: Protocol, limits: Sequence[int | None], **second: Any) -> Protocol:
    """The protocol with other limits of its stages, and other settings of its last."""
    stages = [dataclasses.replace(stage, limit=limit) for stage, limit in zip(protocol.eligibility.stage, limits, strict=True)]
    stages[-1] = dataclasses.replace(stages[-1], **second)
    eligibility = dataclasses.replace(protocol.eligibility, stage=tuple(stages))
    return dataclasses.replace(protocol, eligibility=eligibility, digest="0" * 63 + str(len(repr(second)) % 10))


@pytest.fixture(scope="session")
def jcog() -> Protocol:
    """The real protocol."""
    return load_protocol(find_protocol("jcog2110", version="1.0"))


@pytest.fixture(scope="session")
def tiny() -> Protocol:
    """A trial of one registration that randomizes at once, in permuted blocks."""
    return load_protocol(Path(__file__).parents[1] / "protocols" / "tiny" / "1.0")


@pytest.fixture
def limited(jcog: Protocol) -> Callable[..., Protocol]:
    """How the real protocol gets other limits."""

    def limit(first: int | None, second: int | None, **changes: Any) -> Protocol:
        return with_limits(jcog, (first, second), **changes)

    return limit


@pytest.fixture
def make_bench() -> Callable[..., Bench]:
    """How a bench is made."""
    return Bench


@pytest.fixture
def bench(jcog: Protocol) -> Bench:
    """The real trial, open at two sites."""
    return Bench(jcog).open()


@pytest.fixture
def tiny_bench(tiny: Protocol) -> Bench:
    """The small trial, open at two sites."""
    return Bench(tiny).open()
