"""The operating systems that a name can tell, and the one spelling of each.

Only versions that exist are read as versions, so that a date, a counter or a product's version
beside a family is not taken for one. A family is spelled as `ID` in os-release(5) is, or in full
where that is an abbreviation; versions are those of https://endoflife.date.
"""

import re
from collections.abc import Callable, Iterator

import msgspec

Spelled = Callable[[re.Match[str]], str]

DOUBT = ""  # the family of a word that may be one
START, END = r"(?<![a-z0-9.])", r"(?![a-z0-9])"
_PATCH = r"(?:\.\d+)*(?![.])"  # the rest of a version makes no other one
_MINOR = r"(?:\.?(?P<minor>10|\d))?"  # 9.4, and 94 as the clouds have it
_YEAR = r"(?P<major>20(?:08|12|16|19|22|25)|2k(?:8|12|16|19|22|25))(?:-?(?P<minor>r2))?"
_SERVER = "server|srv|core|datacenter|dc|standard|std|enterprise|eval|evaluation|ltsc"


class Os(msgspec.Struct, frozen=True):
    """A system, and where the name says it; the version is "" where the name tells none."""

    family: str
    version: str
    span: tuple[int, int]

    @property
    def name(self) -> str:
        """The one spelling: "rhel-9"."""
        return f"{self.family}-{self.version}" if self.version else self.family


def systems(name: str) -> Iterator[Os]:
    """Yield each system in a name of small letters, with "-" between its words and dots in its
    numbers only. A family within the words of its own version is yielded too."""
    for family, pattern, spelled in _VERSIONED:
        for found in pattern.finditer(name):
            yield Os(family, spelled(found), found.span())
    families = set()
    for family, pattern in _ALONE:
        for found in pattern.finditer(name):
            families.add(family)
            yield Os(family, "", found.span())
    for found in _CODENAME.finditer(name):
        family, version = _CODENAMES[found[0]]
        if found[0] in _UNMISTAKABLE or family in families:
            yield Os(family, version, found.span())


def _dotted(found: re.Match[str]) -> str:
    minor = found.groupdict().get("minor")
    return f"{found['major']}.{minor}" if minor else found["major"]


def _long_term(found: re.Match[str]) -> str:
    """Return "22.04" for 22: nobody who means 22.10 leaves out its month."""
    return f"{found['major']}.04"


def _year(found: re.Match[str]) -> str:
    """Return "2022" for 2022 and 2k22, and "2012-r2"."""
    year = str(2000 + int(found["major"].removeprefix("2k")) % 2000)
    return f"{year}-r2" if found["minor"] else year


def _service_pack(found: re.Match[str]) -> str:
    """Return "15-sp5", whose VERSION_ID in os-release is 15.5."""
    return f"{found['major']}-sp{found['minor']}" if found["minor"] else found["major"]


# Family, its words, what may stand between them and the version, the version, and its spelling.
# Debian's point releases are no versions: "does not constitute a new version of Debian", each of
# their announcements says. CentOS 9 and 10 exist as Stream only.
_WITH_VERSION: tuple[tuple[str, str, str, str, Spelled], ...] = (
    (
        "ubuntu",
        r"ubuntu",
        "server|linux|lts|pro|minimal|desktop|cloud|live",
        r"(?P<major>1[2-9]|2\d)[.-]?(?P<minor>04|10)" + _PATCH + r"(?:-?lts)?",
        _dotted,
    ),
    (
        "ubuntu",
        r"ubuntu",
        "server|linux|lts|pro|minimal|desktop|cloud|live",
        r"(?P<major>1[2468]|2[02468])(?![.]|-(?:04|10)(?!\d))(?:-?lts)?",
        _long_term,
    ),
    (
        "debian",
        r"debian",
        "gnu|linux|server|cloud|generic",
        r"(?P<major>1[0-5]|[7-9])" + _PATCH,
        _dotted,
    ),
    ("debian", r"deb(?=\d)", "", r"(?P<major>1[0-5]|[89])" + _PATCH, _dotted),
    (
        "rhel",
        r"rhel|red-?hat(?:-?enterprise)?(?:-?linux)?",
        "server|linux|for|sap|ha|byos",
        r"(?P<major>10|[7-9])" + _MINOR + _PATCH,
        _dotted,
    ),
    ("rhel", r"rhel|red-?hat-?enterprise-?linux", "server", r"(?P<major>[56])" + _PATCH, _dotted),
    (
        "centos",
        r"cent-?os|cent(?=\d)",
        "linux",
        r"(?P<major>[78])" + _MINOR + _PATCH + "(?!-?stream)",
        _dotted,
    ),
    ("centos", r"cent-?os", "linux", r"(?P<major>[56])" + _PATCH, _dotted),
    ("centos-stream", r"cent-?os-?stream", "", r"(?P<major>10|[89])", _dotted),
    ("centos-stream", r"cent-?os", "linux", r"(?P<major>10|9)(?:-?stream)?", _dotted),
    ("centos-stream", r"cent-?os", "linux", r"(?P<major>8)-?stream", _dotted),
    ("rocky", r"rocky", "linux", r"(?P<major>10|[89])" + _MINOR + _PATCH, _dotted),
    ("almalinux", r"alma", "linux|os", r"(?P<major>10|[89])" + _MINOR + _PATCH, _dotted),
    (
        "oracle-linux",
        r"oracle-?linux|oel(?=\d)|ol(?=\d)",
        "server",
        r"(?P<major>10|[6-9])" + _MINOR + _PATCH,
        _dotted,
    ),
    (
        "fedora",
        r"fedora",
        "linux|server|cloud|workstation|base",
        r"(?P<major>[2-5]\d)",
        _dotted,
    ),
    ("fedora-coreos", r"fedora-?core-?os|fcos", "stable", r"(?P<major>[3-5]\d)" + _PATCH, _dotted),
    ("rhcos", r"rhcos", "", r"(?P<major>4)\.(?P<minor>\d{1,2})" + _PATCH, _dotted),
    (
        "sles",
        r"sles?(?:4sap)?|suse-?linux-?enterprise",
        "server|for|sap|byos|applications",
        r"(?P<major>1[1-6])(?:(?:-?sp-?|\.)(?P<minor>\d))?",
        _service_pack,
    ),
    (
        "sles",
        r"(?<!open-)suse(?:-?linux)?",
        "",
        r"(?P<major>1[1-6])-?sp-?(?P<minor>\d)",
        _service_pack,
    ),
    (
        "opensuse-leap",
        r"open-?suse(?:-?leap)?",
        "",
        r"(?P<major>1[56])(?:\.(?P<minor>\d))?",
        _dotted,
    ),
    (
        "amazon-linux",
        r"amazon-?linux|amzn(?:-?linux)?|al(?=-?20|2)",
        "ami|os",
        r"(?P<major>2023|2022|2)" + _PATCH,
        _dotted,
    ),
    ("azure-linux", r"azure-?linux|azl(?=\d)", "", r"(?P<major>[34])" + _PATCH, _dotted),
    ("azure-linux", r"cbl-?mariner", "", r"(?P<major>[12])" + _PATCH, _dotted),
    ("windows", r"(?:ms-?)?windows|win", _SERVER, _YEAR, _year),
    ("windows", r"ws(?=20)|w(?=2k|20)", "", _YEAR, _year),
    (
        "windows",
        r"windows|win",
        "desktop|client|pro|enterprise|ent|eval|evaluation|ltsc",
        r"(?P<major>1[01]|8(?:\.1)?|7)(?!\.\d)",
        _dotted,
    ),
    ("alpine", r"alpine", "linux", r"(?P<major>3)[.-]?(?P<minor>\d{1,2})" + _PATCH, _dotted),
    ("photon", r"photon(?:-?os)?", "", r"(?P<major>[3-5])" + _PATCH, _dotted),
    ("freebsd", r"free-?bsd", "", r"(?P<major>1[1-6])" + _MINOR, _dotted),
    ("openbsd", r"open-?bsd", "", r"(?P<major>[67])\.?(?P<minor>\d)", _dotted),
    ("nixos", r"nix-?os", "", r"(?P<major>2\d)[.-]?(?P<minor>05|11)", _dotted),
    ("kali", r"kali", "linux", r"(?P<major>20[12]\d)\.(?P<minor>\d)", _dotted),
    ("macos", r"mac-?os(?:-?x)?", "", r"(?P<major>1[1-5]|26)" + _PATCH, _dotted),
    ("openeuler", r"open-?euler", "", r"(?P<major>2\d)\.(?P<minor>03|09)", _dotted),
)
_VERSIONED = tuple(
    (
        family,
        re.compile(
            START
            + f"(?:{words})"
            + (f"(?:-?(?:{between}))*" if between else "")
            + f"-?v?{version}"
            + END
        ),
        spelled,
    )
    for family, words, between, version, spelled in _WITH_VERSION
)
# What names a family by itself. "Red Hat", "photon" and "win" mean other things, "Azure Linux"
# mostly a Linux on Azure; so do "rocky" and "alma", but beside another family they are a second.
_ALONE = tuple(
    (family, re.compile(START + f"(?:{words})" + END))
    for family, words in (
        ("ubuntu", r"ubuntu"),
        ("debian", r"debian"),
        ("rhel", r"rhel|red-?hat-?enterprise-?linux"),
        ("centos", r"cent-?os(?!-?(?:linux-?)?v?(?:\d+-?)?stream|-?v?(?:9|10)(?![0-9]))"),
        ("centos-stream", r"cent-?os-?stream"),
        ("rocky", r"rocky-?linux"),
        ("almalinux", r"alma-?linux"),
        ("oracle-linux", r"oracle-?linux"),
        ("fedora", r"fedora(?!-?core-?os)"),
        ("fedora-coreos", r"fedora-?core-?os|fcos"),
        ("rhcos", r"rhcos"),
        ("sles", r"sles|suse-?linux-?enterprise"),
        ("opensuse-tumbleweed", r"open-?suse-?tumbleweed"),
        ("opensuse-leap", r"open-?suse-?leap"),
        ("amazon-linux", r"amazon-?linux"),
        ("azure-linux", r"cbl-?mariner"),
        ("windows", r"(?<!maintenance-)(?:ms-?)?windows(?:-?server)?"),
        ("alpine", r"alpine"),
        ("photon", r"photon-?os"),
        ("freebsd", r"free-?bsd"),
        ("openbsd", r"open-?bsd"),
        ("nixos", r"nix-?os"),
        ("kali", r"kali"),
        ("macos", r"mac-?os"),
        ("openeuler", r"open-?euler"),
        ("archlinux", r"arch-?linux"),
        ("gentoo", r"gentoo"),
        ("flatcar", r"flatcar"),
        ("bottlerocket", r"bottlerocket"),
        ("raspios", r"rasp(?:berry-?pi-?os|ios|bian)"),
        (DOUBT, r"rocky(?!-?(?:linux|v?\d))|alma(?!-?(?:linux|os|v?\d))"),
    )
)
_CODENAMES = {
    "trusty": ("ubuntu", "14.04"),
    "xenial": ("ubuntu", "16.04"),
    "bionic": ("ubuntu", "18.04"),
    "focal": ("ubuntu", "20.04"),
    "jammy": ("ubuntu", "22.04"),
    "kinetic": ("ubuntu", "22.10"),
    "lunar": ("ubuntu", "23.04"),
    "mantic": ("ubuntu", "23.10"),
    "noble": ("ubuntu", "24.04"),
    "oracular": ("ubuntu", "24.10"),
    "plucky": ("ubuntu", "25.04"),
    "questing": ("ubuntu", "25.10"),
    "resolute": ("ubuntu", "26.04"),
    "jessie": ("debian", "8"),
    "stretch": ("debian", "9"),
    "buster": ("debian", "10"),
    "bullseye": ("debian", "11"),
    "bookworm": ("debian", "12"),
    "trixie": ("debian", "13"),
    "forky": ("debian", "14"),
    "sonoma": ("macos", "14"),
    "ventura": ("macos", "13"),
    "sequoia": ("macos", "15"),
    "tahoe": ("macos", "26"),
}
# The others are words of their own, and mean a release only beside their family.
_UNMISTAKABLE = frozenset(("xenial", "bionic", "focal", "jammy", "noble", "bookworm", "trixie"))
_CODENAME = re.compile(START + f"(?:{'|'.join(_CODENAMES)})" + END)
