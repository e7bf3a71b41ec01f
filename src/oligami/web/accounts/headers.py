"""The security headers of every answer, pages of errors and static files included; it stands outermost.

What Django and django-csp set (policy of contents, HSTS, nosniff, referrer, opener) is left alone; where an answer never reached
them (a request with a foreign host name, a static file), the strictest stands in.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

#: Features of the browser that no page uses; passkeys are the exception.
_FEATURES = (
    *(
        "accelerometer",
        "autoplay",
        "camera",
        "display-capture",
        "encrypted-media",
        "fullscreen",
        "gamepad",
        "geolocation",
    ),
    *(
        "gyroscope",
        "hid",
        "idle-detection",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "picture-in-picture",
        "screen-wake-lock",
    ),
    *("serial", "usb", "xr-spatial-tracking"),
)
PERMISSIONS = ", ".join(
    (*(f"{feature}=()" for feature in _FEATURES), "publickey-credentials-create=(self)", "publickey-credentials-get=(self)")
)
_SHUT = "default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"


class HeadersMiddleware:
    """Adds what an answer lacks."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with all headers."""
        response = self._get_response(request)
        headers = response.headers
        headers.setdefault("Content-Security-Policy", _SHUT)
        headers.setdefault("Permissions-Policy", PERMISSIONS)
        headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", settings.SECURE_REFERRER_POLICY)
        headers.setdefault("X-Frame-Options", "DENY")
        headers.setdefault("Origin-Agent-Cluster", "?1")
        if settings.SECURE_HSTS_SECONDS and request.is_secure():
            headers.setdefault("Strict-Transport-Security", f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains; preload")
        return response
