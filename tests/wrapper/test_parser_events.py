"""The contents of the events of Packer's output, and lines that are no events."""

import pytest

from hooks.wrapper import artifacts
from hooks.wrapper.parser import Reader
from tests.support.packer_output import box_events, read, read_box
from tests.support.senders import START


def test_script_cannot_fake_a_verdict():
    events = box_events(
        "> Provisioning with shell script: a.sh\n"
        "    box: Build 'box' finished after 1 second.\n"
        "==> box: Build 'box' errored after 1 second: x\n"
        "    box: Cancelling build after receiving terminated\n"
        "    box: milepost: stage 101 No\n    box: milepost: done\n"
        "    box: ==> Builds finished. The artifacts of successful builds are:\n"
        "    box: other output will be in this color.\n"
    )
    assert events == ["Machine starting", "a"]


def test_failure_reported_by_a_script_fails_only_its_stage():
    text = '    box: milepost: fail {"type": "lint", "message": "no", "component": null}\n'
    events = box_events("> Provisioning with shell script: a.sh\n" + text)
    assert events == ["Machine starting", "a", "stage failed (lint)"]


def test_no_stage_starts_after_the_verdict():
    events = box_events(
        "> Connected to SSH!\nCancelling build after receiving interrupt\n"
        "> Provisioning with shell script: late.sh\n> Terminating the source AWS instance...\n"
        "Build 'box' finished after 1 second.\n"
    )
    assert events == ["Machine starting", "Connected", "build cancelled (cancelled)"]


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Error launching source instance: VcpuLimitExceeded: You have requested more", "quota"),
        ("InsufficientInstanceCapacity: We currently do not have sufficient", "quota"),
        ("NoCredentialProviders: no valid providers in chain", "credentials"),
        ("Timeout waiting for WinRM.", "timeout"),
        ("write /tmp/x: no space left on device", "disk"),
        ("ERROR: -> QuotaExceeded : Operation could not be completed", "quota"),
        ("failed to refresh cached credentials, no EC2 IMDS role found", "credentials"),
        ("dial tcp: lookup ec2.example.com: no such host", "network"),
        ("Error waiting for instance to become ready", "builder"),
    ],
)
def test_failure_has_its_type(message: str, kind: str):
    events = box_events(f"> Launching a source AWS instance...\nBuild 'box' errored: {message}\n")
    assert events[-1] == f"build failed ({kind})"


def test_failure_of_ansible_begins_with_its_fatal_line():
    fatal = 'fatal: [default]: FAILED! => {"changed": false, "msg": "No package nginx available."}'
    reader = read_box(
        "> Provisioning with Ansible...\n> TASK [nginx : install]\n"
        "> fatal: [default]: FAILED! => no\n> ...ignoring\n"
        f"> {fatal}\n> PLAY RECAP ****\n> default : ok=3 failed=1\n"
        "Build 'box' errored after 1 second: Error executing Ansible: Non-zero exit status: "
        "exit status 2\n"
    )
    failure = reader.take(START)[-1].event["failure"]
    assert failure["message"].splitlines()[0] == fatal
    assert (failure["type"], failure["component"]) == ("provisioner", "ansible")


def test_failure_has_its_message_component_and_the_end_of_its_log():
    lines = "".join(f"    box: line {number}\n" for number in range(300))
    reader = read(
        f"==> box: Provisioning with shell script: a.sh\n{lines}"
        "Build 'box' errored after 1 second: 1 error(s) occurred:\n\n* Script exited: 3\n"
    )
    failure = reader.take(START)[-1].event["failure"]
    assert failure["message"] == "Script exited: 3"
    assert failure["component"] == "shell"
    assert failure["details"]["log"] == [f"    box: line {number}" for number in range(100, 300)]


def test_no_two_events_have_the_same_time():
    reader, moment = Reader(), START
    for line in ("==> a: x", "==> a: Connected to SSH!", "Build 'a' finished after 1 s."):
        reader.feed(line, moment)
    reader.finish(reader.targets["a"], moment)
    times = [event["at"] for _, event in reader.take(moment)]
    assert len(times) == 3
    assert times == sorted(set(times))


CLOUD = (
    "> Creating temporary keypair: packer_65\n"
    "> Creating temporary security group for this instance: packer_66\n"
    "> Launching a source AWS instance...\n    box: Instance ID: i-0123456789abcdef0\n"
)


def resources(text: str) -> set[str]:
    """Return the ids of the resources that exist at the end."""
    return {each.id for each in read_box(text, "amazon-ebs").targets["box"].resources}


def test_resource_exists_until_the_log_names_its_removal():
    everything = {"packer_65", "packer_66", "i-0123456789abcdef0"}
    assert resources(CLOUD) == everything
    removed = CLOUD + (
        "> Terminating the source AWS instance...\n> Deleting temporary security group...\n"
        "> Deleting temporary keypair...\nBuild 'box' finished after 1 s.\n"
    )
    assert resources(removed) == set()


def test_failed_removal_leaves_its_resource():
    text = CLOUD + (
        "> Terminating the source AWS instance...\n"
        "> Error terminating instance, may still be around: timeout\n"
    )
    assert "i-0123456789abcdef0" in resources(text)


def test_no_event_contains_a_secret():
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


def test_artifacts_of_the_summary_are_those_of_a_manifest():
    reader = read(
        "Build 'box' finished after 1 s.\nBuild 'file' finished after 1 s.\n"
        "\n==> Builds finished. The artifacts of successful builds are:\n"
        "--> box: AMIs were created:\n\neu-west-1: ami-0123456789abcdef0\n"
        "us-east-1: ami-0123456789abcdef1\n"
        "--> file: Stored file: out/x.img\n--> file: Stored file: out/x.img\n"
    )
    found = {
        name: [
            (each["artifact_id"], each["region"], each["files"])
            for each in artifacts.events(
                [part for text in target.artifacts for part in artifacts.parts(text, None)],
                None,
                name,
            )
        ]
        for name, target in reader.targets.items()
    }
    assert found == {
        "box": [
            ("ami-0123456789abcdef0", "eu-west-1", []),
            ("ami-0123456789abcdef1", "us-east-1", []),
        ],
        "file": [("File", None, [{"name": "out/x.img"}])],
    }
