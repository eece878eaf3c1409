"""Every page and list of the API, as somebody with a long history asks for it."""

from uuid import UUID

NUMBER = "filled-12345"
DELIVERY = UUID(int=0)
PATHS = (
    "/",
    "/overview.json",
    "/builds",
    "/builds?status=failed",
    "/builds?platform=platform-3&os_version=rhel-2",
    "/builds?project=project-1&order=duration",
    "/builds?q=no-such-build",
    f"/builds/{NUMBER}",
    "/images",
    "/failures",
    "/failures?status=resolved",
    "/stages",
    "/deliveries",
    "/deliveries?source=github",
    "/deliveries?outcome=quarantined",
    "/deliveries?outcome=ignored&sender=none",
    "/deliveries?reason=none",
    "/deliveries/routes",
    "/setup",
    "/feed.atom",
    "/feed.atom?status=failed",
    "/badge/project-1.svg",
    "/badge/project-0/platform-0/rhel-0/type-0.svg",
    "/metrics",
    "/api/v1/builds?limit=100",
    "/api/v1/builds?status=cancelled&limit=100",
    f"/api/v1/builds/{NUMBER}",
    f"/api/v1/builds/{NUMBER}/resume",
    "/api/v1/images",
    "/api/v1/images/platform-0/rhel-0/type-0",
    "/api/v1/failures",
    "/api/v1/failures?status=all",
    "/api/v1/deliveries",
    "/api/v1/stats",
    "/api/v1/stats/combinations",
    "/api/v1/stats/stages",
)
