"""Why no answer came, in words that say what to change; pure."""

from __future__ import annotations

from hooks.answers import Outcome

# What the libraries below `requests` say: OpenSSL's reason, the system's errno, getaddrinfo's.
# urllib3 names the classes: https://urllib3.readthedocs.io/en/stable/reference/urllib3.exceptions.html
REASONS = (
    ("CERTIFICATE_VERIFY", "the certificate of {place} is not trusted: name the file of its "
     "authority in REQUESTS_CA_BUNDLE"),
    ("WRONG_VERSION_NUMBER", "{place} speaks http, not https: begin MILEPOST_URL with http://"),
    ("RECORD_LAYER_FAILURE", "{place} speaks http, not https: begin MILEPOST_URL with http://"),
)  # fmt: skip
TEMPORARY_REASONS = (
    ("ProxyError", "the proxy gives no way to {place}: check HTTPS_PROXY and NO_PROXY"),
    ("NameResolutionError", "{place}: the name does not resolve, check MILEPOST_URL"),
    ("Connection refused", "{place}: connection refused, check that a receiver listens there"),
)


def outcome(error: Exception, place: str) -> Outcome:
    """Return the outcome of a post without an answer; no further try mends what is final."""
    texts = "; ".join(_chain(error))
    for mark, text in REASONS:
        if mark in texts:
            return Outcome(problem=text.format(place=place))
    for mark, text in TEMPORARY_REASONS:
        if mark in texts:
            return Outcome(problem=f"no answer from {text.format(place=place)}", wait=0.0)
    return Outcome(problem=f"no answer from {place} ({type(error).__name__})", wait=0.0)


def _chain(error: BaseException | None) -> list[str]:
    """Return classes and texts of an error and of those behind it."""
    texts: list[str] = []
    while error is not None and len(texts) < 10:
        texts.append(f"{type(error).__name__} {error}")
        inner = next((each for each in error.args if isinstance(each, BaseException)), None)
        reason = getattr(error, "reason", None)
        behind = reason if isinstance(reason, BaseException) else inner
        error = behind or error.__cause__ or error.__context__
    return texts
