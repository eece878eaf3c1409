"""What builders of other clouds print once the machine is provisioned, create and remove.

Every message is a whole line; `*` stands for what varies, `{id}` for the id of a resource. They are
from the sources of the builders: those of Packer 1.6.6 (github.com/hashicorp/packer, builder/) and
of the plugins in the releases that each entry names (github.com/hashicorp/packer-plugin-NAME if
nothing else is said).
"""

from __future__ import annotations

from hooks.wrapper.wordings import Builder

# hcloud 0.0.1 to 1.7.2 (github.com/hetznercloud/packer-plugin-hcloud); Packer 1.6.6.
_HCLOUD = Builder(
    ("hcloud",),
    """
    Shutting down server...
    Creating snapshot ...
    Creating snapshot...
    Skipping snapshot creation...
    This can take some time
    Destroying server...
    Deleting temporary SSH key...
    Deleting temporary ssh key...
    """,
)
# digitalocean 0.0.1 to 1.4.1 (github.com/digitalocean/packer-plugin-digitalocean); Packer 1.6.6.
_DIGITALOCEAN = Builder(
    ("digitalocean",),
    """
    Gracefully shutting down droplet...
    Forcefully shutting down Droplet...
    Creating snapshot: *
    Waiting for snapshot to complete...
    Transferring snapshot (ID: *) to *...
    Transfer to * is complete.
    Added snapshot tag: *...
    Destroying droplet...
    Deleting temporary ssh key...
    """,
)
# openstack 0.0.1 to 1.1.4: builder/openstack/step_*.go; Packer 1.6.6.
_OPENSTACK = Builder(
    ("openstack",),
    """
    Stopping server: * ...
    Waiting for server to stop: * ...
    Creating the image: *
    Skipping image creation...
    Image: *
    Waiting for image * (image id: *) to become ready...
    Updating image tags to *
    Skipping image update tags...
    Updating image visibility to *
    Skipping image update visibility...
    Updating image min disk to *
    Skipping image update mindisk...
    Skipping image add members...
    Terminating the source server: * ...
    Deleted temporary floating IP '*' (*)
    Deleting temporary keypair: * ...
    Deleting volume: * ...
    """,
    (
        ("instance", "Server ID: {id}"),
        ("volume", "Volume ID: {id}"),
        ("keypair", "Created temporary keypair: {id}"),
        ("floating-ip", "Created floating IP: '*' ({id})"),
        ("image", "Image: {id}"),
    ),
    (
        ("instance", "Terminating the source server: * ..."),
        ("keypair", "Deleting temporary keypair: * ..."),
        ("volume", "Deleting volume: * ..."),
        ("floating-ip", "Deleted temporary floating IP '*' (*)"),
    ),
)
# oracle 0.0.1 to 1.1.2: builder/oci, builder/classic; Packer 1.6.6.
_ORACLE = Builder(
    ("oracle-oci", "oracle-classic"),
    """
    Creating image from instance...
    Created image (*).
    Updating image schema...
    Skipping image creation...
    Creating Snapshot...
    Created snapshot: *.
    Terminating instance (*)...
    Terminating source instance...
    Terminated instance.
    Cleaning up IP reservations...
    Deleting SSH keys...
    """,
    (("instance", "Created instance ({id})."), ("image", "Created image ({id}).")),
    (("instance", "Terminated instance."),),
)
# alicloud 0.0.1 to 1.1.2: builder/ecs/step_*.go ("Stoping" is theirs); Packer 1.6.6.
_ALICLOUD = Builder(
    ("alicloud-ecs",),
    """
    Stoping instance: *
    Stopping instance: *
    Waiting instance stopped: *
    Creating snapshot from system disk *: *
    Creating image: *
    Creating temporary image for encryption: *
    Coping image * from *...
    Copy image from *(*) to *(*)
    Adding tags(*) to snapshot: *
    Deleting temporary image *(*) and related snapshots after finishing encryption...
    Cleaning up '*'
    Deleting * because of cancellation or error...
    Deleting temporary keypair...
    """,
    (
        ("instance", "Created instance: {id}"),
        ("security-group", "Created security group: {id}"),
        ("vpc", "Created vpc: {id}"),
        ("vswitch", "Created vswitch: {id}"),
        ("keypair", "Creating temporary keypair: {id}"),
    ),
    (
        *(
            (kind, wording.format(name))
            for kind, name in (
                ("instance", "instance"),
                ("security-group", "security group"),
                ("vpc", "VPC"),
                ("vswitch", "vSwitch"),
            )
            for wording in ("Cleaning up '{}'", "Deleting {} because of cancellation or error...")
        ),
        ("keypair", "Deleting temporary keypair..."),
    ),
)
# tencentcloud 0.0.1 to 1.2.0: builder/tencentcloud/cvm/step_*.go; Packer 1.6.6.
_TENCENTCLOUD = Builder(
    ("tencentcloud-cvm",),
    """
    Trying to create a new image: *
    Image created: *
    Waiting for image ready
    Trying to copy image to*
    Copy image from *
    Image copied
    Trying to share image to*
    Image shared
    Trying to detach keypair: *
    Waiting for keypair detached
    Keypair detached
    Cleaning up *...
    Deleting * because of cancellation...
    Deleting * because of error...
    """,
    (
        ("instance", "Instance created: {id}"),
        ("keypair", "Keypair created: {id}"),
        ("security-group", "Securitygroup created: {id}"),
        ("subnet", "Subnet created: {id}"),
        ("vpc", "Vpc created: {id}"),
    ),
    tuple(
        (kind, wording.format(name))
        for kind, name in (
            ("instance", "instance"),
            ("keypair", "keypair"),
            ("security-group", "securitygroup"),
            ("subnet", "subnet"),
            ("vpc", "vpc"),
            ("image", "image"),
        )
        for wording in (
            *(["Cleaning up {}..."] if kind != "image" else []),
            "Deleting {} because of cancellation...",
            "Deleting {} because of error...",
        )
    ),
)
# outscale 0.0.1 to 1.6.1 (github.com/outscale/packer-plugin-outscale); Packer 1.6.6.
_OUTSCALE = Builder(
    ("outscale-bsu", "outscale-bsusurrogate", "outscale-bsuvolume", "outscale-chroot"),
    """
    Stopping the source vm...
    Stopping vm, attempt *
    Waiting for the vm to stop...
    Creating OMI * from vm *
    OMI: *
    Waiting for OMI to become ready...
    Registering the OMI...
    Updating attributes on OMI (*)...
    Updating attributes on snapshot (*)...
    Adding tags to OMI (*)...
    Tagging snapshot: *
    Creating OMI tags
    Creating snapshot tags
    Terminating the source OUTSCALE vm...
    Cleaning up any extra volumes...
    No volumes to clean up, skipping
    Deleting temporary PublicIp...
    Deleting temporary security group...
    Deleting temporary keypair...
    """,
    (
        ("instance", "Vm ID: {id}"),
        ("keypair", "Creating temporary keypair: {id}"),
        ("security-group", "Creating temporary security group for this instance: {id}"),
        ("image", "OMI: {id}"),
    ),
    (
        ("instance", "Terminating the source OUTSCALE vm..."),
        ("keypair", "Deleting temporary keypair..."),
        ("security-group", "Deleting temporary security group..."),
    ),
)

ALL = (_HCLOUD, _DIGITALOCEAN, _OPENSTACK, _ORACLE, _ALICLOUD, _TENCENTCLOUD, _OUTSCALE)
