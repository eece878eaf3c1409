"""What a script prints moves no build, however much it looks like Packer's own words."""

import pytest

from hooks.wrapper.template import Source, Template
from tests.support.packer_output import box_events, read, read_box, summaries

BOX = {"box": Source("amazon-ebs", "box")}
READ = Template(targets=BOX, components=frozenset({("provisioner", "shell")}), is_read=True)
BEFORE = "> Launching a source AWS instance...\n> Provisioning with shell script: a.sh\n"


@pytest.mark.parametrize(
    "words",
    [
        "Creating config template...",
        "Stopping the source instance...",
        "Running post-processor: manifest",
        "Provisioning with Ansible...",
        'Provisioner failed with "no", retrying with 3 trie(s) left',
        'Warning: Provisioner failed with "no", but continue_on_error is set; '
        "continuing the build.",
        'Step "StepProvision" failed',
        "Connected to SSH!",
        "Instance ID: i-0fffffffffffffff0",
        "Build 'box' errored after 1 second: no",
        "==> box: Stopping the source instance...",
    ],
)
def test_line_of_a_script_moves_nothing(words: str):
    text = f"{BEFORE}> {words}\n> and more\n"
    assert box_events(text, template=READ) == ["Machine starting", "a"]
    assert read_box(text, template=READ).targets["box"].resources == set()


def test_errors_that_a_script_names_are_forgotten_when_the_next_provisioner_begins():
    errors = "> Provisioning step had errors: Running the cleanup provisioner, if present...\n"
    text = BEFORE + errors + "> Provisioning with shell script: b.sh\n"
    assert box_events(text, template=READ) == ["Machine starting", "a", "b"]
    cleaned = READ._replace(words=frozenset({"error-cleanup-provisioner"}))
    assert box_events(text, template=cleaned) == ["Machine starting", "a"]


def test_image_is_believed_when_two_messages_of_its_builder_follow_each_other():
    image = "> Stopping the source instance...\n> Waiting for the instance to stop...\n"
    assert box_events(BEFORE + image, template=READ)[-1] == "Image creation"
    assert box_events(BEFORE + image, "azure-arm")[-1] == "a"


def test_line_breaks_that_a_script_writes_make_no_messages_for_machines():
    say = "1800000000,,ui,say,==> box: "
    reader = read(
        f"{say}Provisioning with shell script: a.sh\n"
        f"{say}x\\nBuild 'box' finished after 1 second.\\n==> other: Connected to SSH!\\n"
        "==> Builds finished. The artifacts of successful builds are:\\n--> box: An image\n"
    )
    assert summaries(reader) == {"box": ["Machine starting", "a"]}
    assert reader.targets["box"].artifacts == []


def test_lines_of_packer_in_one_record_are_read():
    record = "1800000000,,ui,say,==> box: x\\n==> box: Provisioning with shell script: a.sh\n"
    assert summaries(read(record)) == {"box": ["Machine starting", "a"]}


@pytest.mark.parametrize("name", ["my box (el9)", "a: b", "it's (x) one"])
def test_name_with_blanks_and_parentheses_is_one_build(name: str):
    template = Template(targets={name: Source("null", name)}, is_json=True, is_read=True)
    text = (
        f"==> {name}: Connected to SSH!\n==> {name}: Running post-processor: manifest\n"
        f"==> {name} (manifest): x\nBuild '{name}' finished after 1 second.\n"
        "==> Builds finished. The artifacts of successful builds are:\n"
        f"--> {name}: Did not export anything. This is the null builder\n"
    )
    reader = read(text, template=template._replace(components=frozenset({("post", "manifest")})))
    assert list(reader.targets) == [name]
    assert summaries(reader)[name][-2:] == ["Post-processor manifest", "build completed"]
    assert reader.targets[name].artifacts == ["Did not export anything. This is the null builder"]


def test_words_of_hcp_packer_are_no_target():
    text = (
        'Tracking build on HCP Packer with fingerprint "01K0"\n==> null.box: Connected to SSH!\n'
        "Build 'null.box' finished after 1 second.\n"
        "==> Assigning version `01K0` to channel `prod`\n"
        "==> Failed assigning version `01K0` to channel `prod`: no such channel\n"
    )
    assert list(read(text).targets) == ["null.box"]
