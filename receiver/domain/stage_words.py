"""The words of the built-in stage map: names, patterns and exceptions. Data for stage_map.py.

They were chosen from the steps, stages and jobs of public pipelines that build images; the names in
tests/domain/stages_judged.tsv are what they are tried on.
"""

import re

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
# Names of scripts, which run in the image; as a step of a pipeline they mean something else.
SCRIPTS: dict[int, str] = {
    15: "update, updates, upgrade",
    95: "cleanup, clean up, clean, zero, minimize, zerodisk, deprovision",
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
    (r"\binstall (?:open)?(?:jdk|jre|java)\b|\b(?:dotnet|jvm|java|python) runtime\b", 35),
    (r"^install (?:node ?js|dotnet|powershell)$", 35),
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

_IMAGES = (
    r"(?:the )?(?:(?:final|built|golden|new|hardened|base|os|vm|machine) )?"
    r"(?:images?|amis?|vhdx?s?|ovas?|qcow2|boxe?s?|templates?|snapshots?)"
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
# What is done with a finished image: it is scanned, described, signed and delivered.
FINISHED: tuple[tuple[str, int], ...] = (
    (r"^(?:run )?lynis\b", 70),
    (rf"^(?:run )?(?:\w+ )?{_IMAGES} (?:vulnerability )?scan(?:ning)?\b|^scan {_IMAGES}\b", 90),
    (rf"\bscan(?:ning)? (?:of|on|against) {_IMAGES}\b", 90),
    (rf"^(?:run )?(?:trivy|grype|inspector|nessus|qualys)(?: \w+)? (?:on|against) {_IMAGES}\b", 90),
    (rf"^(?:publish|upload|write|push|collect) (?:the )?{_IMAGES} (?:metadata|sbom)\b", 85),
    (rf"^(?:publish|promote|share|distribute|replicate|deliver|upload|push|tag) {_IMAGES}\b", 95),
    (r"^publish (?:the )?(?:golden image )?release\b|^promote \w+(?: \w+)? to \w+", 95),
    (r"^(?:push|upload|publish) (?:the )?manifest to (?!github|gitlab|artifacts?\b)\w+", 95),
    (r"^(?:upload|attach|add) .*\bto (?:the )?(?:github )?release$", 95),
    (rf"^sign (?:the )?(?:\w+ )?(?:artifacts?|images?|{_IMAGES})\b", 95),
)
# Of a container, of what a job keeps, or of what was found in an image: no state of the image.
ASIDE = re.compile(
    r"\b(?:docker|containers?|devcontainer|acr|ecr|ghcr|registry|helm|reports?|logs?|summary|ids?|"
    r"definitions?|names?|failed|results?|drift|plan|comments?|credentials?|install|attestation)\b"
)

# What is about the pipeline or its tools, or is the whole build: never a state.
NOT_A_STEP = re.compile(
    r"\b(?:build|check ?out|attestation|credentials?|log ?in|authenticate|lint|format|fmt|notify|"
    r"slack|upload|download|publish|comment|summary|summari[sz]e|report|scan|terraform|cache|"
    r"release|template|validate packer|packer validate|packer init|galaxy|version|trigger|dry ?run|"
    r"install (?:packer|ansible|terraform|trivy|tflint|requirements|collections)|syntax|skip|plan|"
    r"shellcheck|set ?up (?:java|open ?jdk|jdk|jre)|destroy|delete|teardown|post deployment|"
    r"verify (?:playbook|packer|tools)|directories|deps|"
    r"devcontainer|against|pre ?flight|dependencies|secrets?|changelog|tag and push)\b"
)
