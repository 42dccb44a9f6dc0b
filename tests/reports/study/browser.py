"""Where a Chromium is that can show a page."""

import shutil


def chromium_path():
    """Return the path of the first Chromium found, None without one."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next(filter(None, map(shutil.which, names)), None)
