import json
import logging

import pytest

from inkwise._util.errors import InkwiseError
from inkwise.recognition import Recognizer
from inkwise.service import Settings, Tokens, create_app
from inkwise.service.observability import JsonLinesFormatter


@pytest.fixture
def tokens(tmp_path):
    file = tmp_path / "tokens.txt"
    file.write_text("anna tea-time\nbert coffee")
    return Tokens.read(file)


@pytest.fixture
def lines(caplog):
    """The log lines so far, parsed."""
    caplog.set_level(logging.INFO, "inkwise")
    return lambda: [json.loads(JsonLinesFormatter().format(record)) for record in caplog.records]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "ink.example"])
def test_public_service_requires_tokens(host):
    with pytest.raises(InkwiseError, match="tokens are required"):
        create_app(Settings(host))


@pytest.mark.parametrize("path", ["/v1/read", "/v1/classify", "/metrics", "/openapi.json", "/docs", "/no"])
def test_health_needs_no_token(serve, tokens, path):
    client = serve(host="0.0.0.0", tokens=tokens)
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic tea-time"}):
        response = client.post(path, headers=headers)
        assert response.status_code == 401
        assert response.json()["error"].startswith("the token is missing or wrong")
        assert response.headers["WWW-Authenticate"] == "Bearer"
    assert client.get("/healthz").json() == {"status": "ready"}


def test_token_allows_any_host_name(serve, tokens, read):
    headers = {"Authorization": "Bearer coffee", "Host": "ink.example:80", "Origin": "https://other.example"}
    client = serve(host="0.0.0.0", tokens=tokens)
    assert read(client, headers=headers).status_code == 200
    found = client.get("/openapi.json", headers=headers).json()
    assert found["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert found["security"] == [{"token": []}]
    assert found["paths"]["/healthz"]["get"]["security"] == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1:9"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_service_rejects_other_sites(client, read, headers):
    assert read(client, headers=headers).status_code == 403
    assert client.get("/metrics", headers=headers).status_code == 403


@pytest.mark.parametrize("origin", ["https://forms.example", "http://127.0.0.1:3000"])
def test_pages_of_named_sites_may_send_requests(serve, read, origin):
    client = serve(cors=["https://forms.example:443", "http://127.0.0.1:3000"])
    response = read(client, headers={"Origin": origin, "Sec-Fetch-Site": "cross-site"})
    assert (response.status_code, response.headers["access-control-allow-origin"]) == (200, origin)
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    preflight = client.options("/v1/read", headers={"Origin": origin, **asked})
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, origin)
    other = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert read(client, headers=other).status_code == 403
    assert "access-control-allow-origin" not in client.options("/v1/read", headers={**other, **asked}).headers


@pytest.mark.parametrize(
    "origin", ["*", "forms.example", "https://forms.example/", "file:///x", "https://a:b"]
)
def test_invalid_origin_is_rejected(origin):
    with pytest.raises(InkwiseError, match="is no origin: expected"):
        create_app(Settings(cors=(origin,)))


def test_request_is_logged_in_one_line(serve, tokens, read, lines):
    client = serve(host="0.0.0.0", tokens=tokens)
    headers = {"Authorization": "Bearer tea-time", "X-Request-ID": "a-1.b_2"}
    response = read(client, headers=headers, expect="number", pattern="[7]")
    assert response.headers["X-Request-ID"] == "a-1.b_2"
    (line,) = lines()
    assert {*line} == {
        *["time", "level", "pid", "id", "method", "path", "status", "ms", "bytes", "digits", "token"]
    }
    assert (line["id"], line["method"], line["path"], line["status"]) == ("a-1.b_2", "POST", "/v1/read", 200)
    assert (line["bytes"], line["digits"], line["token"]) == (len(response.request.content), 1, "anna")
    assert line["time"].endswith("+00:00")


def test_unauthorized_requests_are_logged_at_a_limited_rate(serve, tokens, read, lines, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("inkwise.http.throttle.monotonic", lambda: now[0])
    client = serve(host="0.0.0.0", tokens=tokens)
    for _ in range(50):
        assert client.get("/healthz").status_code == 200
        assert read(client).status_code == 401
    assert len(lines()) == 10
    assert read(client, headers={"Authorization": "Bearer coffee"}).status_code == 200
    assert (len(lines()), lines()[-1]["status"]) == (11, 200)  # authorized requests are always logged
    now[0] += 1
    client.get("/healthz")
    client.get("/healthz")
    assert [line.get("omitted") for line in lines()[-2:]] == [90, None]


@pytest.mark.parametrize("given", ["", "a b", 'a"b', "x" * 65])
def test_invalid_request_id_is_replaced(client, given):
    ids = {client.get("/healthz", headers={"X-Request-ID": given}).headers["X-Request-ID"] for _ in range(2)}
    assert len(ids) == 2
    assert given not in ids


def test_unexpected_exception_is_logged_without_its_message(client, read, lines, monkeypatch):
    def fail(*arguments):
        raise RuntimeError("a secret")

    with monkeypatch.context() as broken:
        broken.setattr(Recognizer, "read", fail)
        response = read(client, expect="digit")
    assert response.status_code == 500
    assert response.json()["error"] == "internal error; see the log of inkwise serve"
    failed, request = lines()
    assert failed["error"] == "RuntimeError"
    assert failed["message"] == f"request {request['id']} failed: POST '/v1/read'"
    assert failed["at"][-1].endswith(" fail")
    assert "a secret" not in json.dumps(failed)
    assert request["status"] == 500
    assert read(client, expect="digit").status_code == 200


def test_metrics_count_requests_by_path_and_status(serve, read):
    client = serve()
    read(client)
    client.post("/v1/read", content=b"")
    for path in ("/no", "/v1/nothing"):
        client.get(path)
    metrics = client.get("/metrics")
    assert metrics.headers["Content-Type"].startswith("text/plain")
    for path, status, count in (("/v1/read", 200, 1), ("/v1/read", 415, 1), ("other", 404, 2)):
        assert f'inkwise_requests_total{{path="{path}",status="{status}"}} {count}.0' in metrics.text
    assert 'inkwise_request_seconds_count{path="/v1/read"} 2.0' in metrics.text
    assert "inkwise_digits_total 1.0" in metrics.text


def test_new_requests_are_rejected_during_shutdown(serve, read):
    client = serve()
    client.app.state.in_flight.stopping = True
    assert client.get("/healthz").status_code == 503
    response = read(client)
    assert (response.status_code, response.json()) == (503, {"error": "the server is shutting down"})
    assert response.headers["Connection"] == "close"


def test_service_responses_have_security_headers(client):
    headers = client.get("/healthz").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
