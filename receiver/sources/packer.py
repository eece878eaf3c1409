"""A raw Packer manifest, as `curl --data-binary @packer-manifest.json` posts it.

The query may say what the build is; signed custom_data is believed more.
"""

from urllib.parse import parse_qsl

from msgspec.structs import replace

from receiver.domain.job_matching import FORGES
from receiver.domain.model import (
    DIMENSIONS,
    NUMBER_PROBLEM,
    NUMBER_SHAPE,
    Content,
    Json,
    Request,
    Run,
    Statement,
)
from receiver.errors import Invalid
from receiver.sources import packer_manifest, signatures
from receiver.sources.base import Source
from receiver.sources.fields import (
    MAX_BODY,
    MAX_NAME,
    checked,
    delivery_key,
    manifest_event,
    slug,
)

MAX_KEY = 500  # of a run; Packer's is a UUID


def identify(request: Request, _document: Json) -> tuple[str, str]:
    """Return `webhook-id` as the key, else the SHA-256 of query and body."""
    return "manifest", delivery_key(request)


def parse(request: Request, document: Json) -> Content:
    """Return one statement. Raises Invalid with each wrong field, of the query too."""
    document = checked(document)
    query = _query(request.query)
    custom, number = packer_manifest.custom(document)
    run_key = _run_key(document, request.body)
    inferred = replace(
        packer_manifest.infer(document),
        **{name: query[name] for name in DIMENSIONS if name in query},
    )
    statement = Statement(
        build_number=number or query.get("build_number") or slug(f"packer-{run_key}"),
        run=Run(run_key),
        events=(manifest_event(document, request),),
        custom=custom,
        inferred=inferred,
        manifest=document,
    )
    return Content((statement,))


def _run_key(document: Json, body: bytes) -> str:
    """Return the run's UUID, never a key that a forge's job has: Packer knows none of its CI."""
    key = packer_manifest.run_key(document, body)
    return (f"packer:{key}" if key.startswith(FORGES) else key)[:MAX_KEY]


def _query(query: str) -> dict[str, str]:
    """Return the names in the query; an empty value is none. Raises Invalid."""
    pairs = parse_qsl(query.replace("%00", ""))  # PostgreSQL's text holds no NUL
    names = {name: value.strip()[:MAX_NAME] for name, value in pairs if value.strip()}
    known = {"build_number", *DIMENSIONS}
    problems = {name: ["Unknown; use " + ", ".join(sorted(known))] for name in set(names) - known}
    if not NUMBER_SHAPE.fullmatch(names.get("build_number", "-")):
        problems["build_number"] = [NUMBER_PROBLEM]
    if problems:
        raise Invalid(fields={f"query.{name}": text for name, text in problems.items()})
    return names


SOURCE = Source(
    name="packer",
    verify=signatures.verify_standard_or_bearer,
    identify=identify,
    parse=parse,
    max_body=MAX_BODY,
    own=True,
)
