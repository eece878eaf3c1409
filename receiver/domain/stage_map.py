"""Names of stages → states 0..100; pure. The project's map first, then the built-in one.

A name maps to a state only where it says what is done to the image. A step around it (checkout,
credentials, lint) and a step that is the whole build ("Packer build") map to nothing.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from receiver.domain import patterns as regex
from receiver.errors import ConfigError

STATES = {
    0: "initial",
    5: "kickstart started",
    10: "green image",
    15: "base configuration",
    20: "cloud provider setup",
    25: "security baseline",
    30: "monitoring and logging",
    35: "runtimes",
    40: "network",
    45: "storage",
    50: "users and authentication",
    55: "services",
    60: "application",
    65: "configuration management",
    70: "integration tests",
    75: "performance",
    80: "backup",
    85: "documentation and metadata",
    90: "final validation",
    95: "sealing and cleanup",
    100: "complete and delivered",
}

# Whole names, cleaned, beside the names above. 100 is a verdict's alone.
ALIASES: dict[int, str] = {
    0: "queued, start",
    5: "kickstart, starting, machine starting, boot, booting, preseed, autoinstall, os install",
    10: "connected, green, os installed, ssh ready, winrm ready, base image booted",
    15: "base, base config, base setup, base packages, bootstrap, os update, os updates, patching",
    20: "cloud setup, cloud init, cloud agent, cloud tools, guest tools, guest agent",
    25: "security, hardening, harden, cis, stig, baseline, compliance",
    30: "monitoring, logging, observability, telemetry",
    35: "runtime, language runtimes, java, python runtime, dotnet",
    40: "networking, network configuration, firewall, dns, proxy",
    45: "disks, disk layout, filesystems, lvm, partitioning",
    50: "users, authentication, accounts, ldap, active directory, sudo, ssh keys",
    55: "service, system services, daemons",
    60: "applications, app, app install, software, middleware, database",
    65: "ansible, puppet, chef, salt, config management, configuration, playbook",
    70: "integration test, smoke test, smoke tests, inspec, goss, serverspec, testinfra",
    75: "performance tests, performance tuning, tuning, benchmark, benchmarks",
    80: "backups, backup agent, snapshot",
    85: "documentation, metadata, sbom, inventory, tagging",
    90: "final checks, final check, final tests, acceptance test, acceptance tests",
    95: "sealing, seal, sysprep, generalize, image creation, create image, cleanup image",
}

# Words anywhere in a cleaned name, tried in this order: the more particular first.
PATTERNS: tuple[tuple[str, int], ...] = (
    (r"\b(?:sysprep|generali[sz]e|seal(?:ing)? (?:the )?image|zero (?:free|disk))\b", 95),
    (r"\b(?:image|os|vm|guest|machine|disk|template) clean ?up\b", 95),
    (r"\bclean ?up (?:the )?(?:image|os|vm|guest|machine|disk|logs|packages|cloud init)\b", 95),
    (r"\brunning post processor\b|\bcreating (?:the )?(?:ami|image|snapshot|template)\b", 95),
    (r"\bfinal (?:validation|check|verification|test)s?\b|\bacceptance tests?\b", 90),
    (r"\b(?:validate|verify) (?:the )?(?:final|built|golden|hardened|finished) image\b", 90),
    (r"\b(?:generate|create|write|collect) (?:the )?(?:sbom|image metadata|inventory)\b", 85),
    (r"\b(?:install|configure|set ?up) (?:the )?backups?\b|\bbackup agent\b", 80),
    (r"\bperformance (?:test|tuning|tweak|baseline|benchmark)s?\b|\bkernel tuning\b|\btuned\b", 75),
    (r"\b(?:integration|smoke|functional|infrastructure) tests?\b", 70),
    (r"\b(?:inspec|goss|serverspec|testinfra|pester) (?:tests?|checks?|run)\b", 70),
    (r"\b(?:cis|stig|scap|openscap|oscap|hardening|hardened|harden)\b", 25),
    (r"\bsecurity (?:baseline|hardening|settings|configuration|policies|updates?)\b", 25),
    (r"\b(?:selinux|apparmor|auditd|fips|crypto polic(?:y|ies))\b", 25),
    (r"\b(?:cloudwatch|prometheus|node exporter|datadog|splunk|fluent ?(?:bit|d)|filebeat)\b", 30),
    (r"\b(?:monitoring|logging|telemetry|observability)(?: agents?| stack)?$", 30),
    (r"\binstall (?:the )?(?:monitoring|logging|log|metrics) agents?\b", 30),
    (
        r"\b(?:install|set ?up) (?:open)?(?:jdk|jre|java)\b|\b(?:dotnet|jvm|java|python) runtime\b",
        35,
    ),
    (r"^install (?:node ?js|python ?\d*|golang|ruby|php|rust|dotnet|powershell)$", 35),
    (r"\b(?:configure|set ?up) (?:the )?(?:network(?:ing)?|firewall|dns|ntp|chrony|routes)\b", 40),
    (r"\b(?:firewalld|iptables|nftables|netplan|networkmanager)\b", 40),
    (
        r"\b(?:configure|set ?up|create|mount) (?:the )?(?:storage|disks?|lvm|filesystems?|swap)\b",
        45,
    ),
    (r"\b(?:create|configure|set ?up|add) (?:the )?(?:local )?(?:users?|accounts?|sudoers?)\b", 50),
    (r"\b(?:configure|set ?up) (?:sssd|ldap|kerberos|active directory|pam|sudo)\b", 50),
    (r"\b(?:join(?: the)? domain|authorized keys|sssd)\b", 50),
    (r"\b(?:enable|configure|install|set ?up|start) (?:the )?(?:system )?services\b", 55),
    (r"\binstall (?:the )?(?:applications?|app|middleware|database|web ?server|sap|hana)\b", 60),
    (r"\b(?:install|set ?up) (?:nginx|apache|httpd|tomcat|sap \w+|hana)\b", 60),
    (r"\b(?:install|set ?up) (?:postgres(?:ql)?|mysql|mariadb|oracle)\b", 60),
    (r"\b(?:deploy|configure) (?:the )?application\b", 60),
    (r"\b(?:ansible|puppet|chef|salt)(?: local)? (?:playbooks?|roles?|run|provision\w*)\b", 65),
    (r"\bprovisioning with (?:ansible|puppet|chef|salt)\b|\bexecuting ansible\b", 65),
    (r"\b(?:cloud init|guest additions|vmware tools|open vm tools|walinuxagent|waagent)\b", 20),
    (r"\b(?:ssm agent|amazon ssm|google guest agent|azure agent|qemu guest agent)\b", 20),
    (r"\b(?:install|update|upgrade) (?:the )?(?:base|os|system|common) packages\b", 15),
    (r"\b(?:os|system|windows|yum|dnf|apt|package) (?:updates?|upgrades?|patch(?:es|ing)?)\b", 15),
    (r"^(?:update|upgrade|patch) (?:the )?(?:os|system|ubuntu|debian|rhel|centos|windows)\b", 15),
    (r"\bbase (?:config(?:uration)?|os|setup|provision\w*|packages|role)\b", 15),
    (r"\bconnected to (?:ssh|winrm)\b|\b(?:ssh|winrm) (?:is )?(?:up|ready|available)\b", 10),
    (r"\bwait(?:ing)? for (?:ssh|winrm)(?: connection| to be(?:come)? available)?\b", 5),
    (r"\b(?:kickstart|preseed|autoinstall|unattended install)\b", 5),
    (r"\b(?:launching|starting|booting) (?:the |a )?(?:source )?(?:instance|vm|machine)\b", 5),
)

# What is done to a finished image, though its words are the pipeline's too; tried before those.
_AFTER_BUILD = (
    r"(?:docker |aws )?(?:{}) (?:the )?(?:(?:final|built|golden|new|docker) )?(?:image|ami)\b"
)
PARTICULAR: tuple[tuple[str, int], ...] = (
    (rf"^{_AFTER_BUILD.format('test')}(?! (?:name|definition))", 70),
    (rf"^{_AFTER_BUILD.format('validate|verify')}(?! (?:name|definition))", 90),
    (r"^(?:golden )?(?:image|ami) (?:validation|verification)$", 90),
    (r"^(?:rhel |cis |stig )?(?:openscap|oscap)\b", 25),
    (
        r"^(?:wait(?:ing)? for|export|convert|copy) (?:the )?(?:raw )?(?:ami|image|snapshot|vhd)\b",
        95,
    ),
    (r"^publish (?:image )?to (?:compute|image|shared image) gallery\b", 95),
    (r"\bcreating (?:the )?(?:vagrant )?box\b", 95),
)

# What is about the pipeline or its tools, or is the whole build: never a state.
NOT_A_STEP = re.compile(
    r"\b(?:build|check ?out|attestation|credentials?|log ?in|authenticate|lint|format|fmt|notify|"
    r"slack|upload|download|publish|comment|summary|summari[sz]e|report|scan|terraform|cache|"
    r"release|template|validate packer|packer validate|packer init|galaxy|version|trigger|dry ?run|"
    r"install (?:packer|ansible|terraform|trivy|tflint|requirements|collections)|syntax|skip|plan|"
    r"destroy|delete|teardown|post deployment|verify (?:playbook|packer|tools)|directories|deps|"
    r"devcontainer|against|pre ?flight|dependencies|secrets?|changelog|tag and push)\b"
)

_EDGES = re.compile(r"""[`'"*_]+""")
_PREFIX = re.compile(
    r"^(?:run|step|stage|task|phase|provisioner|provisioning step)\b[\s:]*(?:[ivx]+\b|\d+)?"
    r"(?:\s*(?:of|/)\s*\d+)?[\s:.)-]*",
)
_NUMBERING = re.compile(r"^[\[(]?\d{1,3}(?:\s*/\s*\d{1,3})?[\])]?\s*[-.:)]?\s+")
_MATRIX = re.compile(r"\s*(?:\([^()]*\)|\[[^\[\]]*\])\s*$")
_SEPARATORS = re.compile(r"[\s_/:.,;\u2013\u2014-]+")


@lru_cache(maxsize=4096)
def clean(name: str) -> str:
    """Return the name without case, numbering, "Run ", matrix suffix and punctuation.

    >>> clean("Run `Harden OS` (rhel-9, aws)")
    'harden os'
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    text = "".join(each for each in folded if unicodedata.category(each) not in ("So", "Cf", "Mn"))
    text = _EDGES.sub(" ", text).strip()
    for pattern in (_MATRIX, _NUMBERING, _PREFIX, _NUMBERING):
        text = pattern.sub("", text).strip() or text
    return _SEPARATORS.sub(" ", text).strip() or folded.strip()


_EXACT = {clean(name): state for state, name in STATES.items() if state < 100} | {
    clean(alias): state for state, names in ALIASES.items() for alias in names.split(", ")
}
_PARTICULAR = tuple((re.compile(pattern), state) for pattern, state in PARTICULAR)
_WORDS = tuple((re.compile(pattern), state) for pattern, state in PATTERNS)


@lru_cache(maxsize=4096)
def builtin(name: str) -> int | None:
    """Return the state of a name in the built-in map, below 100; None for most names."""
    text = clean(name)
    if text in _EXACT:
        return _EXACT[text]
    if text.startswith("post processor "):  # as the wrapper around Packer calls its stage
        return 95
    tried = _PARTICULAR if NOT_A_STEP.search(text) else _PARTICULAR + _WORDS
    return next((state for pattern, state in tried if pattern.search(text)), None)


def position(place: int, total: int) -> int:
    """Return the estimated state of step `place` (from 1) of `total`: a multiple of 5 below 100.

    >>> [position(place, 3) for place in (1, 2, 3)]
    [30, 65, 95]
    """
    return min(95, 100 * place // total // 5 * 5)


@dataclass(frozen=True, slots=True)
class ProjectStages:
    """One table of the file: exact cleaned names first, then patterns in the file's order."""

    names: Mapping[str, int]
    patterns: tuple[tuple[regex.Pattern, int], ...]

    def state_of(self, name: str) -> int | None:
        """Return the state of a name in this table alone."""
        exact = self.names.get(clean(name))
        if exact is not None:
            return exact
        return next((state for pattern, state in self.patterns if pattern.search(name)), None)


@dataclass(frozen=True, slots=True)
class StageMap:
    """The project's map above the built-in one; `StageMap()` is the built-in one alone."""

    projects: Mapping[str, ProjectStages] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str, file_name: str) -> "StageMap":
        """Return the map in a TOML file. Raises ConfigError with every mistake and its line."""
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError([f"{file_name}: {error}."]) from error
        problems = list(_problems(text, file_name, document))
        if problems:
            raise ConfigError(problems)
        return cls({project: _table(table) for project, table in document.items()})

    def state_of(self, name: str, projects: Sequence[str]) -> int | None:
        """Return the state of a stage; `projects` is the build's project and those above it."""
        for project in (*projects, "*"):
            table = self.projects.get(project)
            state = table.state_of(name) if table else None
            if state is not None:
                return state
        return builtin(name)


def _table(table: Mapping[str, Mapping[str, int]]) -> ProjectStages:
    return ProjectStages(
        {clean(name): state for name, state in table.get("names", {}).items()},
        tuple((regex.compiled(each), state) for each, state in table.get("patterns", {}).items()),
    )


def _problems(text: str, file_name: str, document: Mapping[str, Any]) -> Iterator[str]:
    for project, table in document.items():
        if not isinstance(table, dict):
            yield f"{_place(text, file_name, project)}: {project} must be a table of a project."
            continue
        for key, entries in table.items():
            if key not in ("names", "patterns") or not isinstance(entries, dict):
                yield f"{_place(text, file_name, key)}: {key} is no table names or patterns."
                continue
            for name, state in entries.items():
                problem = _entry_problem(key, name, state)
                if problem:
                    yield f"{_place(text, file_name, name)}: {name}: {problem}."


def _entry_problem(key: str, name: str, state: object) -> str | None:
    if type(state) is not int or not 0 <= state <= 100:
        return "a state is an integer from 0 to 100"
    if key == "patterns":
        try:
            regex.compiled(name)
        except ConfigError as error:
            return f"no regular expression: {error}"
    return None


def _place(text: str, file_name: str, key: str) -> str:
    """Return the place of a key: TOML readers keep no lines."""
    spellings = (key, key.replace("\\", "\\\\").replace('"', '\\"'))
    lines = enumerate(text.splitlines(), 1)
    first = next((number for number, line in lines if any(each in line for each in spellings)), 1)
    return f"{file_name}, line {first}"
