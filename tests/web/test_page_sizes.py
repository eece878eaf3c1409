"""No page and no cache grows beyond its bound, whatever senders say."""

import psycopg
from flask.testing import FlaskClient

from receiver.domain.model import DIMENSIONS
from receiver.web.pages.render import MAX_BYTES, PageCache
from tests.bench.dataset import fill
from tests.support.senders import envelope, post, stage

COUNT = 1_200
BUILDS = """
WITH p AS (
    INSERT INTO platforms (id, name, display_name, cloud_provider)
    SELECT gen_random_uuid(), 'platform-' || n, 'p', 'aws' FROM generate_series(1, %(count)s) AS n
    RETURNING id, name
), o AS (
    INSERT INTO os_versions (id, name, display_name, os_family, major_version)
    SELECT gen_random_uuid(), 'os-' || n, 'o', 'os', n FROM generate_series(1, %(count)s) AS n
    RETURNING id, name
), t AS (
    INSERT INTO image_types (id, name, display_name)
    SELECT gen_random_uuid(), 'type-' || n, 't' FROM generate_series(1, %(count)s) AS n
    RETURNING id, name
)
INSERT INTO builds (
    id, build_number, platform_id, os_version_id, image_type_id, current_state, status, start_time
)
SELECT
    gen_random_uuid(), 'b-' || n, p.id, o.id, t.id, 25,
    CASE WHEN n = 1 THEN 'failed' ELSE 'completed' END, now() - n * interval '1 second'
FROM generate_series(1, %(count)s) AS n
JOIN p ON p.name = 'platform-' || n
JOIN o ON o.name = 'os-' || n
JOIN t ON t.name = 'type-' || n
"""


def test_overview_has_no_cells_for_empty_places(client: FlaskClient, url: str):
    with psycopg.connect(url) as connection:
        connection.execute(BUILDS, {"count": COUNT})
    page = client.get("/").text
    assert page.count('<a class="im"') == 500
    assert "700 more images are not shown" in page
    assert 'href="/builds/b-1"' in page  # a failed one is shown first
    assert len(page) < 300_000
    assert len(client.get("/overview.json").get_json()["latest"]) == COUNT


def test_cached_bodies_have_a_bound_in_bytes():
    cache = PageCache()
    large = bytes(MAX_BYTES // 4)
    for number in range(20):
        assert cache.body(str(number), lambda: large) == large
    assert sum(map(len, cache._bodies.values())) <= MAX_BYTES
    assert "19" in cache._bodies
    assert cache.body("huge", lambda: bytes(MAX_BYTES + 1)) == bytes(MAX_BYTES + 1)
    assert "huge" not in cache._bodies


def test_page_of_a_build_of_many_events_is_small_with_the_rest_behind_a_link(client: FlaskClient):
    failure = {"type": "t", "message": "no route to host\n" * 4_000, "component": "c"}
    for number in range(10):
        names = [f"Stage {number} {place} {'x' * 150}" for place in range(400)]
        events = [stage(name, "failed", number, failure=failure) for name in names[:5]]
        events += [stage(name, "failed", number) for name in names[5:]]
        assert post(client, envelope(*events, number="long")).status_code == 202
    page = client.get("/builds/long").text
    assert len(page.encode()) < 200_000
    assert "3900 earlier stages are not shown" in page
    assert "no route to host" in page
    assert len(client.get("/builds/long?all=1").text) > 1_000_000
    assert len(client.get("/builds/long.json").get_json()["states"]) == 4_000


def test_every_page_is_small_with_1500_builds_of_300_images(client: FlaskClient, url: str):
    fill(url, 1_500)
    image = client.get("/images.json").get_json()["items"][0]
    names = {name: image[name] for name in DIMENSIONS}
    paths = ["/", "/builds", "/images", "/failures", "/trends", f"/builds/{image['build_number']}"]
    sizes = {path: len(client.get(path).data) for path in paths}
    sizes["/image"] = len(client.get("/image", query_string=names).data)
    assert {path: size for path, size in sizes.items() if size > 200_000} == {}
    assert all(size > 3_000 for size in sizes.values()), sizes
