"""The form that takes a token into a cookie, and its end."""

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from receiver.web import auth, rate_limit

blueprint = Blueprint("sign_in", __name__)


@blueprint.get("/sign-in")
def form() -> Response:
    """The form alone; a closed page shows it by itself."""
    return _form(200)


@blueprint.post("/sign-in")
def sign_in() -> BaseResponse:
    """Keep a token that is valid, and go where the caller wanted to."""
    auth.check_form()
    token = request.form.get("token", "").strip()
    if auth.grant_of(token) is None:
        rate_limit.note()
        return _form(401, "This token is unknown, expired or revoked.")
    response = redirect(_local(request.form.get("next", "")), 303)
    auth.set_cookie(response, auth.COOKIE, token)
    return response


@blueprint.post("/sign-out")
def sign_out() -> BaseResponse:
    """Forget the token."""
    auth.check_form()
    response = redirect(url_for("pages.overview"), 303)
    response.delete_cookie(auth.COOKIE)
    return response


def _form(status: int, error: str = "") -> Response:
    problem = {"detail": error, "status": status}
    return make_response(render_template("sign_in.html", problem=problem), status)


def _local(path: str) -> str:
    """A path of ours: a link must not lead a caller away to another site."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if is_ours and path.isprintable() else url_for("pages.overview")
