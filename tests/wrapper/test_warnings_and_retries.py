"""Steps that fail and do not end the build: retried, continued, asked about."""

from typing import Any

from tests.support.packer_output import read_box
from tests.support.senders import START

RUN = "> Provisioning with shell script: a.sh\n> line 3: oops: command not found\n"
ERROR = "Script exited with non-zero exit status: 1. Allowed exit codes are: [0]"


def stage_events(text: str, **more: Any) -> list[tuple[str | None, str, str | None]]:
    """Return (stage, status, message) of each event of a stage or of the build."""
    events = [event for _, event in read_box(text, **more).take(START)]
    return [
        (each.get("stage"), each["status"], each.get("failure", {}).get("message"))
        for each in events
        if each["kind"] in ("stage", "build")
    ]


def test_provisioner_that_may_fail_completes_with_a_warning():
    warning = f'Warning: Provisioner failed with "{ERROR}", but continue_on_error is set; '
    events = stage_events(f"{RUN}> {warning}continuing the build.\n")
    assert events[2] == ("a", "completed", f"line 3: oops: command not found\n{ERROR}")


def test_failed_sbom_completes_with_a_warning():
    events = stage_events(
        "> Automatic SBOM generation enabled\n> SBOM generation failed: no scanner\n"
        "> Build will continue without SBOM\n> Provisioning with shell script: b.sh\n"
    )
    assert events[2] == ("SBOM", "completed", "SBOM generation failed: no scanner")
    assert events[3] == ("b", "started", None)


def test_asked_step_that_is_retried_has_failed_and_the_last_one_is_not_blamed():
    asked = f'> {ERROR}\n> Step "StepProvision" failed\n'
    prompt = "> [c] Clean up and exit, [a] abort without cleanup, or [r] retry step (build may fail"
    events = stage_events(
        f"{RUN}{asked}{prompt} even if retry succeeds)? "
        "==> box: Provisioning with shell script: a.sh\n"
        "> Provisioning with shell script: b.sh\n"
        f"Build 'box' errored after 1 second: {ERROR}\n",
        asks=True,
    )
    assert [each[:2] for each in events] == [
        ("Machine starting", "started"),
        ("a", "started"),
        (None, "failed"),
        ("a", "started"),
        ("b", "started"),
        (None, "completed"),
        (None, "failed"),
    ]


def test_windows_updates_are_one_stage_until_the_next_provisioner():
    events = stage_events(
        "> Provisioning with powershell script: ./Install-Features.ps1\n"
        "> Uploading the Windows update elevated script...\n> Running Windows update...\n"
        "> Restarting the machine...\n> Restart complete\n> Running Windows update...\n"
        "> Provisioning with powershell script: C:\\scripts\\Sysprep.ps1\n"
    )
    names = [name for name, status, _ in events if status == "started"]
    assert names == ["Machine starting", "Install-Features", "Windows updates", "Sysprep"]


def test_inline_script_whose_path_is_masked_is_one_kind_of_stage():
    events = stage_events("> Running local shell script: /tmp/<sensitive>-shell784572630\n> one\n")
    assert events[-1][0] == "Local shell script"
