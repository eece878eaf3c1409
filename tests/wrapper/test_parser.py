"""Packer's output → events: each recording, the messages of each builder, each stage."""

import pytest

from hooks.wrapper.target import Part
from tests.support.packer_output import Summaries, box_events, read, read_box, summaries
from tests.support.samples import SAMPLES
from tests.support.senders import START

RUNS = SAMPLES / "packer-runs"


def recorded(name: str) -> Summaries:
    return summaries(read((RUNS / name).read_text()))


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
def test_recording_has_its_stages(name: str, events: list[str]):
    (first,) = list(recorded(name).values())[:1]
    assert first == ["Machine starting", *events]


@pytest.mark.parametrize("form", ["plain", "timestamp-ui", "machine-readable"])
def test_every_form_of_one_run_has_the_same_events(form: str):
    posted = ["Post-processor manifest", "Post-processor shell-local", "build completed"]
    assert recorded(f"parallel.{form}.txt") == {
        "alpha": ["Machine starting", *posted],
        "beta": ["Machine starting", *posted],
        "gamma": ["Machine starting", "Local shell script", *posted],
    }


@pytest.mark.parametrize("how", ["SIGTERM-pid", "SIGINT-group"])
def test_cancelled_build_is_not_completed_when_packer_says_finished(how: str):
    builds = recorded(f"cancel-{how}.machine-readable.txt")
    assert [events[-1] for events in builds.values()] == ["build cancelled (cancelled)"] * 2


def test_one_of_two_builds_fails():
    builds = recorded("one-of-two-fails.machine-readable.txt")
    assert builds["good"][-1] == "build completed"
    assert builds["bad"][-1] == "build failed (provisioner)"


def test_builder_fails_before_any_provisioner():
    assert recorded("builder-fails-before-provisioning.machine-readable.txt") == {
        "a": ["build failed (builder)"],
        "sshfail": ["Machine starting", "build failed (timeout)"],
    }


SCRIPT = "Provisioning with shell script: cis.sh"
BUILDERS = {
    "amazon-ebs": (
        "Launching a source AWS instance...|Waiting for SSH to become available...|<ssh>"
        "|Stopping the source instance...|Creating AMI x from instance i-0123456789abcdef0"
    ),
    "azure-arm": "Running builder ...|<ssh>|Powering off machine ...|Capturing image ...",
    "googlecompute": "Creating instance...|<ssh>|Deleting instance...|Creating image...",
    "vsphere-iso": "Creating VM...|<ssh>|Shutting down VM...|Convert VM into template...",
    "qemu": (
        "Starting VM, booting disk image|<ssh>|Gracefully halting virtual machine..."
        "|Converting hard drive..."
    ),
    "virtualbox-iso": (
        "Creating virtual machine...|<ssh>|Gracefully halting virtual machine..."
        "|Exporting virtual machine..."
    ),
    "docker": (
        "Starting docker container...|Using docker communicator to connect: 172.17.0.2"
        f"|{SCRIPT}|Committing the container"
    ),
}


@pytest.mark.parametrize("builder", BUILDERS)
def test_phases_of_each_builder_are_recognised(builder: str):
    messages = BUILDERS[builder].replace("<ssh>", f"Connected to SSH!|{SCRIPT}").split("|")
    text = "".join(f"> {message}\n" for message in messages)
    events = list(dict.fromkeys(box_events(text + "Build 'box' finished after 1 minute.", builder)))
    phases = ["Machine starting", "Connected", "cis", "Image creation", "build completed"]
    assert events == phases


def test_stage_of_a_provisioner_has_its_name():
    events = box_events(
        "> Provisioning with Powershell...\n> Provisioning with powershell script: a/iis.ps1\n"
        "> Provisioning with Ansible...\n> Uploading app.tar => /tmp/app.tar\n"
        "> Restarting Machine\n> Provisioning with shell script: /tmp/packer-shell123\n"
    )
    scripts = ["iis", "Ansible", "Uploading app.tar", "Restarting the machine"]
    assert events == ["Machine starting", *scripts, "Shell script"]


def test_builder_of_unknown_words_has_no_image_creation():
    text = "> Ordering a machine\n> Connected to WinRM!\n> Creating the golden image...\n> Done\n"
    events = box_events(text + "Build 'box' finished after 1 minute.", "ordered")
    assert events == ["Machine starting", "Connected", "build completed"]


def test_marker_names_the_stage_until_the_next_one():
    events = box_events(
        "> Running local shell script: /tmp/packer-shell1\n"
        "==> box: x\n> Running local shell script: /tmp/packer-shell2\n"
        "    box: milepost: stage 25 Security baseline\n"
        "> Provisioning with shell script: anything.sh\n    box: milepost: stage - My own\n"
    )
    assert events == ["Machine starting", "Local shell script", "Security baseline", "My own"]


def test_part_of_a_chain_stays_within_its_states_and_completes_no_build():
    text = "> x\n> Connected to SSH!\n> Deleting instance...\n> Creating image...\n"
    reader = read_box(
        text + "Build 'box' finished after 1 s.\n", "googlecompute", part=Part(20, 50)
    )
    events = [event for _, event in reader.take(START)]
    assert [event.get("state") for event in events] == [20, 20, 50, None]
    assert events[-1]["kind"] == "stage"


def test_log_beside_the_output_adds_no_event():
    plain = "==> box: Provisioning with shell script: a.sh\n"
    logged = "2026/01/01 10:00:00 ui: " + plain
    assert (
        summaries(read(plain + logged))
        == summaries(read(logged + plain.replace("==>", " ")))
        == {"box": ["Machine starting", "a"]}
    )
