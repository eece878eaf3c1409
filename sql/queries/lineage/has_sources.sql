-- Whether any build says what it started from: has_sources.
SELECT EXISTS (SELECT FROM build_sources) AS has_sources
