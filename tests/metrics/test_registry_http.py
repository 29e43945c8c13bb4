from tests.metrics.reading import value


def test_an_answer_is_counted_by_surface_and_class(registry, registry_http):
    """With its time, unless it is a stream; a path that is none of ours makes no series of its own."""
    registry_http.answered("console", 200, 0.02)
    registry_http.answered("console", 200, None)
    registry_http.answered("wp-admin", 404, 0.001)

    assert value(registry, "registry_http_requests_total", route="console", status="2xx") == 2
    assert value(registry, "registry_http_request_seconds_count", route="console") == 1
    assert value(registry, "registry_http_requests_total", route="other", status="4xx") == 1
    assert value(registry, "registry_http_requests_total", route="v1", status="5xx") == 0
