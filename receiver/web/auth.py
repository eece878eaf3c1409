"""Who calls a page or the API, and what they may do.

A caller shows a token, as `Authorization: Bearer` or in the cookie that the sign-in form sets.
Where the receiver is public, everybody else may read.
"""

import hmac
import secrets
from urllib.parse import urlsplit

from flask import Response as FlaskResponse
from flask import g, request
from werkzeug.wrappers import Response

from receiver.errors import Closed, Forbidden
from receiver.storage import tokens
from receiver.storage.audit import Actor
from receiver.storage.tokens import Grant
from receiver.web import rate_limit
from receiver.web.context import services

COOKIE = "milepost_token"
CSRF_COOKIE = "milepost_csrf"
COOKIE_SECONDS = 30 * 24 * 3600
ANYBODY = Grant("anybody", "read")


def require_read() -> Grant:
    """The caller; Closed unless they may read everything."""
    return _everything(require("read"))


def require_write() -> Grant:
    """The caller; Closed or Forbidden unless they may change everything."""
    return _everything(require("write"))


def require_admin() -> Grant:
    """The caller; Closed or Forbidden unless they may do anything."""
    return _everything(require("admin"))


def require(scope: str) -> Grant:
    """The caller, whose token may be for one project alone: who asks must heed it."""
    grant = caller()
    if grant is None or (grant is ANYBODY and scope != "read"):
        raise Closed
    if not grant.allows(scope):
        raise Forbidden(f"This needs a token of scope {scope}.")
    if request.method not in ("GET", "HEAD") and _bearer() is None:
        check_form()
    return grant


def caller() -> Grant | None:
    """Who calls; None where nobody may without a token. A wrong token is refused everywhere."""
    if "grant" not in g:
        g.grant = _caller()
    grant: Grant | None = g.grant
    return grant


def who() -> Actor:
    """Who changes something by this request, for the audit trail; Closed for nobody."""
    grant = caller()
    if grant is None or grant is ANYBODY:
        raise Closed
    if grant.is_user:
        return Actor(grant.name, "proxy")
    return Actor(grant.name, "page" if _bearer() is None else "token")


def grant_of(token: str) -> Grant | None:
    """What a token grants."""
    with services().database.transaction() as connection:
        return tokens.find(connection, token)


def csrf_token() -> str:
    """The value that a form repeats: another site can neither read it nor set its cookie."""
    if "csrf" not in g:
        g.csrf = request.cookies.get(CSRF_COOKIE) or secrets.token_urlsafe(24)
    text: str = g.csrf
    return text


def keep_csrf(response: FlaskResponse) -> FlaskResponse:
    """Set the cookie of the form that this response holds."""
    if "csrf" in g and request.cookies.get(CSRF_COOKIE) != g.csrf:
        set_cookie(response, CSRF_COOKIE, g.csrf)
    return response


def set_cookie(response: Response, name: str, value: str) -> None:
    """A cookie that no script reads and no other site's form sends."""
    response.set_cookie(
        name,
        value,
        max_age=COOKIE_SECONDS,
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )


def _everything(grant: Grant) -> Grant:
    if grant.project:
        raise Forbidden(f"This token is for the project {grant.project} alone.")
    return grant


def _caller() -> Grant | None:
    bearer = _bearer()
    token = request.cookies.get(COOKIE) if bearer is None else bearer
    grant = grant_of(token) if token else None
    if grant is None and bearer is not None:
        rate_limit.note()
        raise Closed
    return grant or _user() or (ANYBODY if services().config.public_read else None)


def _user() -> Grant | None:
    """Whom a trusted proxy has signed in; from others the header does not get this far."""
    config = services().config
    name = request.headers.get(config.user_header, "") if config.user_header else ""
    return Grant(name[:200], config.user_scope, is_user=True) if name else None


def _bearer() -> str | None:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None


def check_form() -> None:
    """Forbidden unless the form came from one of our own pages."""
    origin = request.headers.get("Origin")
    given = request.form.get("csrf", "")
    known = request.cookies.get(CSRF_COOKIE, "")
    is_ours = origin is None or urlsplit(origin).netloc == request.host
    if not (is_ours and known and hmac.compare_digest(given.encode(), known.encode())):
        raise Forbidden("The form is out of date: go back, reload the page and send it again.")
