"""A raw Packer manifest, as `curl --data-binary @packer-manifest.json` posts it.

The query may say what the build is; signed custom_data is believed more. Where neither gives a
number, each source of the run is a build.
"""

from codecs import BOM_UTF8
from urllib.parse import parse_qsl

from receiver.domain.delivery import Content, Request
from receiver.domain.job_matching import FORGES
from receiver.domain.model import (
    DIMENSIONS,
    NUMBER_PROBLEM,
    NUMBER_SHAPE,
    Identity,
    Json,
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
from receiver.sources.run_keys import bounded


def identify(request: Request, _document: Json) -> tuple[str, str]:
    """Return `webhook-id` as the key, else the SHA-256 of query and body."""
    return "manifest", delivery_key(request)


def json_of(request: Request) -> bytes:
    """Return the body without a byte order mark, as editors of Windows write one."""
    return request.body.removeprefix(BOM_UTF8)


def parse(request: Request, document: Json) -> Content:
    """Return one statement for each build: of an explicit number, else of a source of the run.

    Raises Invalid with each wrong field, of the query too.
    """
    document = checked(document)
    packer_manifest.check_entries(document)
    query = _query(request.query)
    run_key = _run_key(document, request.body)
    parts: dict[str, list[Json]] = {}
    for part in packer_manifest.by_source(document):
        number = packer_manifest.custom(part)[1] or query.get("build_number")
        default = "-".join(filter(None, ("packer", run_key, packer_manifest.source_name(part))))
        parts.setdefault(number or slug(default), []).append(part)
    if len(parts) == 1:
        parts = {number: [document] for number in parts}  # as it came
    statements = (
        _statement(number, packer_manifest.joined(each), run_key, query, request)
        for number, each in parts.items()
    )
    return Content(tuple(statements))


def _statement(
    number: str, document: Json, run_key: str, query: dict[str, str], request: Request
) -> Statement:
    chosen = {name: query[name] for name in DIMENSIONS if name in query}
    return Statement(
        build_number=number,
        run=Run(run_key),
        events=(manifest_event(document, request),),
        custom=packer_manifest.custom(document)[0],
        inferred=Identity(**chosen),
        manifest=document,
        names=packer_manifest.names(document),
    )


def _run_key(document: Json, body: bytes) -> str:
    """Return the run's UUID, never a key that a forge's job has: Packer knows none of its CI."""
    key = packer_manifest.run_key(document, body)
    return bounded(f"packer:{key}" if key.startswith(FORGES) else key)


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
    json_of=json_of,
    max_body=MAX_BODY,
    own=True,
)
