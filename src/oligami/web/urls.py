"""All addresses of the deployment."""

from django.urls import include, path

from oligami.web.pages.health import health
from oligami.web.pages.help import help_page
from oligami.web.pages.home import home
from oligami.web.pages.language import choose_language, choose_look
from oligami.web.public.front import front

urlpatterns = [
    path("", front, name="front"),
    path("health", health, name="health"),
    path("home/", home, name="home"),
    path("help/", help_page, name="help"),
    path("look/", choose_look, name="look"),
    path("language/", choose_language, name="language"),
    path("accounts/", include("oligami.web.accounts.urls")),
    path("api/", include("oligami.web.api.urls")),
    path(
        "t/<slug:trial_id>/",
        include(
            [
                path("", include("oligami.web.public.urls")),
                path("", include("oligami.web.worklist.urls")),
                path("", include("oligami.web.registration.urls")),
                path("", include("oligami.web.casebook.urls")),
                path("", include("oligami.web.centre.urls")),
                path("", include("oligami.web.amendments.urls")),
                path("", include("oligami.web.accounts.trial_urls")),
                path("", include("oligami.web.api.trial_urls")),
            ]
        ),
    ),
]
handler400 = "oligami.web.pages.answers.bad_request"
handler403 = "oligami.web.pages.answers.forbidden"
handler404 = "oligami.web.pages.answers.not_found"
handler500 = "oligami.web.pages.answers.server_error"
