"""The lines that people paste to connect a sender, with the receiver's address; pure.

https://docs.github.com/en/webhooks/using-webhooks/creating-webhooks
https://docs.gitlab.com/user/project/integrations/webhooks/
https://plugins.jenkins.io/notification/
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

HIDDEN = "…"  # on the page: a secret is shown once, when it is made

WHERE = {
    "milepost": "the Milepost hooks: set both as variables or secrets of the job",
    "packer": "a manifest as Packer wrote it, with plain curl",
    "github": "GitHub's own webhooks",
    "gitlab": "GitLab's own webhooks",
    "jenkins": "Jenkins's Notification plugin",
    "cloudevents": "any sender of CDEvents",
}
_MANIFEST = """\
curl --data-binary @packer-manifest.json -H "Content-Type: application/json" \\
  -H "Authorization: Bearer ${MILEPOST_SECRET#bearer:}" \\
  "$MILEPOST_URL?build_number=my-build&platform=aws&os_version=rhel-9&image_type=base"
"""
_TEXTS = {
    "milepost": """\
# GitHub Actions: Settings, Secrets and variables, Actions:
#   the variable MILEPOST_URL and the secret MILEPOST_SECRET; then in the job
#   env:
#     MILEPOST_URL: ${{ vars.MILEPOST_URL }}
#     MILEPOST_SECRET: ${{ secrets.MILEPOST_SECRET }}
# GitLab CI: Settings, CI/CD, Variables: both, MILEPOST_SECRET masked.
# Jenkins: a credential of kind "Secret text", then in the pipeline
#   environment {
#     MILEPOST_URL = '{address}'
#     MILEPOST_SECRET = credentials('milepost')
#   }
# Packer alone: export both where packer runs.
milepost-hook check
""",
    "packer": _MANIFEST,
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

_GITHUB_STEPS = """\
      # first in the job's steps
      - uses: OWNER/milepost/hooks/github@COMMIT
        with:
          url: ${{ vars.MILEPOST_URL }}
          secret: ${{ secrets.MILEPOST_SECRET }}
          project: core
          platform: aws
          os-version: rhel-9
          image-type: base
      - run: milepost-hook packer build .
      # last
      - if: always()
        uses: OWNER/milepost/hooks/github@COMMIT
        with:
          status: ${{ job.status }}
"""
_GITLAB_JOB = """\
include:
  - remote: https://raw.githubusercontent.com/OWNER/milepost/COMMIT/hooks/gitlab/milepost.yml

golden:
  extends: .milepost
  variables:
    MILEPOST_PROJECT: core
    MILEPOST_PLATFORM: aws
    MILEPOST_OS_VERSION: rhel-9
    MILEPOST_IMAGE_TYPE: base
  script:
    - milepost-hook packer build .
"""
_JENKINS_PIPELINE = """\
@Library('milepost') _
pipeline {
  agent any
  environment { MILEPOST_URL = '{address}' }
  stages {
    stage('Golden image') {
      steps {
        milepost(project: 'core', platform: 'aws', osVersion: 'rhel-9', imageType: 'base') {
          sh 'milepost-hook packer build .'
        }
      }
    }
  }
}
"""
_PACKER_HOOK = """\
export MILEPOST_URL={address}
export MILEPOST_SECRET={secret}   # shown once, when the sender was made
mkdir -p "$HOME/.local/bin"
curl -fsS -o "$HOME/.local/bin/milepost-hook" {base}/hook
chmod +x "$HOME/.local/bin/milepost-hook"
export PATH="$HOME/.local/bin:$PATH"
milepost-hook check --build-number my-first-image
milepost-hook packer build .
"""
_VARIABLES = """\
MILEPOST_URL={address}
MILEPOST_SECRET={secret}   # shown once, when the sender was made
"""


@dataclass(frozen=True, slots=True)
class Block:
    """Lines to paste for a sender of one source; `needed` where there is no such sender yet."""

    title: str
    source: str
    text: str
    needed: bool


@dataclass(frozen=True, slots=True)
class Tab:
    """A system that people connect, and its lines: title, source and text of each block."""

    key: str
    label: str
    parts: tuple[tuple[str, str, str], ...]


TABS = (
    Tab(
        "github",
        "GitHub",
        (
            (
                "With the hook: stages, messages and artifacts. In Settings, Secrets and"
                " variables, Actions, store the first as variable and the second as secret:",
                "milepost",
                _VARIABLES,
            ),
            ("In the workflow:", "milepost", _GITHUB_STEPS),
            ("Without it, GitHub's own webhooks: jobs and steps.", "github", _TEXTS["github"]),
        ),
    ),
    Tab(
        "gitlab",
        "GitLab",
        (
            (
                "With the hook: stages, messages and artifacts. In Settings, CI/CD, Variables,"
                " store both, the second one masked:",
                "milepost",
                _VARIABLES,
            ),
            ("In .gitlab-ci.yml:", "milepost", _GITLAB_JOB),
            ("Without it, GitLab's own webhooks: jobs.", "gitlab", _TEXTS["gitlab"]),
        ),
    ),
    Tab(
        "jenkins",
        "Jenkins",
        (
            (
                "With the hook: stages, messages and artifacts. Store the secret as a credential"
                " of kind Secret text with the ID milepost; the library is in the documentation:",
                "milepost",
                _JENKINS_PIPELINE,
            ),
            ("Without it, the Notification plugin: phases.", "jenkins", _TEXTS["jenkins"]),
        ),
    ),
    Tab(
        "packer",
        "Packer",
        (("Where Packer runs, without a CI:", "milepost", _PACKER_HOOK),),
    ),
    Tab(
        "curl",
        "curl",
        (
            (
                "A manifest as Packer wrote it, without any hook. Only what the manifest says is"
                " known then: no stages, no failures.",
                "packer",
                "export MILEPOST_URL={address}\nexport MILEPOST_SECRET={secret}"
                "   # shown once, when the sender was made\n" + _MANIFEST,
            ),
        ),
    ),
)


def setup_lines(url: str, source: str, name: str, secret: str = HIDDEN) -> str:
    """Return the lines that a sender pastes, with its own address and secret."""
    base = url.rstrip("/")
    address = address_of(base, source, name)
    variables = (
        f"# For {WHERE[source]}\n"
        f"export MILEPOST_URL={address}\n"
        f"export MILEPOST_SECRET={_shell_quoted(secret)}\n"
    )
    return f"{variables}\n{_filled(_TEXTS[source], base, address, secret)}"


def address_of(url: str, source: str, name: str) -> str:
    """Return where a sender posts."""
    return f"{url.rstrip('/')}/webhooks/{source}" + (f"/{name}" if name else "")


def blocks_of(tab: Tab, url: str, names: Mapping[str, Sequence[str]], name: str) -> list[Block]:
    """Return the lines of a tab for the sender of this name, else for the first of each source.

    `names` are those of the senders of each source, '' for its default one.
    """
    blocks = []
    for title, source, text in tab.parts:
        known = names.get(source, ())
        used = name if name in known else next(iter(known), "NAME")
        address = address_of(url, source, used)
        filled = _filled(text, url.rstrip("/"), address, HIDDEN)
        blocks.append(Block(title, source, filled, needed=not known))
    return blocks


def _filled(text: str, base: str, address: str, secret: str) -> str:
    """Fill in by name alone: YAML and Groovy have braces of their own."""
    login = _with_login(address, secret)
    values = {"{base}": base, "{address}": address, "{secret}": secret, "{login}": login}
    pattern = "|".join(map(re.escape, values))
    return re.sub(pattern, lambda found: values[found[0]], text)


def _shell_quoted(secret: str) -> str:
    return f"'{secret}'" if set(secret) & set(" $&;'\"\\") else secret


def _with_login(address: str, secret: str) -> str:
    """Return the URL with user and password in it: Jenkins's plugin signs nothing."""
    user, _, password = secret.partition(":")
    parts = urlsplit(address)
    login = f"{quote(user, safe='')}:{quote(password, safe='')}" if password else HIDDEN
    return f"{parts.scheme}://{login}@{parts.netloc}{parts.path}"
