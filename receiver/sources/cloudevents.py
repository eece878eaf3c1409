"""CloudEvents over HTTP that carry CDEvents: pipelineRun, taskRun and artifact subjects.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md and
https://github.com/cdevents/spec/blob/v0.4.1/continuous-integration.md
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from receiver.domain.delivery import Content, Report, Request, Subject
from receiver.domain.model import Artifact, Event, Json, Run, Statement
from receiver.sources import signatures
from receiver.sources.base import Source
from receiver.sources.forge_fields import (
    ENDS,
    SKIPPED,
    begun,
    ended,
    moment,
    names,
    never_ran,
    optional,
    section,
    text,
    waits,
)
from receiver.sources.run_keys import bounded

STRUCTURED = "application/cloudevents+json"
_TYPE = re.compile(r"dev\.cdevents\.(pipelinerun|taskrun|artifact)\.([a-z]+)\.", re.ASCII)


def identify(request: Request, document: Json) -> tuple[str, str]:
    """Return the SHA-256 of `source` and `id`, which together are unique, as the key.

    In binary mode these are headers, which a signature does not cover: there it is the SHA-256 of
    what is signed, so that nobody can send a signed body again as another event.
    """
    kind, source, event_id = (
        _attribute(request, document, name) for name in ("type", "source", "id")
    )
    identity = f"{source}\n{event_id}".encode() if event_id else request.body
    if _headers_are_unsigned(request):
        signed = (request.headers.get(name, "") for name in ("webhook-id", "webhook-timestamp"))
        identity = "\n".join((*signed, "")).encode() + request.body
    return (kind or "unknown")[:100], hashlib.sha256(identity).hexdigest()


def parse(request: Request, document: Json) -> Content:
    """Return a report on a pipeline's run; other types are ignored. Raises Invalid."""
    kind = _attribute(request, document, "type")
    match = _TYPE.match(kind)
    if not match:
        return Content(
            outcome="ignored", reason=f"event {kind[:50] or 'without a type'} is not used"
        )
    data = _data(request, document)
    subject = section(data, "subject")
    sent = moment(_attribute(request, document, "time"))
    report = _report(match[1], match[2], subject, data, sent, request)
    if report is None:
        return Content(outcome="ignored", reason="the event names no pipeline's run")
    return Content(reports=(report,))


def _is_structured(request: Request) -> bool:
    return request.headers.get("content-type", "").lower().startswith(STRUCTURED)


def _headers_are_unsigned(request: Request) -> bool:
    """Return whether the attributes are headers, beside a signature of the body alone."""
    return "webhook-signature" in request.headers and not _is_structured(request)


def _attribute(request: Request, document: Mapping[str, Any], name: str) -> str:
    """Return a CloudEvents attribute, of the envelope or of a header (percent-decoded once).

    In binary mode beside a signature it is what the body says: CDEvents has the attributes in
    `context` too, with the same values (cloudevents-binding.md of the specification).
    """
    if _is_structured(request):
        return text(document, name, 2_000) or ""
    if _headers_are_unsigned(request):
        key = "timestamp" if name == "time" else name
        return text(optional(document, "context"), key, 2_000) or ""
    return unquote(request.headers.get(f"ce-{name}", "")).strip()


def _data(request: Request, document: Json) -> Mapping[str, Any]:
    return section(document, "data") if _is_structured(request) else document


def _report(
    kind: str,
    what: str,
    subject: Mapping[str, Any],
    data: Mapping[str, Any],
    sent: datetime | None,
    request: Request,
) -> Report | None:
    content, context = optional(subject, "content"), optional(data, "context")
    source = text(subject, "source", 300) or text(context, "source", 300) or ""
    run = _run_of(kind, subject, content, context)
    if not run:
        return None
    at = moment(context.get("timestamp")) or sent  # when the event occurred, by CDEvents
    name = text(content, "pipelineName") or ""
    statement = Statement(
        build_number="",
        run=Run(bounded(f"cloudevents:{source}:{run}"), url=_link(content)),
        events=tuple(_events(kind, what, subject, content, at, request)),
        names=names(workflow=name),
    )
    return Report(statement, Subject("cloudevents", source, run, job=name or run, workflow=name))


def _run_of(
    kind: str, subject: Mapping[str, Any], content: Mapping[str, Any], context: Mapping[str, Any]
) -> str | None:
    """Return the run of the event's pipeline; for an artifact it is its chain."""
    if kind == "pipelinerun":
        return text(subject, "id")
    owner = text(optional(content, "pipelineRun"), "id")
    return owner or (text(context, "chainId") if kind == "artifact" else None)


def _link(content: Mapping[str, Any]) -> str | None:
    """Return the link: the specification's prose has `url`, its schemas `uri`."""
    return text(content, "url", 2_000) or text(content, "uri", 2_000)


def _events(
    kind: str,
    what: str,
    subject: Mapping[str, Any],
    content: Mapping[str, Any],
    at: Any,
    request: Request,
) -> list[Event]:
    time, dated = at or request.received_at, at is not None
    if kind == "artifact":
        made = Artifact(artifact_id=text(subject, "id", 2_000) or "")
        return [Event("artifact", time, artifact=made, dated=dated)]
    name = text(content, "taskName") or text(content, "pipelineName") or text(subject, "id") or ""
    if kind == "taskrun" and what == "started":
        return [Event("stage", time, status="started", stage=name, dated=dated)]
    if what == "queued":
        return waits(at, what, request.received_at)
    if what == "started":
        return begun(time, what)
    word = (text(content, "outcome") or "").lower()
    if word in SKIPPED and kind == "pipelinerun":
        return [never_ran(at, word, request.received_at)]
    if word in SKIPPED or word not in ENDS:
        return []
    reason = text(content, "errors", 2_000)
    if kind == "taskrun":
        return [ended("stage", time, word, f"Task {name}", stage=name, dated=dated)]
    return [ended("build", time, word, reason or f"Pipeline {name}", dated=dated)]


SOURCE = Source(
    name="cloudevents",
    verify=signatures.verify_standard_or_bearer,
    identify=identify,
    parse=parse,
    content_types=(STRUCTURED, "application/json"),
)
