"""Where one lands after signing on: at one's own work, not at the public record."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from oligami.web.pages.here import here_of, trials
from oligami.web.pages.navigation import doors


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Go to the first open door of the first trial in which the person holds a role; to the public record if there is none."""
    for trial in trials():
        here = here_of(request, trial)
        if here.roles:
            for _, address in doors(here):
                return redirect(address)
    return redirect("front")
