"""Schemathesis over the API: whatever is sent, no fault of the program, only documented answers, and a no writes nothing.

`OLIGAMI_FUZZ_EXAMPLES` asks for more requests an address than the few of the gate.
"""

import os

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from oligami.trial.commands import SubmitForm
from oligami.web.api.tokens import make_token

EXAMPLES = int(os.environ.get("OLIGAMI_FUZZ_EXAMPLES", "3"))
CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)


def _cases(operation):
    """Requests as they are described and, where there is a body, some that are not."""
    cases = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    return st.one_of(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE), cases) if len(operation.body) else cases


def test_nothing_that_is_sent_breaks_the_api(site):
    """Each address, with a data manager's and an investigator's token, for the trial's subject and for any other."""
    subject = site.register()
    site.submit(SubmitForm(subject=subject, form="follow_up", values={"contact_date": "2024-06-11", "vital_status": "alive"}))
    words = [
        make_token(site.person(role), trial=site.trial_id, site=None, purpose="fuzz") for role in ("data_manager", "investigator")
    ]
    journal, seen = site.desk.journal, set()
    with override_settings(ALLOWED_HOSTS=["*"]):
        schema = schemathesis.openapi.from_wsgi("/api/openapi.json", WSGIHandler())
        for found in schema.get_all_operations():
            operation = found.ok()

            @settings(
                max_examples=EXAMPLES,
                derandomize=True,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=_cases(operation), word=st.sampled_from(words), known=st.booleans())
            def ask(case, word, known):
                case.path_parameters["trial"] = site.trial_id
                if known and "subject" in case.path_parameters:
                    case.path_parameters["subject"] = subject
                said = case.body.get("entry") if isinstance(case.body, dict) else None
                if known and isinstance(said, dict) and "subject" in said:
                    said["subject"] = subject
                before = journal.head()
                case.headers["Authorization"] = f"Bearer {word}"  # in place of one that was made up
                response = case.call()
                seen.add(response.status_code)
                case.validate_response(response, checks=list(CHECKS))
                if response.status_code >= 400:
                    assert journal.head() == before, (case.path, response.status_code)
                    assert "Traceback" not in response.text

            ask()
    assert {200, 403, 404, 422} <= seen  # requests came far enough to be judged
    assert journal.verify().ok


@pytest.mark.parametrize("path", ["me", "subjects", "commands/open_site"])
def test_no_token_no_answer(site, path):
    """Without a token every address says 401, whatever the method."""
    client = site.client_for(None)
    for method in ("GET", "POST"):
        assert client.generic(method, f"/api/t/{site.trial_id}/{path}").status_code in (401, 405)
