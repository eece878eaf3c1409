"""Input that is broken or means harm, and the expected answer.

The sender is genuine: its proof is right. Where our own formats are refused with a 422, a forge's
delivery is stored as quarantined, since a forge cannot mend it. No test is of a formula in a CSV
file, as nothing here writes CSV.
"""

from typing import Any

from tests.support.samples import Json
from tests.support.senders import stage

# The answer to our own formats, and to a forge's: an outcome, or the code of a 422.
Expected = tuple[str, str]
UNREADABLE: Expected = ("undecodable", "quarantined")
TAKEN: Expected = ("stored", "ignored")  # a job that no route makes a build

BODIES: dict[str, tuple[bytes, Expected]] = {
    "empty": (b"", UNREADABLE),
    "spaces": (b"  \n", UNREADABLE),
    "null": (b"null", UNREADABLE),
    "a number": (b"5", UNREADABLE),
    "a list": (b"[]", UNREADABLE),
    "a trailing comma": (b'{"a": 1,}', UNREADABLE),
    "two documents": (b"{} {}", UNREADABLE),
    "cut": (b'{"a": "b', UNREADABLE),
    "nested 65 deep": (b'{"a":' * 65 + b"1" + b"}" * 65, UNREADABLE),
    "nested 1,025 deep": (b'{"a":' * 1_025 + b"1" + b"}" * 1_025, UNREADABLE),
    "100,000 brackets": (b"[" * 100_000, UNREADABLE),
    "100,001 keys": (b"{%b}" % b",".join(b'"%d":1' % n for n in range(100_001)), UNREADABLE),
    "400,000 keys": (b"{%b}" % b",".join(b'"%d":1' % n for n in range(400_000)), UNREADABLE),
    "a key of 257 characters": (b'{"%b": 1}' % (b"k" * 257), UNREADABLE),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), UNREADABLE),
    "UTF-32": ('{"a": 1}'.encode("utf-32"), UNREADABLE),
    "two byte order marks": (b"\xef\xbb\xbf" * 2 + b"{}", UNREADABLE),
}
# JSON at a place where any value may stand.
VALUES: dict[str, tuple[bytes, Expected]] = {
    "nested 64 deep": (b"[" * 64 + b"]" * 64, UNREADABLE),
    "NaN": (b"NaN", UNREADABLE),
    "Infinity": (b"-Infinity", UNREADABLE),
    "1e400": (b"1e400", UNREADABLE),
    "1e131071": (b"[" + b",".join([b"1e131071"] * 200) + b"]", UNREADABLE),
    "2^63": (b"9223372036854775808", TAKEN),
    "2^64": (b"18446744073709551616", TAKEN),
    "5,000 digits": (b"9" * 5_000, UNREADABLE),
    "one key twice": (b'{"a": 1, "a": 2}', TAKEN),
    "NUL in a value": (b'"a\\u0000b"', TAKEN),
    "NUL in a key": (b'{"a\\u0000b": 1}', TAKEN),
    "a key of 1 MB": (b'{"%b": 1}' % (b"k" * 10**6), UNREADABLE),
    "100,000 values": (b"[" + b",".join([b"1"] * 100_000) + b"]", UNREADABLE),
    "a million empty lists": (b"[" + b",".join([b"[]"] * 10**6) + b"]", UNREADABLE),
    "a lone surrogate": (b'"\\ud800"', UNREADABLE),
    "overlong UTF-8": (b'"\xc0\xaf"', UNREADABLE),
    "0xFF": (b'"\xff"', UNREADABLE),
}

# A sample, its changes by place or its whole body, and the answer: an outcome, or the field that
# a 422 names.
Row = tuple[str, Json | bytes, str]
NO_TIMES = [
    None, 5, "", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "2026-12-31T23:59:60Z", "now"
]  # fmt: skip
# Of a manifest and of an event: place, value, and the answer. An envelope with an empty manifest
# says something else; by itself that is none.
EMPTY: list[Any] = [
    {"builds": None, "last_run_uuid": "m-1"},
    {"last_run_uuid": "m-2"},
    {"builds": [], "last_run_uuid": "m-3"},
    {"builds": [{}, {}], "last_run_uuid": "m-3"},
]
MANIFESTS: list[tuple[str, Any, str]] = [
    ("", {"builds": [{"files": None, "custom_data": None}]}, "stored"),
    ("", {"builds": [{"name": "b", "packer_run_uuid": "m-4"}]}, "stored"),
    ("", {"builds": [{"packer_run_uuid": "m-5"}] * 10_000}, "stored"),
    ("", {"builds": [{"name": "b", "artifact_id": "a"}]}, "stored"),
    ("", {"builds": [{"name": "b", "build_time": 4_102_444_800}]}, "stored"),
    ("builds", {}, "builds"),
    ("builds", 5, "builds"),
    ("builds", "x", "builds"),
    ("builds", [{}] * 10_001, "builds"),
    ("builds", [5], "builds.0"),
    ("last_run_uuid", 5, "last_run_uuid"),
    ("builds.0.name", 5, "builds.0.name"),
    ("builds.0.artifact_id", ["x"], "builds.0.artifact_id"),
    *(("builds.0.build_time", time, "builds.0.build_time") for time in (-1, True, "x", 10**12)),
    ("builds.0.files", {}, "builds.0.files"),
    ("builds.0.files", [5], "builds.0.files.0"),
    ("builds.0.files.0.size", -1, "builds.0.files.0.size"),
    ("builds.0.files.0.size", "5", "builds.0.files.0.size"),
    ("builds.0.custom_data", {"a": 5}, "builds.0.custom_data"),
    ("builds.0.custom_data", [], "builds.0.custom_data"),
]
EVENTS: list[tuple[str, Any, str]] = [
    *(("state", state, "state") for state in (-1, 101, 50.5, "50", True, None)),
    *(("at", time, "at") for time in NO_TIMES),
    *(("at", time, "at") for time in ("yesterday", "0001-01-01T00:00:00+14:00", "2026-01-01")),
    ("status", "done", "status"),
    ("kind", "party", "kind"),
    ("allowed", "yes", "allowed"),
    ("stage", 7, "stage"),
    ("stage", None, "stage"),
    ("failure", "x", "failure"),
    ("failure", {"why": "x"}, "failure.why"),
    ("colour", "red", "colour"),
]
FIELDS: dict[str, list[Row]] = {
    "milepost": [
        ("envelope", {"version": 2}, "version"),
        ("envelope", {"version": True}, "version"),
        ("envelope", {"extra": 1}, "extra"),
        ("envelope", {"build.number": "a b"}, "build.number"),
        ("envelope", {"build": {}}, "build.number"),
        ("envelope", {"build.os": "y"}, "build.os"),
        ("envelope", {"run": {}}, "run.key"),
        ("envelope", {"run.key": ""}, "run.key"),
        ("envelope", {"run.attempt": 0}, "run.attempt"),
        ("envelope", {"run.resumed_from": 101}, "run.resumed_from"),
        ("envelope", {"events": [], "manifest": None}, "events"),
        ("envelope", {"events": [5]}, "events.0"),
        ("envelope", {"events": "x"}, "events"),
        ("envelope", {"manifest": []}, "manifest"),
        *(("envelope", {"events": [stage("x") | {name: value}]}, f"events.0.{field}")
          for name, value, field in EVENTS),
        *(("envelope", {"manifest": value}, "stored") for value in EMPTY),
        *(("envelope", {f"manifest.{place}".rstrip("."): value},
           answer if answer == "stored" else f"manifest.{answer}")
          for place, value, answer in MANIFESTS),
    ],
    "packer": [
        *(("manifest", {"": value}, "builds") for value in EMPTY),
        *(("manifest", {place: value}, answer) for place, value, answer in MANIFESTS),
    ],
    "github": [
        ("ping", {}, "ignored"),
        ("push", {"": {}}, "ignored"),
        ("star", {"": {"action": "created"}}, "ignored"),
        ("workflow_job", b"", "quarantined"),
        ("workflow_job", b"{", "quarantined"),
        ("workflow_job", b"[]", "quarantined"),
        ("workflow_job", {"": {}}, "quarantined"),
        ("workflow_job", {"": {"workflow_job": None}}, "quarantined"),
        ("workflow_job.queued", {"workflow_job": None}, "quarantined"),
        ("workflow_job.queued", {"repository": None}, "quarantined"),
        ("workflow_job.queued", {"workflow_job.id": 2**62, "workflow_job.run_id": 2**61}, "stored"),
        ("workflow_job.queued", {"workflow_job.name": "", "workflow_job.steps": None}, "ignored"),
        ("workflow_job.completed", {"workflow_job.conclusion": "skipped"}, "ignored"),
        ("workflow_job.completed", {"workflow_job.status": "never seen", "workflow_job.name": "x",
                                    "workflow_job.conclusion": "finished"}, "ignored"),
        ("workflow_job.completed", {"workflow_job.started_at": None, "workflow_job.created_at": 5},
         "stored"),
        *(("workflow_job.completed", {"workflow_job.completed_at": time}, "stored")
          for time in NO_TIMES),
        ("workflow_run.completed", {"workflow_run.updated_at": None}, "ignored"),
    ],
    "gitlab": [
        ("push", b"[]", "quarantined"),
        ("push", {"": {}}, "ignored"),
        ("push", {"": {"object_kind": "push"}}, "ignored"),
        ("note", {"": {"object_kind": "note"}}, "ignored"),
        ("pipeline", {"": {"object_kind": "pipeline"}}, "quarantined"),
        ("job.running", {"build_id": None}, "quarantined"),
        ("job.running", {"build_id": 2**62}, "stored"),
        ("job.running", {"build_status": "someday", "build_started_at": "x"}, "ignored"),
        ("job.running", {"build_status": "skipped", "build_started_at": None}, "ignored"),
        ("job.running", {"build_status": "manual", "user": None, "commit": None}, "stored"),
        ("job.running", {"project": {"web_url": "http://["}}, "ignored"),
        ("job.success", {"build_finished_at": None}, "stored"),
        *(("job.failed", {"build_finished_at": time}, "stored") for time in NO_TIMES),
    ],
    "jenkins": [
        ("notification", b"<xml/>", "quarantined"),
        ("notification", {"": {}}, "quarantined"),
        ("notification", {"": {"build": None}}, "quarantined"),
        ("notification", {"": {"build": {"phase": "STARTED"}}}, "quarantined"),
        ("notification", {"": {"build": {"number": 5}}}, "ignored"),
        ("notification", {"": {"build": {"number": 5, "phase": "STARTED", "url": "x"}}}, "ignored"),
        ("notification.started", {"build.phase": "ODD"}, "ignored"),
        ("notification.started", {"build.timestamp": 10**18}, "stored"),
        ("notification.completed", {"build.phase": "FINISHED", "build.status": "SUCCESS",
                                    "build.timestamp": None}, "stored"),
        ("org.jenkinsci.queue.left", {"": {}}, "ignored"),
    ],
    "cloudevents": [
        ("pipelinerun.started", {"type": "dev.cdevents.incident.detected.0.2.0"}, "ignored"),
        ("pipelinerun.started", {"type": "dev.cdevents.pipelinerun.exploded.0.2.0"}, "ignored"),
        ("pipelinerun.started", {"data.subject": {}}, "ignored"),
        ("pipelinerun.started", {"data.subject": {"id": 5}}, "ignored"),
        ("pipelinerun.started", {"data.subject": None}, "quarantined"),
        ("taskrun.started", {"data.subject": {"id": "t"}}, "ignored"),
    ],
}  # fmt: skip

# Values for any field, each a whole document or a part of one.
HARD: list[Any] = [
    None, True, False, 0, -1, 2**31, 2**53 + 1, 2**63, 2**64 - 1, 1.5, 1e308, -0.0, "", " ", "\0",
    "a\0b", "\N{RIGHT-TO-LEFT OVERRIDE}\N{GRINNING FACE}" * 200, "x" * 70_000, "failed",
    "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999Z",
    "2026-01-01 10:00:00 UTC", [], {}, [[]], [None], [{}], {"\0": "\0"}, {"": {"": []}},
    "https://[::1", "job//job/", "%00", "a:b,c:d",
]  # fmt: skip

# Names and texts that mean harm where they are shown, stored or logged.
TEXTS = {
    "markup": "<script>alert(1)</script>",
    "attribute": "\" onmouseover=alert(1) x='",
    "right to left": "\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe",
    "marks": "e" + "\N{COMBINING ACUTE ACCENT}" * 190,
    "emoji": "\N{GRINNING FACE}" * 200,
    "escape": "\x1b[2J\x1b]0;owned\x07 [red]rich[/red]",
    "newline": 'one\r\n{"event": "forged"}\ntwo',
    "SQL": "'; DROP TABLE builds; --",
    "formats": "%s %(name)s {0} ${x} {{7*7}} {% raw %}",
}
LINKS = ["javascript:alert(1)", "data:text/html,<script>", "JaVaScRiPt:x", "vbscript:x", "//evil"]
