"""Much output at once: every message in it is read, and memory stays small."""

import tracemalloc
from collections.abc import Iterator

import pytest

from hooks.wrapper.feeder import FLOOD, Feeder
from hooks.wrapper.lines import MAX_LENGTH
from hooks.wrapper.parser import Reader
from hooks.wrapper.phrases import CLEANUP_PROVISIONER
from hooks.wrapper.template import Source, Template
from tests.support.packer_output import summaries
from tests.support.packer_runs import FORMS, printed
from tests.support.senders import START

PIECE = 2**20


def fed(pieces: Iterator[bytes], reader: Reader | None = None) -> Reader:
    """Return a reader that was fed these pieces, with nothing else coming between them."""
    reader = reader or Reader()
    feeder = Feeder(reader)
    for piece in pieces:
        feeder.feed(piece, START)
    feeder.end(START)
    reader.end(START)
    return reader


def boring(form: str, count: int) -> bytes:
    line = b"==> web.amazon-ebs.golden: Creating nothing, and running no post-processor"
    ways = {
        "colour": b"\x1b[1;32m%b\x1b[0m\n",
        "timestamp-ui": b"2026-11-30T07:00:00+01:00: %b\n",
        "machine-readable": b"1800000000,,ui,say,%b\n",
    }
    return ways.get(form, b"%b\n") % line * count


@pytest.mark.parametrize("form", FORMS)
def test_messages_between_floods_of_a_scripts_lines_are_read(form: str):
    text = printed("amazon-ebs", "1.13.0", form, "finished")
    flood = boring(form, FLOOD // 40)
    lines = text.encode().splitlines(keepends=True)
    at = [n for n, line in enumerate(lines) if b"Provisioning with" in line]
    lines = [*lines[: at[0] + 1], flood, *lines[at[0] + 1 : at[1] + 1], flood, *lines[at[1] + 1 :]]
    whole = b"".join(lines)
    reader = fed(whole[i : i + PIECE] for i in range(0, len(whole), PIECE))
    assert summaries(reader)["web.amazon-ebs.golden"] == [
        *("Machine starting", "resource created", "resource created", "resource created"),
        *("Connected", "base-config", "harden", "Image creation", "resource created"),
        *("resource removed", "resource removed", "resource removed"),
        "Post-processor manifest",
    ]


def test_log_has_the_last_lines_of_a_flood():
    lines = [b"==> null.x: line %d\n" % number for number in range(20_000)]
    (target,) = fed(iter([lines[0], b"".join(lines[1:])])).targets.values()
    assert list(target.log)[-200:] == [f"==> null.x: line {n}" for n in range(19_800, 20_000)]


def test_long_line_nul_bytes_and_a_missing_line_break_cost_no_memory():
    def pieces() -> Iterator[bytes]:
        yield b"==> null.x: "
        for _ in range(50):
            yield b"\0\xff" * (PIECE // 2)
        yield b"\n==> null.x: Provisioning with shell script: a.sh"

    tracemalloc.start()
    reader = fed(pieces())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert summaries(reader)["null.x"] == ["Machine starting", "a"]
    assert peak < 8 * PIECE
    assert all(len(line) <= MAX_LENGTH for line in reader.targets["null.x"].log)


def test_post_processor_whose_output_is_a_flood_has_its_stage():
    lines = [
        b"==> null.x: Connected to SSH!\n",
        b"==> null.x: Running post-processor: shell-local\n",
        b"==> null.x (shell-local): a line\n" * FLOOD,
    ]
    reader = fed(iter([b"".join(lines)]))
    assert summaries(reader)["null.x"][-1] == "Post-processor shell-local"


def test_cause_in_a_flood_is_the_last_error_before_the_end_of_the_step():
    noise = b"    null.x: Get:1 http://example.com nothing\n" * 2_000
    lines = [
        *(b"==> null.x: Provisioning with shell script: a.sh\n", noise),
        b"    null.x: E: Unable to locate package golden\n",
        f"==> null.x: {CLEANUP_PROVISIONER}\n".encode(),
        *(b"==> null.x: Deleting nothing\n" * 2_000, b"Build 'null.x' errored after 1 second: "),
        b"Script exited with non-zero exit status: 100\n",
    ]
    (event,) = [
        event for _, event in fed(iter([b"".join(lines)])).take(START) if "failure" in event
    ]
    assert event["failure"]["message"].startswith("E: Unable to locate package golden\n")


def test_flood_of_packers_own_log_is_read_from_the_first_target_on():
    log = b"2026/11/30 07:00:00 [INFO] nothing\n" * 2_000
    lines = [
        *(log, b"2026/11/30 07:00:01 ui: \x1b[1;32m==> null.x: Connected to SSH!\x1b[0m\n", log),
        *(b"2026/11/30 07:00:02 ui: ==> null.x: Provisioning with shell script: a.sh\n", log),
    ]
    assert summaries(fed(iter(lines)))["null.x"] == ["Machine starting", "Connected", "a"]


def test_private_key_in_a_flood_is_in_no_log():
    key = b"    null.x: MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ\n" * 300
    lines = [
        *(b"==> null.x: a script\n" * 2_000, b"    null.x: -----BEGIN PRIVATE KEY-----\n", key),
        b"    null.x: -----END PRIVATE KEY-----\n",
    ]
    (target,) = fed(iter([b"".join(lines)])).targets.values()
    assert not [line for line in target.log if "MIIE" in line]


def test_lines_of_a_tick_are_read_by_it_and_the_end_of_a_flood_by_the_next():
    reader = Reader()
    feeder = Feeder(reader)
    feeder.feed(b"==> null.x: Provisioning with shell script: a.sh\n    null.x: begun", START)
    feeder.tick(START)
    assert summaries(reader)["null.x"] == ["Machine starting", "a"]
    feeder.feed(b"\n" + b"    null.x: line\n" * FLOOD, START)
    feeder.feed(b"==> null.x: Provisioning with shell script: b.sh\n", START)
    feeder.tick(START)
    feeder.feed(b"    null.x: a line\n", START)
    feeder.tick(START)
    assert summaries(reader)["null.x"] == ["b"]


def test_messages_in_a_flood_with_colours_and_times_are_read():
    def said(text: bytes) -> bytes:
        return b"\x1b[1;32m2026-11-30T07:00:00+01:00: ==> null.x: %b\x1b[0m\n" % text

    noise = said(b"nothing") * 2_000
    scripts = [said(b"Provisioning with shell script: %b.sh" % name) for name in (b"a", b"b")]
    reader = fed(
        iter([b"".join([said(b"Connected to SSH!"), scripts[0], noise, scripts[1], noise])])
    )
    assert summaries(reader)["null.x"] == ["Machine starting", "Connected", "a", "b"]


def test_coloured_messages_far_from_their_copies_in_packers_log_are_read():
    def said(text: bytes) -> bytes:
        return b"\x1b[1;32m==> null.x: %b\x1b[0m\n" % text

    log = b"2026/11/30 07:00:01 ui: " + said(b"nothing")
    lines = [said(b"Provisioning with shell script: a.sh"), log * 20_000]
    lines += [said(b"Provisioning with shell script: b.sh"), log * 2_000]
    assert summaries(fed(iter([b"".join(lines)])))["null.x"] == ["Machine starting", "a", "b"]


def test_messages_of_a_second_builder_are_read_in_the_flood_of_the_first():
    kinds = ("null", "amazon-ebs")
    noise = b"==> null.x: a line\n" * 2_000
    lines = [
        *(b"==> null.x: Provisioning with shell script: a.sh\n", noise),
        *(b"==> amazon-ebs.x: Using ssh\n", noise),
        *(b"==> amazon-ebs.x: Creating temporary keypair: packer_1\n", noise),
        *(b"==> amazon-ebs.x: Stopping the source instance...\n", noise),
    ]
    template = Template(targets={f"{kind}.x": Source(kind, "x") for kind in kinds})
    reader = fed(iter([b"".join(lines)]), Reader(template=template))
    assert summaries(reader)["amazon-ebs.x"] == ["Machine starting", "resource created"]
