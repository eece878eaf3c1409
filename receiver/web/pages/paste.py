"""The lines that a sender pastes, for each source; pure.

https://docs.github.com/en/webhooks/using-webhooks/creating-webhooks
https://docs.gitlab.com/user/project/integrations/webhooks/
https://plugins.jenkins.io/notification/
"""

from urllib.parse import quote, urlsplit

HIDDEN = "…"  # where a page shows the lines: the secret is shown once, by the command


def lines(url: str, source: str, name: str, secret: str = HIDDEN) -> str:
    """What to set where, with the sender's own address and secret."""
    base = url.rstrip("/")
    address = f"{base}/webhooks/{source}" + (f"/{name}" if name else "")
    text = (
        f"# For {_WHERE[source]}\n"
        f"export MILEPOST_URL={address}\n"
        f"export MILEPOST_SECRET={_shown(secret)}\n"
    )
    return (
        text
        + "\n"
        + _TEXTS[source].format(
            base=base, address=address, secret=secret, login=_with_login(address, secret)
        )
    )


def _shown(secret: str) -> str:
    return f"'{secret}'" if set(secret) & set(" $&;'\"\\") else secret


def _with_login(address: str, secret: str) -> str:
    """Jenkins's plugin signs nothing: user and password go into the URL."""
    user, _, password = secret.partition(":")
    parts = urlsplit(address)
    login = f"{quote(user, safe='')}:{quote(password, safe='')}" if password else HIDDEN
    return f"{parts.scheme}://{login}@{parts.netloc}{parts.path}"


_WHERE = {
    "milepost": "our hooks: where builds run, as variables of the job or its secrets",
    "packer": "a manifest as Packer wrote it, with plain curl",
    "github": "GitHub's own webhooks",
    "gitlab": "GitLab's own webhooks",
    "jenkins": "Jenkins's Notification plugin",
    "cloudevents": "whoever sends CDEvents",
}
_TEXTS = {
    "milepost": """\
# GitHub Actions: Settings, Secrets and variables, Actions:
#   the variable MILEPOST_URL and the secret MILEPOST_SECRET; then in the job
#   env:
#     MILEPOST_URL: ${{{{ vars.MILEPOST_URL }}}}
#     MILEPOST_SECRET: ${{{{ secrets.MILEPOST_SECRET }}}}
# GitLab CI: Settings, CI/CD, Variables: both, MILEPOST_SECRET masked.
# Jenkins: a credential of kind "Secret text", then in the pipeline
#   environment {{
#     MILEPOST_URL = '{address}'
#     MILEPOST_SECRET = credentials('milepost')
#   }}
# Packer alone: export both where packer runs.
milepost-hook check
""",
    "packer": """\
curl --data-binary @packer-manifest.json -H "Content-Type: application/json" \\
  -H "Authorization: Bearer ${{MILEPOST_SECRET#bearer:}}" \\
  "$MILEPOST_URL?build_number=my-build&platform=aws&os_version=rhel-9&image_type=base"
""",
    "github": """\
# In the repository or organization: Settings, Webhooks, Add webhook:
#   Payload URL   {address}
#   Content type  application/json
#   Secret        {secret}
#   Events        Let me select: Workflow jobs, Workflow runs
""",
    "gitlab": """\
# In the project or group: Settings, Webhooks, Add new webhook:
#   URL           {address}
#   Secret token  {secret}
#   Trigger       Pipeline events, Job events
""",
    "jenkins": """\
# In the job: Job Notifications, Add Endpoint:
#   Format JSON, Protocol HTTP, Event All Events
#   URL  {login}
""",
    "cloudevents": """\
# POST each CloudEvent, structured or binary, to
#   {address}
# signed as Standard Webhooks with the secret, or with "Authorization: Bearer".
""",
}
