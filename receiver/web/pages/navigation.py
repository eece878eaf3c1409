"""The navigation: what people look at every day, what is set up once, and how to begin."""

from dataclasses import dataclass

from receiver.storage import overview
from receiver.web.context import services
from receiver.web.pages.render import blueprint


@dataclass(frozen=True, slots=True)
class Entry:
    """A link; `others` are the endpoints of further pages that belong to it."""

    endpoint: str
    label: str
    others: frozenset[str] = frozenset()

    @property
    def endpoints(self) -> frozenset[str]:
        """Return the endpoints of its pages."""
        return self.others | {self.endpoint}

    def holds(self, endpoint: str) -> bool:
        """Return whether a page belongs to this entry."""
        return endpoint in self.endpoints


SETUP = (
    Entry("setup.show", "Senders", frozenset({"setup.test", "setup.create", "setup.rotate"})),
    Entry("pages.stages", "Stages"),
    Entry(
        "deliveries.list_", "Deliveries", frozenset({"deliveries.show", "deliveries.routes"})
    ),
    Entry("pages.notices", "Notices"),
    Entry("pages.audit", "Audit"),
)  # fmt: skip
MAIN = (
    Entry("pages.overview", "Overview"),
    Entry("pages.builds", "Builds", frozenset({"pages.build"})),
    Entry("pages.images", "Images", frozenset({"pages.image"})),
    Entry("pages.failures", "Failures"),
    Entry("pages.trends", "Trends"),
    Entry("setup.show", "Setup", frozenset().union(*(each.endpoints for each in SETUP))),
)


@dataclass(frozen=True, slots=True)
class Navigation:
    """Both rows of links."""

    main: tuple[Entry, ...] = MAIN
    setup: tuple[Entry, ...] = SETUP

    def is_setup(self, endpoint: str) -> bool:
        """Return whether a page is one of the second row."""
        return any(each.holds(endpoint) for each in self.setup)


@blueprint.app_template_global()
def is_new() -> bool:
    """Return whether nobody has reported a build yet: empty pages then say how to begin."""
    return not overview.has_builds(services().database)


@blueprint.app_template_global()
def navigation() -> Navigation:
    """Return the navigation, the same on each page."""
    return Navigation()
