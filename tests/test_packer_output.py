"""Packer's output → events: every recording, every builder's messages, and what must not count."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hooks import verdict
from hooks.output import Reader
from hooks.redact import Redactor
from hooks.target import Part
from receiver.sources.milepost import EVENT
from tests.senders import START

RUNS = Path(__file__).parent / "samples" / "packer-runs"

Told = dict[str, list[str]]


def read(text: str, part: Part | None = None, secrets: Sequence[str] = ()) -> Reader:
    """A reader that has read it all, a second between lines."""
    reader, now = Reader(Redactor(secrets), part), START
    for line in text.splitlines(keepends=True):
        now += timedelta(seconds=1)
        reader.feed(line, now)
    reader.end(now)
    return reader


def told(reader: Reader) -> Told:
    """The events of each target in a word each; each of them fits the receiver."""
    found: Told = defaultdict(list)
    for target, event in reader.take(datetime.max.replace(tzinfo=UTC)):
        EVENT.deserialize(event)
        failure = event.get("failure", {}).get("type")
        word = event.get("stage") or f"{event['kind']} {event['status']}"
        found[target].append(f"{word} ({failure})" if failure else word)
    return found


def recorded(name: str) -> Told:
    return told(read((RUNS / name).read_text()))


def said(text: str) -> list[str]:
    """What is told of the one target of a text whose lines all begin with `==> box: `."""
    lines = [line if line[:1] != ">" else f"==> box: {line[2:]}" for line in text.splitlines()]
    return told(read("\n".join(lines) + "\n"))["box"]


@pytest.mark.parametrize(
    ("name", "events"),
    [
        (
            "single.machine-readable.txt",
            ["Local shell script"] * 2
            + ["Post-processor manifest", "Post-processor shell-local", "build completed"],
        ),
        (
            "postprocessor-hook-fails.machine-readable.txt",
            ["Post-processor manifest"]
            + ["Post-processor shell-local"] * 2
            + ["build failed (post-processor)"],
        ),
        (
            "provisioner-fails.plain.txt",
            ["Local shell script"] * 2 + ["build failed (provisioner)"],
        ),
        ("cancel-SIGKILL-pid.machine-readable.txt", ["Local shell script"] * 2),
        (
            "hcl2-named-retry-timeout.machine-readable.txt",
            ["Local shell script"] * 2
            + ["stage failed (provisioner)", "Local shell script"]
            + ["Post-processor manifest", "Post-processor notify", "build completed"],
        ),
        (
            "compress-checksum-artifice.machine-readable.txt",
            [
                f"Post-processor {name}"
                for name in ("artifice", "compress", "checksum", "manifest", "shell-local")
            ]
            + ["build completed"],
        ),
    ],
)
def test_a_recording_gives_its_stages(name: str, events: list[str]):
    (first,) = list(recorded(name).values())[:1]
    assert first == ["Machine starting", *events]


@pytest.mark.parametrize("form", ["plain", "timestamp-ui", "machine-readable"])
def test_every_form_of_one_run_says_the_same(form: str):
    posted = ["Post-processor manifest", "Post-processor shell-local", "build completed"]
    assert recorded(f"parallel.{form}.txt") == {
        "alpha": ["Machine starting", *posted],
        "beta": ["Machine starting", *posted],
        "gamma": ["Machine starting", "Local shell script", *posted],
    }


@pytest.mark.parametrize("how", ["SIGTERM-pid", "SIGINT-group"])
def test_a_cancelled_build_is_not_completed_though_packer_says_finished(how: str):
    found = recorded(f"cancel-{how}.machine-readable.txt")
    assert [events[-1] for events in found.values()] == ["build cancelled (cancelled)"] * 2


def test_of_two_builds_one_fails():
    found = recorded("one-of-two-fails.machine-readable.txt")
    assert found["good"][-1] == "build completed"
    assert found["bad"][-1] == "build failed (provisioner)"


def test_a_build_that_fails_before_any_provisioner():
    assert recorded("builder-fails-before-provisioning.machine-readable.txt") == {
        "a": ["build failed (builder)"],
        "sshfail": ["Machine starting", "build failed (connection timeout)"],
    }


BUILDERS = {
    "amazon-ebs": (
        "> Launching a source AWS instance...\n> Waiting for SSH to become available...\n"
        "> Connected to SSH!\n> Provisioning with shell script: cis.sh\n"
        "> Stopping the source instance...\n> Creating AMI x from instance i-0123456789abcdef0\n"
    ),
    "azure-arm": (
        "> Running builder ...\n> Connected to SSH!\n> Provisioning with shell script: cis.sh\n"
        "> Powering off machine ...\n> Capturing image ...\n"
    ),
    "googlecompute": (
        "> Creating instance...\n> Connected to SSH!\n> Provisioning with shell script: cis.sh\n"
        "> Deleting instance...\n> Creating image...\n"
    ),
    "vsphere": (
        "> Creating VM...\n> Connected to SSH!\n> Provisioning with shell script: cis.sh\n"
        "> Shutting down VM...\n> Convert VM into template...\n"
    ),
    "qemu": (
        "> Starting VM, booting disk image\n> Connected to SSH!\n"
        "> Provisioning with shell script: cis.sh\n> Gracefully halting virtual machine...\n"
        "> Converting hard drive...\n"
    ),
    "virtualbox": (
        "> Creating virtual machine...\n> Connected to SSH!\n"
        "> Provisioning with shell script: cis.sh\n> Gracefully halting virtual machine...\n"
        "> Exporting virtual machine...\n"
    ),
    "docker": (
        "> Starting docker container...\n> Using docker communicator to connect: 172.17.0.2\n"
        "> Provisioning with shell script: cis.sh\n> Committing the container\n"
    ),
    "another": (
        "> Ordering a machine\n> Connected to WinRM!\n> Provisioning with shell script: cis.sh\n"
        "> Creating the golden image...\n"
    ),
}


@pytest.mark.parametrize("builder", BUILDERS)
def test_a_builders_phases_are_found(builder: str):
    found = list(dict.fromkeys(said(BUILDERS[builder] + "Build 'box' finished after 1 minute.")))
    phases = ["Machine starting", "Connected", "cis.sh", "Image creation", "build completed"]
    assert found == phases


def test_provisioners_have_their_names():
    found = said(
        "> Provisioning with Powershell...\n> Provisioning with powershell script: a/iis.ps1\n"
        "> Provisioning with Ansible...\n> Uploading app.tar => /tmp/app.tar\n"
        "> Restarting Machine\n> Provisioning with shell script: /tmp/packer-shell123\n"
    )
    scripts = ["a/iis.ps1", "Ansible", "Uploading app.tar", "Restarting the machine"]
    assert found == ["Machine starting", *scripts, "Shell script"]


def test_a_marker_names_the_stage_until_the_next_one():
    found = said(
        "> Running local shell script: /tmp/packer-shell1\n"
        "==> box: x\n> Running local shell script: /tmp/packer-shell2\n"
        "    box: milepost: stage 25 Security baseline\n"
        "> Provisioning with shell script: anything.sh\n    box: milepost: stage - My own\n"
    )
    assert found == ["Machine starting", "Local shell script", "Security baseline", "My own"]


def test_a_script_can_fake_no_verdict():
    found = said(
        "> Provisioning with shell script: a.sh\n"
        "    box: Build 'box' finished after 1 second.\n"
        "==> box: Build 'box' errored after 1 second: x\n"
        "    box: Cancelling build after receiving terminated\n"
        "    box: milepost: stage 101 No\n    box: milepost: done\n"
        "    box: ==> Builds finished. The artifacts of successful builds are:\n"
        "    box: other output will be in this color.\n"
    )
    assert found == ["Machine starting", "a.sh"]


def test_what_a_script_does_inside_fails_a_stage_alone():
    text = '    box: milepost: fail {"type": "lint", "message": "no", "component": null}\n'
    found = said("> Provisioning with shell script: a.sh\n" + text)
    assert found == ["Machine starting", "a.sh", "stage failed (lint)"]


def test_nothing_starts_after_the_verdict():
    found = said(
        "> Connected to SSH!\nCancelling build after receiving interrupt\n"
        "> Provisioning with shell script: late.sh\n> Terminating the source AWS instance...\n"
        "Build 'box' finished after 1 second.\n"
    )
    assert found == ["Machine starting", "Connected", "build cancelled (cancelled)"]


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Error launching source instance: VcpuLimitExceeded: You have requested more", "quota"),
        ("InsufficientInstanceCapacity: We currently do not have sufficient", "quota"),
        ("NoCredentialProviders: no valid providers in chain", "credentials"),
        ("Timeout waiting for WinRM.", "connection timeout"),
        ("write /tmp/x: no space left on device", "disk full"),
        ("Error waiting for instance to become ready", "builder"),
    ],
)
def test_a_failure_has_its_type(message: str, kind: str):
    found = said(f"> Launching a source AWS instance...\nBuild 'box' errored: {message}\n")
    assert found[-1] == f"build failed ({kind})"


def test_a_failure_has_its_message_component_and_the_end_of_its_log():
    lines = "".join(f"    box: line {number}\n" for number in range(300))
    reader = read(
        f"==> box: Provisioning with shell script: a.sh\n{lines}"
        "Build 'box' errored after 1 second: 1 error(s) occurred:\n\n* Script exited: 3\n"
    )
    failure = reader.take(START)[-1].event["failure"]
    assert failure["message"] == "1 error(s) occurred:\n* Script exited: 3"
    assert failure["component"] == "shell"
    assert failure["details"]["log"] == [f"    box: line {number}" for number in range(100, 300)]


def test_no_two_events_have_one_time():
    reader, moment = Reader(), START
    for line in ("==> a: x", "==> a: Connected to SSH!", "Build 'a' finished after 1 s."):
        reader.feed(line, moment)
    times = [event["at"] for _, event in reader.take(moment)]
    assert len(times) == 3
    assert times == sorted(set(times))


CLOUD = (
    "> Creating temporary keypair: packer_65\n"
    "> Creating temporary security group for this instance: packer_66\n"
    "> Launching a source AWS instance...\n    box: Instance ID: i-0123456789abcdef0\n"
    "    box: vol-0123456789abcdef0 attached\n"
)


def resources(text: str) -> set[str]:
    """The ids that are there at the end."""
    lines = [line if line[:1] != ">" else f"==> box: {line[2:]}" for line in text.splitlines()]
    reader = read("\n".join(lines) + "\n")
    return {each.id for each in reader.targets["box"].made}


def test_resources_are_kept_until_the_log_says_that_they_are_gone():
    everything = {"packer_65", "packer_66", "i-0123456789abcdef0", "vol-0123456789abcdef0"}
    assert resources(CLOUD) == everything
    gone = CLOUD + (
        "> Terminating the source AWS instance...\n> Deleting temporary security group...\n"
        "> Deleting temporary keypair...\nBuild 'box' finished after 1 s.\n"
    )
    assert resources(gone) == set()


def test_a_removal_that_failed_leaves_its_resource():
    text = CLOUD + (
        "> Terminating the source AWS instance...\n"
        "> Error terminating instance, may still be around: timeout\n"
    )
    assert "i-0123456789abcdef0" in resources(text)


def test_a_part_of_a_chain_stays_within_its_states_and_completes_no_build():
    text = "==> box: x\n==> box: Connected to SSH!\n==> box: Creating image...\n"
    reader = read(text + "Build 'box' finished after 1 s.\n", Part(20, 50))
    events = [event for _, event in reader.take(START)]
    assert [event.get("state") for event in events] == [20, 20, 50, None]
    assert events[-1]["kind"] == "stage"


def test_the_log_beside_the_output_says_nothing_twice():
    plain = "==> box: Provisioning with shell script: a.sh\n"
    logged = "2026/01/01 10:00:00 ui: " + plain
    assert (
        told(read(plain + logged))
        == told(read(logged + plain.replace("==>", " ")))
        == {"box": ["Machine starting", "a.sh"]}
    )


def test_what_is_secret_is_in_no_event():
    reader = read(
        "1800000000,,ui,say,==> box: Provisioning with shell script: hunter2.sh\n"
        "1800000000,,ui,message,    box: password=letmein9 AKIAABCDEFGHIJKLMNOP hunter2\n"
        "1800000000,,ui,message,    box: -----BEGIN RSA PRIVATE KEY-----\n"
        "1800000000,,ui,message,    box: MIIEowIBAAKCAQEAsecretsecret\n"
        "1800000000,,ui,message,    box: -----END RSA PRIVATE KEY-----\n"
        "1800000000,,ui,error,Build 'box' errored after 1 s: https://me:pass99@host said hunter2\n",
        secrets=["hunter2"],
    )
    posted = str(reader.take(START))
    for secret in ("hunter2", "letmein9", "AKIAABCDEFGHIJKLMNOP", "pass99", "MIIEow"):
        assert secret not in posted
    assert "<sensitive>.sh" in posted


def test_the_summary_names_artifacts_as_a_manifest_does():
    reader = read(
        "Build 'box' finished after 1 s.\nBuild 'file' finished after 1 s.\n"
        "\n==> Builds finished. The artifacts of successful builds are:\n"
        "--> box: AMIs were created:\n\neu-west-1: ami-0123456789abcdef0\n"
        "us-east-1: ami-0123456789abcdef1\n"
        "--> file: Stored file: out/x.img\n--> file: Stored file: out/x.img\n"
    )
    made = {
        name: [(each["artifact_id"], each["region"], each["files"]) for each in artifacts]
        for name, target in reader.targets.items()
        for artifacts in [verdict.artifacts(target, None, name)]
    }
    assert made == {
        "box": [
            ("ami-0123456789abcdef0", "eu-west-1", []),
            ("ami-0123456789abcdef1", "us-east-1", []),
        ],
        "file": [("File", None, [{"name": "out/x.img"}])],
    }
