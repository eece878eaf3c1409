"""One example of each thing that /api/v1 takes, and of what it mostly answers."""

NUMBER = "core-rhel-9-web-142"
COMBINATION = {
    "project": "core",
    "platform": "aws-commercial",
    "os_version": "rhel-9.4",
    "image_type": "web",
}
AMI = "ami-0abc1234"
AT = "2026-01-01T10:00:00Z"

EXAMPLES: dict[str, dict[str, object]] = {
    "NewBuild": {"build_number": NUMBER, **COMBINATION},
    "NewState": {"stage": "Security baseline", "state": 25, "status": "completed", "at": AT},
    "NewFailure": {
        "stage": "Security baseline",
        "state": 25,
        "message": "no route to host",
        "type": "provisioner",
        "component": "ansible",
        "details": {"task": "cis-5.2.3"},
    },
    "NewArtifact": {
        "artifact_id": AMI,
        "region": "us-east-1",
        "storage": "ec2",
        "kind": "final",
        "size_bytes": 8589934592,
    },
    "Cancellation": {"reason": "superseded by core-rhel-9-web-143"},
    "Notes": {"notes": "The route table of the subnet was missing."},
    "NewPlatform": {"name": "aws-gov", "region": "us-gov-west-1"},
    "NewOsVersion": {"name": "rhel-9.4"},
    "NewImageType": {"name": "gpu", "description": "CUDA and its drivers"},
    "NewProject": {"name": "web-team", "parent": "core"},
    "ChangedPlatform": {"display_name": "AWS GovCloud"},
    "ChangedOsVersion": {"display_name": "Red Hat Enterprise Linux 9.4"},
    "ChangedImageType": {"description": None},
    "ChangedProject": {"parent": None},
    "Standing": {
        "build_number": NUMBER,
        "status": "running",
        "current_state": 25,
        "attempt": 1,
        "delivery_id": "01900000-0000-7000-8000-000000000000",
        "duplicate": False,
    },
    "Image": {
        **COMBINATION,
        "region": "us-east-1",
        "artifact_id": AMI,
        "build_number": NUMBER,
        "built_at": AT,
    },
    "Problem": {
        "type": "about:blank",
        "title": "Invalid request",
        "status": 422,
        "code": "invalid",
        "detail": "Invalid request",
        "request_id": "5e124111893648e2be8003a7b10abc8f",
        "errors": {"status": ["Must be one of: started, completed, failed, skipped, cancelled."]},
    },
}
