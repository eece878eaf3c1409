"""What each builder prints, in the words of its source: nothing here is copied from a log."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Words(NamedTuple):
    """What a builder prints: before the connection, behind the last provisioner, at its cleanup.

    `>` is a message of Packer's, `.` one that was indented before 1.13; `left` are the resources
    that exist while it runs.
    """

    start: str
    image: str
    cleanup: str
    summary: str
    artifacts: Sequence[tuple[str | None, str]]
    left: frozenset[str] = frozenset()
    before: Mapping[str, str] = {}  # other words of older plugins


REGIONS = "eu-west-1: ami-0bbbbbbbbbbbbbbb1\nus-east-1: ami-0bbbbbbbbbbbbbbb2"
AMIS = (("eu-west-1", "ami-0bbbbbbbbbbbbbbb1"), ("us-east-1", "ami-0bbbbbbbbbbbbbbb2"))
_AWS_START = (
    "> Prevalidating any provided VPC information|> Creating temporary keypair: packer_65a1"
    "|> Creating temporary security group for this instance: packer_65a2"
    "|> Launching a source AWS instance...|. Instance ID: i-0abc12345678def90"
)
_AWS_LEFT = frozenset({"packer_65a1", "packer_65a2", "i-0abc12345678def90"})
_AWS_END = (
    "> Terminating the source AWS instance...|> Cleaning up any extra volumes..."
    "|> No volumes to clean up, skipping|> Deleting temporary security group..."
    "|> Deleting temporary keypair..."
)
_AZURE_ID = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/images"
    "/providers/Microsoft.Compute/images/golden"
)
BUILDERS = {
    "amazon-ebs": Words(
        _AWS_START,
        "> Stopping the source instance...|. Stopping instance"
        "|> Waiting for the instance to stop..."
        "|> Creating AMI golden from instance i-0abc12345678def90|. AMI: ami-0bbbbbbbbbbbbbbb1"
        "|> Waiting for AMI to become ready...",
        _AWS_END,
        f"AMIs were created:\n{REGIONS}\n",
        AMIS,
        _AWS_LEFT,
    ),
    "amazon-ebssurrogate": Words(
        _AWS_START,
        "> Stopping the source instance...|> Waiting for the instance to stop..."
        "|> Creating snapshot of EBS Volume vol-0123456789abcdef0..."
        "|> Registering the AMI...|> AMI: ami-0bbbbbbbbbbbbbbb1",
        _AWS_END,
        f"AMIs were created:\n{REGIONS}\n",
        AMIS,
        _AWS_LEFT,
    ),
    "amazon-ebsvolume": Words(
        _AWS_START,
        "> Stopping the source instance...|> Waiting for the instance to stop...",
        _AWS_END,
        "EBS Volumes were created:\n\nus-east-1: vol-0aaaaaaaaaaaaaaa1",
        (("us-east-1", "vol-0aaaaaaaaaaaaaaa1"),),
        _AWS_LEFT,
    ),
    "azure-arm": Words(
        "> Running builder ...|> Creating Azure Resource Manager (ARM) client ..."
        "|> Creating resource group ...|>  -> ResourceGroupName : 'pkr-Resource-Group-1'"
        "|>  -> Location          : 'westeurope'|> Deploying deployment template ...",
        "> Querying the machine's properties ...|>  -> ResourceGroupName : 'pkr-Resource-Group-1'"
        "|> Powering off machine ...|>  -> ComputeName       : 'pkrvm1'"
        "|> Generalizing machine ...|> Capturing image ...",
        "> |> Cleanup requested, deleting resource group ...|> Resource group has been deleted.",
        "Azure.ResourceManagement.VMImage:\n\nOSType: Linux\n"
        f"ManagedImageName: golden\nManagedImageId: {_AZURE_ID}\nManagedImageLocation: westeurope",
        ((None, _AZURE_ID),),
        frozenset({"pkr-Resource-Group-1"}),
    ),
    "googlecompute": Words(
        "> Checking image does not exist...|> Creating instance..."
        "|. Instance: packer-65a1 started in europe-west1-b",
        "> Deleting instance...|. Instance has been deleted!|> Creating image..."
        "|> Deleting disk...|. Disk has been deleted!",
        "> Deleting instance...|. Instance has been deleted!|> Deleting disk...",
        "A disk image was created in the 'acme' project: golden-rhel-9-1",
        ((None, "golden-rhel-9-1"),),
        frozenset({"packer-65a1"}),
    ),
    "vsphere-iso": Words(
        "> Creating virtual machine...|> Powering on virtual machine...|> Waiting for IP...",
        "> Running shutdown command...|> Deleting floppy drives..."
        "|> Converting virtual machine to template...",
        "> Powering off virtual machine...|> Destroying VM...|> Closing sessions ....",
        "golden-rhel9",
        ((None, "golden-rhel9"),),
        before={
            "start": "> Creating VM...|> Power on VM...|> Waiting for IP...",
            "image": "> Executing shutdown command...|> Deleting Floppy drives..."
            "|> Convert VM into template...",
            "cleanup": "> Power off VM...|> Destroying VM...",
        },
    ),
    "proxmox-iso": Words(
        "> Creating VM|> Starting VM|> Waiting 10s for boot|> Typing the boot command",
        "> Stopping VM|> Converting VM to template",
        "> Stopping VM|> Deleting VM",
        "A template was created: 104",
        ((None, "104"),),
    ),
    "qemu": Words(
        "> Copying hard drive...|> Starting VM, booting disk image",
        "> Gracefully halting virtual machine...|> Converting hard drive...",
        "> Deleting output directory...",
        "VM files in directory: output-golden",
        ((None, "VM"),),
    ),
    "virtualbox-iso": Words(
        "> Creating virtual machine...|> Starting the virtual machine...",
        "> Gracefully halting virtual machine...|> Preparing to export machine..."
        "|> Exporting virtual machine...",
        "> Deregistering and deleting VM...|> Deleting output directory...",
        "VM files in directory: output-golden",
        ((None, "VM"),),
    ),
    "docker": Words(
        "> Pulling Docker image: ubuntu:24.04|> Starting docker container..."
        "|. Container ID: 0123456789abcdef",
        "> Committing the container|. Image ID: sha256:0123",
        "> Killing the container: 0123456789abcdef",
        "Imported Docker image: sha256:0123",
        ((None, "sha256:0123"),),
        frozenset({"0123456789abcdef"}),
    ),
    "hcloud": Words(
        "> Uploading temporary SSH key for instance...|> Creating server...",
        "> Shutting down server...|> Creating snapshot...|> This can take some time",
        "> Destroying server...|> Deleting temporary SSH key...",
        "A snapshot was created: 'golden' (ID: 12345678)",
        ((None, "12345678"),),
    ),
    "digitalocean": Words(
        "> Importing SSH public key...|> Creating droplet..."
        "|> Waiting for droplet to become active...",
        "> Gracefully shutting down droplet...|> Creating snapshot: golden"
        "|> Waiting for snapshot to complete...",
        "> Destroying droplet...|> Deleting temporary ssh key...",
        "A snapshot was created: 'golden' (ID: 68784116) in regions 'fra1,nyc3'",
        (("fra1", "68784116"), ("nyc3", "68784116")),
    ),
    "openstack": Words(
        "> Loading flavor: m1.small|> Launching server...|. Server ID: 5ab3b9ff",
        "> Stopping server: 5ab3b9ff ...|. Waiting for server to stop: 5ab3b9ff ..."
        "|> Creating the image: golden",
        "> Terminating the source server: 5ab3b9ff ...|> Deleting temporary keypair: packer_1 ...",
        "An image was created: 7e39fe4b-13ea-4e6f-a1f6-aaaaaaaaaaaa",
        ((None, "7e39fe4b-13ea-4e6f-a1f6-aaaaaaaaaaaa"),),
        frozenset({"5ab3b9ff"}),
    ),
    "oracle-oci": Words(
        "> Creating instance...|> Created instance (ocid1.instance.oc1..a1)."
        "|> Waiting for instance to enter 'RUNNING' state...",
        "> Creating image from instance...|> Created image (ocid1.image.oc1.iad.a1).",
        "> Terminating instance (ocid1.instance.oc1..a1)...|> Terminated instance.",
        "An image was created: 'golden' (OCID: ocid1.image.oc1.iad.a1) in region 'us-ashburn-1'",
        (("us-ashburn-1", "ocid1.image.oc1.iad.a1"),),
        frozenset({"ocid1.instance.oc1..a1"}),
    ),
    "alicloud-ecs": Words(
        "> Prevalidating image name...|> Creating instance...|. Created instance: i-2ze1",
        "> Stopping instance: i-2ze1|> Waiting instance stopped: i-2ze1|> Creating image: golden",
        "> Cleaning up 'instance'",
        "Alicloud images were created:\n\ncn-beijing: m-2zeaaaaaaaaaaaaaaaa1",
        (("cn-beijing", "m-2zeaaaaaaaaaaaaaaaa1"),),
        frozenset({"i-2ze1"}),
    ),
    "tencentcloud-cvm": Words(
        "> Trying to create a new instance...|. Instance created: ins-0a1b2c3d",
        "> Trying to create a new image: golden...|. Waiting for image ready"
        "|. Image created: img-aaaaaaa1",
        "> Cleaning up instance...|> Cleaning up keypair...",
        "Tencentcloud images(ap-guangzhou: img-aaaaaaa1\nap-shanghai: img-aaaaaaa2) were created.",
        (("ap-guangzhou", "img-aaaaaaa1"), ("ap-shanghai", "img-aaaaaaa2")),
        frozenset({"ins-0a1b2c3d"}),
    ),
    "null": Words(
        "> Using SSH communicator to connect: 192.0.2.1",
        "",
        "",
        "Did not export anything. This is the null builder",
        ((None, "Null"),),
    ),
    "file": Words("", "", "", "Stored file: golden.img", ((None, "File"),)),
}
