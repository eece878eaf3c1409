"""What may be left in a cloud: what this run created, and what Packer says to remove by hand."""

import pytest

from tests.support.packer_output import read_box

AZURE = "> Running builder ...\n> {} resource group ...\n>  -> ResourceGroupName : 'images'\n"


def left(text: str, kind: str) -> set[tuple[str, str]]:
    return set(read_box(text, kind).targets["box"].resources)


def test_existing_resource_group_is_not_left_behind():
    assert left(AZURE.format("Using existing"), "azure-arm") == set()
    assert left(AZURE.format("Creating"), "azure-arm") == {("resource-group", "images")}


def test_deleted_resource_group_is_gone():
    deleted = "> Cleanup requested, deleting resource group ...\n> Resource group has been deleted."
    end = "\nBuild 'box' finished after 1 s.\n"
    assert left(AZURE.format("Creating") + deleted + end, "azure-arm") == set()


@pytest.mark.parametrize(
    ("kind", "words", "said"),
    [
        (
            "azure-arm",
            "> Error deleting resource group.  Please delete it manually.\n>\n> Name: pkr-1\n",
            "Error deleting resource group. Please delete it manually. Name: pkr-1",
        ),
        (
            "amazon-ebs",
            "> Error terminating instance, may still be around: timeout\n",
            "Error terminating instance, may still be around: timeout",
        ),
    ],
)
def test_what_packer_says_to_delete_by_hand_is_kept(kind: str, words: str, said: str):
    text = f"> Starting\n{words}Build 'box' finished after 1 s.\n"
    assert left(text, kind) == {("delete by hand", said)}


def test_builder_of_another_cloud_creates_nothing_with_these_words():
    assert left("> Instance ID: i-0123456789abcdef0\n", "googlecompute") == set()
