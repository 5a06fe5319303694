import json
import socket

import cv2
import pytest
from starlette.testclient import TestClient

from inkwise._util.errors import InkwiseError
from inkwise.app import FormEditor, create_app, create_editor_app
from inkwise.app.requests import UPLOAD_BYTES, body_limit

ANNA = {"writer": "anna"}


def refused(response, status):
    """Check the status of an error response and return its message."""
    assert response.status_code == status
    return response.json()["error"]


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8420", "localhost", "LOCALHOST:8420", "localhost.", "[::1]:8420", "127.1.2.3"]
)
def test_loopback_app_accepts_loopback_names(client, host):
    assert client.get("/api/learn", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8420",
        "127.0.0.1:80",
        "192.168.1.5:8420",
        "127.0.0.1.evil.example",
        "",
        "evil.example[::1]",
    ],
)
@pytest.mark.parametrize("path", ["/", "/static/main.js", "/api/learn"])
def test_loopback_app_rejects_other_host_names(client, host, path):
    response = client.get(path, headers={"Host": host})
    assert response.status_code == 403
    assert "is not a name of this server" in response.text


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("192.168.1.5:8420", 200),
        ("192.168.1.5:80", 200),  # the port may be forwarded
        ("[fe80::1]:8420", 200),
        ("ink.example", 200),
        (socket.gethostname(), 200),
        (f"{socket.gethostname()}.local:8420", 200),
        ("localhost:8420", 200),
        ("evil.example", 403),
    ],
)
def test_network_app_accepts_addresses_and_own_names(serve, host, status):
    client = serve(host="ink.example", token="secret")
    headers = {"Host": host, "Authorization": "Bearer secret"}
    assert client.get("/api/learn", headers=headers).status_code == status


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:9"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_app_rejects_other_sites(client, keep, headers):
    sample = keep()
    assert refused(client.post("/api/undo", json=ANNA, headers=headers), 403)
    assert refused(client.delete(f"/api/samples/{sample['id']}", headers=headers), 403)
    assert refused(client.get("/api/samples", headers=headers), 403)
    assert client.get("/api/samples").json()["total"] == 1


def test_same_origin_requests_are_accepted(client):
    headers = {"Origin": "http://127.0.0.1:8420", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/api/undo", json=ANNA, headers=headers).status_code == 200


def test_page_may_be_linked_by_other_sites(client):
    assert client.get("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_form_content_types_are_rejected(client, kind):
    body = json.dumps(ANNA).encode()
    response = client.post("/api/undo", content=body, headers={"Content-Type": kind} if kind else {})
    assert refused(response, 415) == "the body must be application/json"


def test_json_content_type_may_have_a_charset(client):
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert client.post("/api/undo", content=json.dumps(ANNA).encode(), headers=headers).status_code == 200


def test_requests_without_token_are_rejected(serve):
    client = serve(host="0.0.0.0", token="secret")
    for path in ("/", "/?token=wrong", "/static/main.js", "/api/learn?token=secret"):
        response = client.get(path)
        assert response.status_code == 401
        assert "the token is missing or wrong" in response.text
    for value in ("Bearer wrong", "Bearer", "Basic secret", "Bearer \xe4"):
        assert refused(client.get("/api/learn", headers={"Authorization": value.encode("latin-1")}), 401)
    assert refused(client.get("/api/learn", headers={"Cookie": "inkwise-8420=secret"}), 401)
    assert client.get("/").headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("token", ["secret", "a b;c=ä&d"])
def test_token_in_the_address_sets_a_cookie(serve, token):
    client = serve(host="0.0.0.0", token=token)
    opened = client.get("/", params={"token": token})
    assert opened.status_code == 200
    cookie = opened.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert token not in cookie
    assert client.get("/api/learn").status_code == 200
    assert "Set-Cookie" not in client.get("/").headers


def test_servers_on_one_host_use_separate_cookies(serve, tmp_path, seven):
    cv2.imwrite(str(tmp_path / "form.png"), seven)
    editor = create_editor_app(FormEditor(tmp_path / "form.png"), host="0.0.0.0", token="token-8422")
    clients = {
        8420: serve(port=8420, host="0.0.0.0", token="token-8420"),
        8421: serve(port=8421, host="0.0.0.0", token="token-8421"),
        8422: TestClient(editor, "http://127.0.0.1:8422"),
    }
    for port, client in clients.items():
        client.cookies.jar = clients[8420].cookies.jar  # one browser
        assert client.get("/", params={"token": f"token-{port}"}).status_code == 200
    assert sorted(clients[8420].cookies) == ["inkwise-8420", "inkwise-8421", "inkwise-8422"]
    for client in clients.values():
        assert client.get("/").status_code == 200


def test_cookie_name_has_the_port_of_the_host_header(serve):
    client = serve(host="0.0.0.0", token="secret")  # as behind the port of a container or a tunnel
    for host, name in (("192.168.1.5:9000", "inkwise-9000"), ("[::1]", "inkwise"), ("10.0.0.1:x", "inkwise")):
        opened = client.get("/", params={"token": "secret"}, headers={"Host": host})
        assert opened.headers.get("Set-Cookie", "").startswith(f"{name}="), host
        client.cookies.clear()


def test_bearer_token_is_accepted(serve):
    client = serve(host="0.0.0.0", token="secret")
    assert client.get("/api/learn", headers={"Authorization": "Bearer secret"}).status_code == 200


def test_app_responses_have_security_headers(client):
    for path, cache in {
        "/": "no-cache",
        "/static/main.js": "no-cache",
        "/api/learn": "no-store",
        "/no": "no-cache",
    }.items():
        headers = client.get(path).headers
        assert headers["Content-Security-Policy"].startswith(
            "default-src 'self'; img-src 'self' blob: data:; "
        )
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == cache
    assert client.get("/", headers={"Host": "evil"}).headers["X-Content-Type-Options"] == "nosniff"


def test_declared_large_body_is_rejected_unread(client):
    def body():
        raise AssertionError("it was read")
        yield b""

    headers = {"Content-Length": str(50 * 2**20)}
    response = client.post("/api/picture?writer=anna", content=body(), headers=headers)
    assert refused(response, 413) == "the body is too large: at most 33,554,432 bytes are accepted"


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/api/read", body_limit("/")),
        ("/api/picture?writer=anna", UPLOAD_BYTES),
        ("/api/learn", body_limit("/")),
    ],
)
def test_undeclared_large_body_is_rejected_while_streaming(client, path, limit):
    def body():
        for _ in range(limit // 2**20 + 1):
            yield b" " * 2**20

    response = client.post(path, content=body(), headers={"Content-Type": "application/json"})
    assert refused(response, 413) == f"the body is too large: at most {limit:,} bytes are accepted"


def test_unexpected_exception_is_logged_and_the_app_continues(client, learner, monkeypatch, caplog):
    def fail(*arguments, **settings):
        raise RuntimeError("a secret")

    with monkeypatch.context() as broken:
        broken.setattr(learner, "read_strokes", fail)
        response = client.post("/api/read", json={"writer": "anna", "strokes": []})
    assert refused(response, 500) == "internal error; see the log of inkwise app"
    assert "RuntimeError: a secret" in caplog.text
    assert client.post("/api/read", json={"writer": "anna", "strokes": []}).status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "ink.example"])
def test_public_app_requires_a_token(learner, host):
    with pytest.raises(InkwiseError, match="a token is required"):
        create_app(learner, host=host)
