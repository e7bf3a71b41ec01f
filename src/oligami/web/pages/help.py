"""The help page: the same place on every page, as WCAG 3.2.6 asks."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def help_page(request: HttpRequest) -> HttpResponse:
    """Show the keys, how dates are typed, and what to do when something does not work."""
    return render(request, "pages/help.html")
