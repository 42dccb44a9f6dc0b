"""The browser that shows pages to tests."""

import shutil

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SWITCHES = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--autoplay-policy=no-user-gesture-required", "--mute-audio",
)  # fmt: skip


def browser_path():
    """Return where a Chromium lies on this machine, None where there is none."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)
