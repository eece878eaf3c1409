"""The caller of a page or of the API, their permissions, and the form that signs them in.

A caller shows a token, as `Authorization: Bearer` or in the cookie that the sign-in form sets.
Where the receiver is public, everybody else may read.
"""

import hmac
import secrets
from dataclasses import replace
from urllib.parse import urlsplit

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from receiver.domain.model import SCOPES
from receiver.errors import Closed, Forbidden
from receiver.storage import tokens
from receiver.storage.audit import Actor
from receiver.storage.dimensions import own_words
from receiver.storage.moves import Mover
from receiver.storage.tokens import Grant, Right
from receiver.web import rate_limit
from receiver.web.context import services
from receiver.web.forms import form_fields
from receiver.web.kept_forms import kept_form

blueprint = Blueprint("sign_in", __name__)
blueprint.add_app_template_global(kept_form)
COOKIE = "milepost_token"
CSRF_COOKIE = "milepost_csrf"
COOKIE_SECONDS = 30 * 24 * 3600
ANYBODY = Grant("anybody", "read")
# In the WSGI environ a header's name begins with HTTP_: only code of this process can set this key.
ACTOR = "milepost.actor"


def require_read() -> Grant:
    """Return the caller. Raises Closed or Forbidden unless they may read everything."""
    return _everything(require("read"))


def require_write() -> Grant:
    """Return the caller. Raises Closed or Forbidden unless they may change everything."""
    return _everything(require("write"))


def require_admin() -> Grant:
    """Return the caller. Raises Closed or Forbidden unless they may do everything."""
    return _everything(require("admin"))


def require(scope: str) -> Grant:
    """Return the caller; `project` is where they have this scope, and the view must apply it.

    Raises Closed or Forbidden unless the caller has this scope.
    """
    grant = caller()
    if grant is None or (grant == ANYBODY and scope != "read"):
        raise Closed
    if not grant.allows(scope):
        raise Forbidden(f"This needs a token of scope {scope}.")
    if request.method not in ("GET", "HEAD") and _bearer() is None and _own_actor() is None:
        _check_form()
    return replace(grant, project=grant.reach(scope), rights=grant.rights or _only(grant))


def mover() -> Mover:
    """Return the caller as one who moves images into channels."""
    grant = require("read")
    return Mover(
        actor(),
        read=grant.reach("read"),
        write=grant.reach("write"),
        promote=grant.reach("promote"),
        override=grant.override or any(each.override for each in grant.rights),
    )


def caller() -> Grant | None:
    """Return the caller, or None where a token is missing. Raises Closed for a wrong token."""
    if "grant" not in g:
        g.grant = _caller()
    grant: Grant | None = g.grant
    return grant


def actor() -> Actor:
    """Return the caller for the audit trail. Raises Closed if nobody is signed in."""
    if actor := _own_actor():
        return actor
    grant = caller()
    if grant is None or grant == ANYBODY:
        raise Closed
    if grant.is_user:
        return Actor(grant.name, "proxy")
    return Actor(grant.name, "page" if _bearer() is None else "token")


@blueprint.get("/sign-in")
def form() -> Response:
    """Show the form alone; a closed page shows it by itself."""
    return _form(200)


@blueprint.post("/sign-in")
def sign_in() -> BaseResponse:
    """Store a valid token in the cookie, and return to the page that needed it, or to the form that
    was sent too early."""
    _check_form()
    token = form_fields().get("token", "").strip()
    if _grant(token) is None:
        rate_limit.count_failure()
        return _form(401, "This token is unknown, expired or revoked.")
    kept = kept_form()
    response: BaseResponse
    if kept.path:
        response = make_response(render_template("unsent.html", kept=kept))
    else:
        response = redirect(kept.back, 303)
    _set_cookie(response, COOKIE, token)
    return response


@blueprint.post("/sign-out")
def sign_out() -> BaseResponse:
    """Delete the cookie. The button is on every page, also on those that many readers share, so a
    browser's word that the form is of this site does: another site could only sign somebody out."""
    if not _is_own_origin():
        _check_form()
    response = redirect(url_for("pages.overview"), 303)
    response.delete_cookie(COOKIE)
    return response


@blueprint.app_template_global()
def signed_in() -> Grant | None:
    """Return the caller where they are somebody, for the head of each page."""
    grant: Grant | None = g.get("grant")
    return None if grant is ANYBODY else grant


@blueprint.app_template_global()
def may_write() -> bool:
    """Return whether the page is for somebody who may change everything."""
    grant = signed_in()
    return grant is not None and grant.allows("write") and grant.project is None


@blueprint.app_template_global()
def csrf_token() -> str:
    """Return the value that a form repeats: no other site can read it or set its cookie."""
    if "csrf" not in g:
        g.csrf = request.cookies.get(CSRF_COOKIE) or secrets.token_urlsafe(24)
    text: str = g.csrf
    return text


@blueprint.after_app_request
def keep_csrf(response: Response) -> Response:
    """Set the cookie of the form that this response holds."""
    if "csrf" in g and request.cookies.get(CSRF_COOKIE) != g.csrf:
        _set_cookie(response, CSRF_COOKIE, g.csrf)
    return response


def _set_cookie(response: BaseResponse, name: str, value: str) -> None:
    """Set a cookie that no script can read and no form of another site sends."""
    response.set_cookie(
        name,
        value,
        max_age=COOKIE_SECONDS,
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )


def _everything(grant: Grant) -> Grant:
    if grant.project is not None:
        raise Forbidden(f"This token is for {own_words(grant.project)} alone.")
    return grant


def _only(grant: Grant) -> tuple[Right, ...]:
    projects = grant.project if isinstance(grant.project, tuple) else (grant.project,)
    return tuple(Right(grant.scope, each, grant.override) for each in projects)


def _own_actor() -> Actor | None:
    """Return the user of the command that calls from inside this process."""
    actor = request.environ.get(ACTOR)
    return actor if isinstance(actor, Actor) else None


def _caller() -> Grant | None:
    if actor := _own_actor():
        return Grant(actor.name, "admin", override=True)
    bearer = _bearer()
    token = request.cookies.get(COOKIE) if bearer is None else bearer
    grant = _grant(token) if token else None
    if grant is None and bearer is not None:
        rate_limit.count_failure()
        raise Closed
    return grant or _user() or (ANYBODY if services().config.public_read else None)


def _grant(token: str) -> Grant | None:
    with services().database.reading().transaction() as connection:
        return tokens.find_grant(connection, token)


def _user() -> Grant | None:
    """Return the user that a trusted proxy signed in; from others the header was removed."""
    config = services().config
    name = request.headers.get(config.user_header, "") if config.user_header else ""
    if not name:
        return None
    own = [Right(config.user_scope)] if config.user_scope else []
    rights = (*own, *_rights_of_groups())
    if not rights:
        return None
    highest = max((each.scope for each in rights), key=SCOPES.index)
    return Grant(name[:200], highest, is_user=True, rights=rights)


def _rights_of_groups() -> tuple[Right, ...]:
    """Return what the groups of the user have, which the proxy tells with commas between them, as
    oauth2-proxy and Authelia do:

    https://oauth2-proxy.github.io/oauth2-proxy/configuration/overview
    https://www.authelia.com/integration/trusted-header-sso/introduction/
    """
    header = services().config.groups_header
    names = request.headers.get(header, "").split(",") if header else []
    groups = services().rules.projects().groups
    found = (groups[name] for each in names if (name := each.strip()) in groups)
    return tuple(
        Right(group.scope, project, group.override)
        for group in found
        for project in group.projects or (None,)
    )


def _bearer() -> str | None:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None


def _check_form() -> None:
    """Raise Forbidden unless the form came from one of our own pages."""
    cookie = request.cookies.get(CSRF_COOKIE, "")
    is_own = cookie and ("Origin" not in request.headers or _is_own_origin())
    field = form_fields().get("csrf", "") if is_own else ""
    if not (is_own and hmac.compare_digest(field.encode(), cookie.encode())):
        raise Forbidden("The form is out of date: go back, reload the page and send it again.")


def _is_own_origin() -> bool:
    """Return whether the browser says that a page of this receiver sent the form; all of them do
    since 2020: https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Origin"""
    origin = request.headers.get("Origin", "")
    return bool(origin) and urlsplit(origin).netloc == request.host


def _form(status: int, error: str = "") -> Response:
    problem = {"detail": error, "status": status}
    return make_response(render_template("sign_in.html", problem=problem), status)
