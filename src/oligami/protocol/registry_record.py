"""The trial's public record in the registry's own format, read back from trial.toml.

The protocol folder holds the record as typed texts in two languages; this module gives the English half of it in the shape of
the ClinicalTrials.gov API v2 (`Study`), and what the registry's page prints outside that format. It neither adds nor corrects.
"""

from typing import Any

from oligami.protocol.model.record import Person, TrialFile


def registry_json(trial_file: TrialFile) -> dict[str, Any]:
    """Return the record as an API v2 study: `protocolSection` with its modules, and `hasResults`.

    Texts are the record's own (English); dates are ISO texts. A field the record leaves empty is left out.

    Source: ClinicalTrials.gov API v2, data structure of a study.
    """
    return {
        "protocolSection": {
            "identificationModule": _identification(trial_file),
            "statusModule": {
                "overallStatus": trial_file.status.overall,
                "startDateStruct": {"date": trial_file.status.start_date.isoformat()},
                "completionDateStruct": {"date": trial_file.status.completion_date.isoformat()},
                "lastUpdatePostDateStruct": {"date": trial_file.status.last_update_posted.isoformat()},
            },
            "sponsorCollaboratorsModule": _sponsor(trial_file),
            "descriptionModule": {
                "briefSummary": trial_file.brief_summary.en,
                "detailedDescription": trial_file.detailed_description.en,
            },
            "conditionsModule": _without_empty(
                {
                    "conditions": [condition.en for condition in trial_file.conditions],
                    "keywords": [keyword.en for keyword in trial_file.keywords],
                }
            ),
            "designModule": _design(trial_file),
            "armsInterventionsModule": _arms(trial_file),
            "eligibilityModule": {
                "eligibilityCriteria": trial_file.record_eligibility.criteria.en,
                "healthyVolunteers": trial_file.record_eligibility.healthy_volunteers,
                "sex": trial_file.record_eligibility.sex,
                "minimumAge": trial_file.record_eligibility.minimum_age,
                "maximumAge": trial_file.record_eligibility.maximum_age,
            },
            "contactsLocationsModule": _contacts(trial_file),
        },
        "hasResults": trial_file.status.has_results,
    }


def page_extras(trial_file: TrialFile) -> dict[str, Any]:
    """Return what the record's page prints, or leaves out, beside the study record itself.

    Keys: countries, otherIdentifiers, resultsNote, relatedTrials, relatedLinks, absent_in_page, note_on_absent, and
    oddities_kept_verbatim (each with `where` and `what`).
    """
    absent_note = trial_file.absent_note
    return {
        "countries": list(trial_file.country),
        "otherIdentifiers": [
            {"id": other.id, "type": other.type, "source": other.source} for other in trial_file.identification.other_identifiers
        ],
        "resultsNote": trial_file.status.results_note.en,
        "relatedTrials": [
            {
                "nctId": related.nct_id,
                "briefTitle": related.brief_title,
                "overallStatus": related.overall_status,
                "phases": list(related.phases),
            }
            for related in trial_file.related_trial
        ],
        "relatedLinks": [{"url": link.url, "label": link.label.en} for link in trial_file.related_link],
        "absent_in_page": [absent.en for absent in trial_file.absent_from_record],
        "note_on_absent": absent_note.en if absent_note is not None else "",
        "oddities_kept_verbatim": [{"where": oddity.where, "what": oddity.what.en} for oddity in trial_file.oddity],
    }


def _identification(trial_file: TrialFile) -> dict[str, Any]:
    identification = trial_file.identification
    # The acronym of trial.toml is left out: this record has no such field, it speaks of the acronym in its prose only.
    return {
        "nctId": identification.nct_id,
        "orgStudyIdInfo": {"id": identification.org_study_id},
        "briefTitle": identification.brief_title.en,
    }


def _sponsor(trial_file: TrialFile) -> dict[str, Any]:
    sponsor = trial_file.sponsor
    return _without_empty(
        {
            "responsibleParty": _without_empty(
                {
                    "type": sponsor.responsible_party_type,
                    "investigatorFullName": sponsor.responsible_party_name,
                    "investigatorTitle": sponsor.responsible_party_title,
                }
            ),
            "leadSponsor": {"name": sponsor.name, "class": sponsor.organization_class},
        }
    )


def _design(trial_file: TrialFile) -> dict[str, Any]:
    design = trial_file.design
    return {
        "studyType": design.study_type,
        "phases": list(design.phases),
        "designInfo": {
            "allocation": design.allocation,
            "interventionModel": design.intervention_model,
            "interventionModelDescription": design.intervention_model_description.en,
            "primaryPurpose": design.primary_purpose,
            "maskingInfo": {"masking": design.masking},
        },
        "enrollmentInfo": {"count": design.enrollment_count},
    }


def _arms(trial_file: TrialFile) -> dict[str, Any]:
    return {
        "armGroups": [
            {
                "label": arm.label.en,
                "type": arm.type,
                "description": arm.description.en,
                "interventionNames": list(arm.interventions),
            }
            for arm in trial_file.record_arm
        ],
        "interventions": [
            {
                "type": intervention.type,
                "name": intervention.name.en,
                "description": intervention.description.en,
                "armGroupLabels": list(intervention.arms),
            }
            for intervention in trial_file.record_intervention
        ],
    }


def _contacts(trial_file: TrialFile) -> dict[str, Any]:
    return _without_empty(
        {
            "centralContacts": [_person(person) for person in trial_file.central_contact],
            "overallOfficials": [_person(person) for person in trial_file.official],
            "locations": [
                _without_empty(
                    {
                        "facility": location.facility,
                        "status": location.status,
                        "city": location.city,
                        "state": location.state,
                        "country": location.country,
                        "contacts": [_person(person) for person in location.contacts],
                    }
                )
                for location in trial_file.location
            ],
        }
    )


def _person(person: Person) -> dict[str, Any]:
    # `title` has no place among contacts and officials of the format; the sponsor's person carries it there.
    return _without_empty(
        {
            "name": person.name,
            "affiliation": person.affiliation,
            "role": person.role,
            "phone": person.phone,
            "email": person.email,
        }
    )


def _without_empty(record: dict[str, Any]) -> dict[str, Any]:
    """Leave out empty texts, lists and objects: the registry prints no field for them."""
    return {key: value for key, value in record.items() if value not in ("", [], {})}
