"""The names of all settings, and which one may be meant by another name."""

from difflib import get_close_matches

SOURCES = ("milepost", "packer", "github", "gitlab", "jenkins", "cloudevents")
KNOWN = {
    "MILEPOST_DATA_DIR",
    "MILEPOST_DB_POOL",
    "MILEPOST_DB_PREPARE",
    "MILEPOST_EXTERNAL_URL",
    "MILEPOST_KEEP_BODIES",
    "MILEPOST_KEY_FILE",
    "MILEPOST_LOST_AFTER",
    "MILEPOST_NOTICES",
    "MILEPOST_PG_BIN",
    "MILEPOST_PROJECTS",
    "MILEPOST_PUBLIC_BADGES",
    "MILEPOST_PUBLIC_READ",
    "MILEPOST_ROUTES",
    "MILEPOST_SENDERS",
    "MILEPOST_STAGES",
    "MILEPOST_STALL_AFTER",
    "MILEPOST_THREADS",
    "MILEPOST_TRUSTED_HOSTS",
    "MILEPOST_TRUSTED_PROXIES",
    "MILEPOST_USER_HEADER",
    "MILEPOST_GROUPS_HEADER",
    "MILEPOST_AUDIT_LOG",
    "MILEPOST_USER_SCOPE",
    "MILEPOST_WORKERS",
    *(f"MILEPOST_SECRET_{source.upper()}" for source in SOURCES),
    *(f"MILEPOST_SECRET_{source.upper()}_FILE" for source in SOURCES),
    "DATABASE_URL_FILE",
    "DATABASE_ADMIN_URL_FILE",
}
# Of the hooks and the commands, which may share an environment with the receiver.
OTHER_NAMES = {
    "MILEPOST_ANNOTATIONS",
    "MILEPOST_BUILD_NUMBER",
    "MILEPOST_CHECK_RUN_ID",
    "MILEPOST_GITHUB_TOKEN_FILE",
    "MILEPOST_HOOK_SHA256",
    "MILEPOST_IMAGE_TYPE",
    "MILEPOST_LEG",
    "MILEPOST_OS_VERSION",
    "MILEPOST_PART",
    "MILEPOST_PIPELINE",
    "MILEPOST_PLATFORM",
    "MILEPOST_PROJECT",
    "MILEPOST_RESUMED_FROM",
    "MILEPOST_RUN_KEY",
    "MILEPOST_SECRET",
    "MILEPOST_SOURCE",
    "MILEPOST_SPOOL_DIR",
    "MILEPOST_STRICT",
    "MILEPOST_SUMMARY",
    "MILEPOST_TOKEN",
    "MILEPOST_URL",
    "MILEPOST_WRAPPED",
}


def unknown_text(name: str) -> str:
    """Return the sentence about a variable that is no setting, with the one that may be meant."""
    known = [each.removeprefix("MILEPOST_") for each in sorted(KNOWN | OTHER_NAMES)]
    near = get_close_matches(name.removeprefix("MILEPOST_"), known, n=1, cutoff=0.75)
    meant = f": did you mean MILEPOST_{near[0]}?" if near else "."
    return f"{name} is not a setting of this release{meant}"


def is_unknown(name: str) -> bool:
    """Return whether a variable looks like a setting, and is none of this release."""
    return name.startswith("MILEPOST_") and name not in KNOWN | OTHER_NAMES
