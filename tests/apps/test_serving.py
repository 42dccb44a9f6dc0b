"""What the app gives to those who ask it by hand: nothing but the app."""

from __future__ import annotations

import http.client
import json

import psutil
import pytest
from labelling import serving

UPGRADE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip


@pytest.fixture
def served(study):
    with serving(study) as server:
        yield server


def ask(server, path, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = b"" if answer.status == 101 else answer.read()
    connection.close()
    return answer.status, body


def test_nothing_outside_the_app_is_served(served):
    root = served.workspace.root
    (root / "secret.txt").write_text("a secret of the workspace")
    secrets = [b"a secret of the workspace", b"root:", b"PAR1"]
    paths = ["/etc/passwd", str(root / "secret.txt"), str(root / "manifest.parquet")]
    for base in ("/media", "/app/static", "/static", "/component/x", "/_stcore", ""):
        for path in paths:
            for up in ("", "/.." * 12, "/%2e%2e" * 12, "/..%2f" * 12):
                status, body = ask(served, f"{base}{up}{path}")
                assert not any(secret in body for secret in secrets), (base, up, path, status)

    # it listens on this machine alone, and to nobody who found it by another name
    listening = [
        one.laddr.ip for one in psutil.Process(served.process.pid).net_connections()
        if one.status == psutil.CONN_LISTEN
    ]  # fmt: skip
    assert listening == ["127.0.0.1"]
    assert ask(served, "/_stcore/stream", Host="evil.example", **UPGRADE)[0] == 403
    assert ask(served, "/_stcore/stream", Host=f"127.0.0.1:{served.port}", **UPGRADE)[0] == 101
    status, body = ask(served, "/_stcore/host-config")
    assert status == 200
    assert "allowedOrigins" in json.loads(body)
