"""Writes a small journal with every kind of entry, and the summary of what it folds to.

Run once for a release: `python tests/golden/make_journal.py tests/golden/VERSION`. A journal that was released is never written
again: it must fold for ever. The tests read every folder here and hold today's program to its summary.
"""

import json
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from oligami.journal import entries as e
from oligami.journal.record import Stamp
from oligami.journal.store import FileJournal
from oligami.protocol.digest import with_digest
from oligami.protocol.load import find_protocol, load_protocol
from oligami.protocol.model.protocol import Protocol
from oligami.trial.commands import ActivateProtocol, CorrectItems, RedactBody, Register, SubmitForm
from oligami.trial.decide import shown_digest
from oligami.trial.desk import Desk
from oligami.trial.draws import commitment
from oligami.trial.fold import fold
from oligami.trial.state import Trial

START = datetime(2024, 6, 10, 3, 0, tzinfo=UTC)
SECRET = bytes(range(32))
NEXT_SECRET = bytes(range(1, 33))
DAY = date(2024, 6, 10)

FIRST: dict[str, Any] = {
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
        {"id": "L2", "kind": "distant_metastasis", "site": "lung", "max_diameter_mm": 12.5, "certainty": "definite"},
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
SECOND: dict[str, Any] = {
    "registration_date": "2024-06-10",
    "first_registration_completed_and_on_study": "yes",
    "courses_planned": 3,
    "courses_given": 3,
    "overall_response": "SD",
    "new_lesion": "no",
    "residual_oligometastases": 2,
}
THERAPY = {
    "menopause": "postmenopausal",
    "setting": "de_novo",
    "regimen": "AI_CDK",
    "cdk_agent": "ribociclib",
    "therapy_start_date": "2024-06-12",
}
CONTACT = {"contact_date": "2024-06-10", "vital_status": "alive", "remarks": "Mrs. Somebody rang / 電話あり"}
#: The day of the diagnosis is not known: a partial date.
SKIN: dict[str, Any] = {"remarks": "well", "second_cancer": "yes", "second_cancer_date": "2024-05", "second_cancer_text": "skin"}


def amend(protocol: Protocol) -> Protocol:
    """Return the protocol's next version: with another consent document."""
    return with_digest(replace(protocol, version="1.1", trial=replace(protocol.trial, consent_document="2.0")))


def write(path: Path) -> None:
    """Write the journal."""
    said = 0

    def stamp() -> Stamp:
        nonlocal said
        said += 1
        return Stamp(
            recorded_at=START + timedelta(minutes=said),
            author="investigator-7",
            role="investigator",
            channel="telephone" if said % 5 == 0 else "web",
            command=f"{said:032x}",
            seen=desk.trial.head.seq,
            caller="coordinator s01" if said % 5 == 0 else None,
        )

    protocol = load_protocol(find_protocol("jcog2110", version="1.0"))
    form = {"subject": "S-0001", "form": "follow_up", "occurrence": 1}
    with FileJournal(path, create=True) as journal:
        desk = Desk(journal, salts=lambda seq: f"{seq:032x}", secret=SECRET)

        def say(*commands: Any) -> None:
            for command in commands:
                desk.submit(command, stamp())

        say(
            ActivateProtocol(protocol=protocol, reason="start"),
            e.SecretCommitted(commitment=commitment(SECRET)),
            e.SiteOpened(site="s01", name="Hospital one / 第一病院"),
            e.SiteOpened(site="s02", name="Hospital two", fictitious=True),
            e.RoleGranted(person="p1", role="coordinator", site="s01"),
            e.RoleGranted(person="p2", role="monitor"),
            e.RoleRevoked(person="p2", role="monitor", reason="moved"),
            e.RecordRevised(changes={"central_contact.0.name": "Study office"}, reason="moved"),
            Register(stage="first", site="s01", values=FIRST | {"fdg_pet": "not_done"}),
            Register(stage="first", site="s01", values=FIRST | {"er": "unknown"}),
        )
        for number in range(1, 7):
            site = "s01" if number % 2 else "s02"
            say(Register(stage="first", site=site, values=FIRST | {"de_novo_stage_iv": "yes" if number > 4 else "no"}))
        say(
            SubmitForm(subject="S-0001", form="systemic_therapy", values=THERAPY),
            Register(
                stage="second", site="s01", subject="S-0001", values=SECOND | {"new_lesion": "yes", "overall_response": "PD"}
            ),
        )
        for number in range(1, 5):
            say(Register(stage="second", site="s01" if number < 4 else "s02", subject=f"S-{number:04d}", values=SECOND))
        fixed = {"de_novo_stage_iv": "yes", "birth_date": "1970-01-01"}
        say(
            CorrectItems(subject="S-0002", form="first_registration", occurrence=1, new=fixed, reason="misread"),
            e.AllocationMarkedInError(subject="S-0003", k=3, reason="randomized twice"),
            e.RegistrationAnnulled(subject="S-0006", stage="first", reason="entered twice"),
            e.SecretCommitted(commitment=commitment(NEXT_SECRET), from_k=5),
            SubmitForm(subject="S-0001", form="follow_up", values=CONTACT),
        )
        named, seal = desk.trial.head.seq, desk.trial.head.seal
        shown = shown_digest(desk.trial.subjects["S-0001"].values("follow_up"))
        say(
            e.QueryRaised(**form, query="q1", item="contact_date", text="Which day?"),
            e.QueryAnswered(subject="S-0001", query="q1", text="That day"),
            e.QueryClosed(subject="S-0001", query="q1"),
            e.FormVerified(**form),
            e.FormSigned(**form, meaning="endorsed", shown=shown),
            e.FormLocked(**form),
            e.FormUnlocked(**form, reason="a late result"),
            CorrectItems(**form, new={"remarks": "she rang", "treatment_status": "protocol_treatment"}, reason="late result"),
            e.SafetyReported(**form, report="first", category="serious", aware_date=DAY, recipients=("study_chair",)),
            e.DeviationGraded(subject="S-0001", rule="schedule.ct", grade="deviation", text="CT a week late"),
            e.ConsentGiven(subject="S-0002", document="2.0", consent_date=DAY),
            e.ConsentWithdrawn(subject="S-0004", scope="treatment", withdrawal_date=DAY, reason="wish"),
            e.AccrualPaused(stage="second", reason="supply"),
            e.AccrualResumed(stage="second", reason="supply is back"),
            e.SiteClosed(site="s02", reason="left"),
            e.CutTaken(cut="spring", through=20, up_to=DAY, purpose="monitoring"),
            e.MonitoringDecided(cut="spring", decision="continue", text="no concern"),
            e.HeadPublished(record=named, seal=seal, where="by e-mail"),
            e.ExportMade(what="tables", purpose="committee", recipient="chair", digest="0" * 64),
            ActivateProtocol(protocol=amend(protocol), per_site=True, reason="amendment 1"),
            e.ProtocolAdopted(site="s01", version="1.1", from_date=DAY, reason="approved"),
            Register(stage="first", site="s01", values=FIRST),
            SubmitForm(subject="S-0004", form="follow_up", values=CONTACT | SKIN),
            CorrectItems(
                subject="S-0001", form="follow_up", occurrence=1, new={"remarks": "she wrote"}, reason="a slip", version="1.1"
            ),
            e.SecretOpened(commitment=commitment(SECRET), secret=SECRET.hex()),
        )
        desk.redact(RedactBody(record=named, texts=("Somebody",), reason="a name was typed"), stamp())


def summarize(trial: Trial) -> dict[str, Any]:
    """Return what a trial has come to, in plain JSON: enough that no fold may change its mind unnoticed."""
    return {
        "head": {"seq": trial.head.seq, "seal": trial.head.seal, "at": str(trial.head.at)},
        "trial": trial.study.trial,
        "versions": {version: protocol.digest for version, protocol in trial.study.versions.items()},
        "sites": {site: [state.name, state.fictitious, state.closed_at is not None] for site, state in trial.study.sites.items()},
        "roles": sorted(f"{person} {role} {site}" for person, role, site in trial.study.roles),
        "paused": sorted(str(stage) for stage in trial.study.paused),
        "commitments": [[c.commitment, c.from_k, c.protocol_digest, c.opened] for c in trial.study.commitments],
        "cuts": {cut: [through, str(up_to), purpose] for cut, (through, up_to, purpose) in trial.study.cuts.items()},
        "decisions": [list(decision) for decision in trial.study.decisions],
        "published": [list(head) for head in trial.study.published],
        "record_changes": [dict(changes) for changes in trial.study.record_changes],
        "exports": trial.study.exports,
        "redacted": sorted(trial.study.redacted),
        "simulated": trial.study.simulated,
        "allocated": trial.allocated,
        "refusals": [[r.stage, r.site, r.subject, r.verdict, list(r.not_met), list(r.unknown)] for r in trial.refusals],
        "registered": {stage.id: trial.registered(stage.id) for stage in trial.protocol.eligibility.stage},
        "subjects": {
            name: {
                "site": subject.site,
                "seq": subject.seq,
                "stages": {
                    s.stage: [s.site, str(s.registration_date), s.protocol_version, s.annulled] for s in subject.stages.values()
                },
                "forms": [
                    {
                        "form": f"{form.form} {form.occurrence}",
                        "values": dict(form.values),
                        "visit": form.visit,
                        "seq": form.seq,
                        "changes": [[c.seq, c.role, dict(c.old), dict(c.new), c.reason] for c in form.changes],
                        "warnings": [dict(warning) for warning in form.warnings],
                        "verified": form.verified_seq,
                        "signed": form.is_signed,
                        "locked": form.locked,
                    }
                    for form in subject.forms.values()
                ],
                "allocations": [
                    [a.k, a.arm, str(a.randomization_date), dict(a.factors_drawn), dict(a.factors), a.in_error]
                    for a in subject.allocations
                ],
                "consents": [[document, str(day)] for document, day in subject.consents],
                "queries": {
                    q.query: [q.form, q.occurrence, q.item, q.text, q.status, q.answer] for q in subject.queries.values()
                },
                "withdrawals": [[w.scope, str(w.withdrawal_date), w.reason] for w in subject.withdrawals],
                "reports": [[r.form, r.occurrence, r.report, r.category, str(r.aware_date)] for r in subject.reports],
                "deviations": [[d.rule, d.grade, d.text, d.form, d.occurrence] for d in subject.deviations],
            }
            for name, subject in trial.subjects.items()
        },
    }


def main(folder: Path) -> None:
    """Write journal and summary into a new folder."""
    folder.mkdir(parents=True)
    journal = folder / "journal.jsonl"
    write(journal)
    summary = summarize(fold(FileJournal(journal).records()))
    text = json.dumps(summary, ensure_ascii=False, indent=1, sort_keys=True)
    (folder / "summary.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
