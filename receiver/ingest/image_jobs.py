"""Which jobs of a forge look like image builds, by their names and steps.

The words were chosen from workflows of public repositories that build images, and tried on them. It
is a guess all the same: it only proposes routes, which a person reads.
"""

import re
from collections.abc import Sequence

from receiver.domain import image_names

# Words between which "-" and "_" stand, too. MAKES begins what a job does; the others forbid it.
_MAKES = r"(?:re)?build(?:s|ing)?|bak(?:e|es|ing)|rebake|create"
_OTHERWISE = (
    r"lint\w*|validat\w*|fmt|format\w*|scan\w*|checks?|tests?|testing|plan|verify|docs?|changelog|"
    r"shellcheck|audit|drift|authorize|notify|notification|report|summary|prepare|map|install|"
    r"setup|upload|download|release|publish|promote|deploy\w*|launch|terraform|trigger|update|tag|"
    r"sign|clean ?up|clean|prune|stale|comment|find matrix|matrix"
)
_DESTROYS = re.compile(r"\b(?:destroy|delete|deregister|tear ?down|remove|purge|roll ?back)\b")
_STRONG = r"packer|golden|amis?|vhdx?s?|ovas?|qcow2|vagrant box|(?:base|machine|vm|os) images?"
_NOUNS = rf"{_STRONG}|images?|templates?|snapshots?"
_CONTAINER = re.compile(r"\b(?:docker|buildx|containers?|devcontainer|ghcr|oci|compose|helm)\b")
_ELSEWHERE = re.compile(r"\b(?:call|trigger|dispatch)\b.*\b(?:workflow|pipeline)\b")
_OTHER_TEMPLATE = re.compile(
    r"\b(?:launch|instance|issue|mail|email|arm|bicep|cloudformation|stack) templates?\b"
)
_NO_IMAGE = re.compile(
    r"\b(?:docker|container|devcontainer|definition|summary|map|matrix|variables?|artifacts?|site|"
    r"plugins?|config|number|version|info|manifest|ids?|checks?|validate|and validate)\b"
)
_VERB = re.compile(rf"\b(?:{_MAKES})\b")
_OTHER = re.compile(rf"\b(?:{_OTHERWISE})\b")
_NOUN = re.compile(rf"\b(?:{_NOUNS})\b")
_STRONG_NOUN = re.compile(rf"\b(?:{_STRONG})\b")
_PACKER_BUILD = re.compile(r"\bpacker\b.{0,20}\bbuild\b")
_PACKER = re.compile(r"\bpacker\b")
_BEGINS = re.compile(r"^(?:run )?(?:re)?(?:build|bake)\b")
_SEPARATORS = re.compile(r"[\W_]+")


def looks_like_an_image_build(job: str, workflow: str, steps: Sequence[str]) -> bool:
    """Return whether a job seems to make an image. `steps` are its own, none where unknown."""
    name = _words(job)
    is_other = _DESTROYS.search(name) or _OTHER_TEMPLATE.search(name)
    if is_other or _is_something_else(name):
        return False
    done = [_words(step) for step in steps]
    if done:
        return _makes_one(name, workflow, done)
    if _CONTAINER.search(name):
        return bool(_PACKER_BUILD.search(name))
    return (bool(_VERB.search(name)) and _means_image(name, workflow)) or _is_an_image(name)


def _is_an_image(name: str) -> bool:
    """Return whether a name is that of an image, as jobs of Jenkins have it."""
    is_system = image_names.read(name).family is not None
    return bool(_STRONG_NOUN.search(name) or (is_system and _NOUN.search(name)))


def _is_something_else(name: str) -> bool:
    """Return whether a name says something else first, as "validate build" does."""
    verb, other = _VERB.search(name), _OTHER.search(name)
    return bool(other and (verb is None or other.start() < verb.start()))


def _makes_one(name: str, workflow: str, steps: Sequence[str]) -> bool:
    if any(_PACKER_BUILD.search(step) and not _is_something_else(step) for step in steps):
        return True
    builds = [step for step in steps if _VERB.search(step) and not _NO_IMAGE.search(step)]
    in_container = any(_CONTAINER.search(step) for step in (name, *steps))
    if any(_names_image(step, strong=in_container) for step in builds):
        return True
    if in_container or any(_ELSEWHERE.search(step) for step in steps):
        return False
    if any(_PACKER.search(step) for step in steps):
        return bool(_VERB.search(name)) or any(_BEGINS.search(step) for step in builds)
    return bool(_VERB.search(name)) and (
        _names_image(name, strong=True) or _means_image(name, workflow)
    )


def _means_image(name: str, workflow: str) -> bool:
    """Return whether a name of a job, or of its workflow, speaks of images of machines."""
    if _names_image(name, strong=False):
        return True
    around = _words(workflow)
    return bool(
        not _CONTAINER.search(around) and _NOUN.search(around) and _VERB.search(around)
    ) or (bool(_STRONG_NOUN.search(around)))


def _names_image(words: str, *, strong: bool) -> bool:
    noun = _STRONG_NOUN if strong else _NOUN
    return bool(noun.search(words)) or image_names.read(words).family is not None


def _words(text: str) -> str:
    return _SEPARATORS.sub(" ", text).strip().lower()
