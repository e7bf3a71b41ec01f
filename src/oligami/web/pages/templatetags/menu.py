"""`{% menu here as doors %}`: the menu of a page."""

from django import template

from oligami.web.pages.here import Here
from oligami.web.pages.navigation import Door, doors

register = template.Library()


@register.simple_tag
def menu(here: Here) -> list[tuple[Door, str]]:
    """Return the doors that are open to the person."""
    return doors(here)
