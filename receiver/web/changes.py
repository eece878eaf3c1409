"""What a change tells a load balancer: for ten seconds, let its author read from the primary.

A standby may show a change a moment after its primary, and deploy/nginx/readers.conf keeps whoever
has the cookie on receivers of the primary.
"""

from flask import Flask, Response, request

from receiver.web.context import READS

COOKIE = "milepost_wrote"
SECONDS = 10


def register(app: Flask) -> None:
    """Set the cookie in the answer to every change by a browser or a client of the API."""
    app.after_request(_remember)


def _remember(response: Response) -> Response:
    is_change = request.method not in READS and response.status_code < 400
    if is_change and not request.path.startswith("/webhooks/"):  # no sender reads
        response.set_cookie(
            COOKIE, "1", SECONDS, secure=request.is_secure, httponly=True, samesite="Lax"
        )
    return response
