"""The variables of a job of each CI, and of a provisioner inside Packer."""

GITHUB = {
    "GITHUB_REPOSITORY": "acme/images",
    "GITHUB_RUN_ID": "500",
    "GITHUB_RUN_NUMBER": "7",
    "GITHUB_RUN_ATTEMPT": "1",
    "GITHUB_JOB": "image",
    "GITHUB_SHA": "4f2c9d1",
    "GITHUB_REF_NAME": "main",
    "GITHUB_ACTOR": "ada",
    "GITHUB_SERVER_URL": "https://github.example.com",
    "RUNNER_NAME": "runner-4",
}
GITLAB = {
    "CI_PROJECT_PATH": "acme/images",
    "CI_PIPELINE_ID": "900",
    "CI_JOB_ID": "4242",
    "CI_JOB_NAME": "image: [rhel-9, aws]",
    "CI_JOB_URL": "https://gitlab.example.com/acme/images/-/jobs/4242",
    "CI_SERVER_HOST": "gitlab.example.com",
    "CI_COMMIT_SHA": "4f2c9d1",
    "CI_COMMIT_REF_NAME": "main",
    "GITLAB_USER_LOGIN": "ada",
}
JENKINS = {
    "JOB_NAME": "images/main",
    "BUILD_NUMBER": "12",
    "BUILD_URL": "https://jenkins.example.com/job/images/job/main/12/",
}


def packer(kind: str, name: str) -> dict[str, str]:
    return {"PACKER_RUN_UUID": "u-1", "PACKER_BUILDER_TYPE": kind, "PACKER_BUILD_NAME": name}
