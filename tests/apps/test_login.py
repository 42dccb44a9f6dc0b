"""Login by OIDC, against a provider of our own: only listed people may label or adjudicate."""

from __future__ import annotations

import pytest
from labelling import CLASSES, serving
from playwright.sync_api import expect

from cca_tools.labels.store import LabelStore

SECRETS = """
[auth]
redirect_uri = "http://127.0.0.1:{port}/oauth2callback"
cookie_secret = "only-for-this-test"
client_id = "labels"
client_secret = "none"
server_metadata_url = "{provider}/.well-known/openid-configuration"
"""


@pytest.fixture(scope="module")
def provider():
    mock = pytest.importorskip("oidc_provider_mock")
    people = [
        mock.User(sub="ann@example.org", claims={"email": "ann@example.org"}),
        mock.User(sub="eve@example.org", claims={"email": "eve@example.org"}),
        mock.User(
            sub="mal@example.org", claims={"email": "ann@example.org", "email_verified": False}
        ),
    ]
    with mock.run_server_in_thread(user_claims=people) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def served(study, provider):
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    secrets = study.root / "secrets.toml"
    secrets.write_text(SECRETS.format(port=port, provider=provider))
    with LabelStore.open(study) as store:
        store.list_person("ann@example.org", "label", "adjudicate")
    with serving(study, "--port", str(port)) as server:
        yield server


def log_in(tab, url, who):
    tab.goto(url)
    tab.get_by_role("button", name="Log in").click()
    tab.wait_for_url("**/oauth2/authorize**")
    tab.locator("input[name=sub]").fill(who)
    tab.get_by_role("button", name="Authorize").click(no_wait_after=True)
    tab.wait_for_url(f"{url}/**", wait_until="commit")


def test_only_listed_people_may_label(served, open_tab, pictures):
    tab = open_tab()
    tab.goto(f"{served.url}?annotator=ann@example.org")  # a name in the address is none here
    tab.get_by_role("button", name="Log in").wait_for()
    assert tab.locator(".cca-head").count() == 0

    log_in(tab, served.url, "ann@example.org")
    tab.locator(".cca-head h1").wait_for()
    expect(tab.locator(".cca-person").first).to_contain_text("ann@example.org")
    tab.get_by_role("button", name="Highly").click()
    tab.locator(".cca-saved.cca-ok").wait_for()
    tab.screenshot(path=pictures / "logged_in.png")

    stranger = open_tab()
    log_in(stranger, served.url, "eve@example.org")
    stranger.locator(".cca-head h1").wait_for()
    assert stranger.get_by_role("button", name="Highly").is_disabled()
    stranger.keyboard.press("h")

    impostor = open_tab()
    log_in(impostor, served.url, "mal@example.org")
    impostor.get_by_text("not verified").wait_for()
    assert impostor.locator(".cca-head").count() == 0

    with LabelStore.open(served.workspace) as store:
        history = store.history()
        assert history["annotator"].tolist() == ["ann@example.org"]
        assert history["level"].tolist() == ["highly"]
        assert history["class_name"].iloc[0] in CLASSES
