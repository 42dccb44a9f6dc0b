"""``cca-tools label``: start the labelling app on this machine."""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import click

import cca_tools
from cca_tools.cli.label_options import database_option
from cca_tools.cli.options import workspace_option
from cca_tools.errors import DataError, UsageError
from cca_tools.labels.samples import SampleIndex
from cca_tools.labels.store import LabelStore
from cca_tools.workspace import Workspace

ADDRESS = "127.0.0.1"
DEFAULT_PORT = 8501
SECRETS = "secrets.toml"
_APP = Path(cca_tools.__file__).resolve().parents[1] / "apps" / "labelling.py"
_STARTING_S = 60.0


@click.command()
@workspace_option
@database_option
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    help="0 for any that is free.",
)
@click.option("--tags", metavar="NAME", help="The tag run, by the beginning of its name.")
@click.option("--seed", default=0, show_default=True, help="By which sample videos are drawn.")
@click.option(
    "--secrets",
    type=click.Path(path_type=Path, dir_okay=False),
    show_default=f"{SECRETS} of the workspace, if there is one",
    help="Streamlit's secrets.toml; its section [auth] makes people log in by OIDC.",
)
def label_command(
    workspace: Path,
    database: str | None,
    port: int,
    tags: str | None,
    seed: int,
    secrets: Path | None,
) -> None:
    r"""Label classes in a browser: highly, weakly or not correlated.

    Prints the address and runs until Ctrl-C. The app listens on this machine alone; put a proxy
    with a login in front of it to let others in (docs/labelling-app.md).

    \b
    Examples:
      cca-tools label
      cca-tools label --database postgresql+psycopg://me@localhost/labels --port 8600
    """
    place = Workspace(workspace.resolve())
    SampleIndex.open(place, tags)
    LabelStore.open(place, database).close()
    port = _free_port(port)
    os.environ |= {
        "CCA_LABEL_WORKSPACE": str(place.root),
        "CCA_LABEL_DATABASE": database or "",
        "CCA_LABEL_TAGS": tags or "",
        "CCA_LABEL_SEED": str(seed),
    }
    _run(port, _secrets_file(place, secrets))


def _secrets_file(place: Workspace, secrets: Path | None) -> Path | None:
    if secrets is not None and not secrets.is_file():
        raise DataError(f"the secrets {secrets} are not there", "Name a file in TOML by --secrets")
    own = place.root / SECRETS
    return secrets or (own if own.is_file() else None)


def _free_port(port: int) -> int:
    """Return the port, or one that is free where it is 0.

    Raises:
        UsageError: It cannot be used.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            reason = "is taken" if error.errno == errno.EADDRINUSE else str(error.strerror)
            raise UsageError(
                f"port {port} of {ADDRESS} {reason}", "Give another by --port, or --port 0 for any"
            ) from error
        return int(probe.getsockname()[1])


def _run(port: int, secrets: Path | None) -> None:
    """Run Streamlit in this process until it is stopped."""
    from streamlit.web import cli

    settings: dict[str, object] = {
        "server.address": ADDRESS,
        "server.port": port,
        "server.headless": True,
        "server.fileWatcherType": "none",
        "server.showEmailPrompt": False,
        "server.enableStaticServing": False,
        "server.enableXsrfProtection": True,
        "server.enableCORS": True,
        "browser.gatherUsageStats": False,
        "browser.serverAddress": ADDRESS,
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "client.showErrorLinks": False,
        "logger.hideWelcomeMessage": True,
        "runner.magicEnabled": False,
        "runner.postScriptGC": False,  # a tenth of a second before each page; Python's own does
        # either is given, so that the browser's choice between light and dark is followed
        "theme.light.primaryColor": "#3b82a6",
        "theme.dark.primaryColor": "#5aa2c7",
    }
    arguments = [f"--{name}={_written(value)}" for name, value in settings.items()]
    if secrets is not None:
        arguments.append(f"--secrets.files={secrets.resolve()}")
    else:  # a page of another host cannot reach it by a name that it turns to this machine
        arguments += [f"--server.allowedHosts={name}" for name in (ADDRESS, "localhost")]
    threading.Thread(target=_announce, args=(port,), daemon=True).start()
    cli.main(["run", str(_APP), *arguments], standalone_mode=False)


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _announce(port: int) -> None:
    """Print the address as soon as the app answers there."""
    url = f"http://{ADDRESS}:{port}"
    limit = time.monotonic() + _STARTING_S
    while time.monotonic() < limit:
        with (
            suppress(OSError),
            urllib.request.urlopen(f"{url}/_stcore/health") as answer,
        ):
            if answer.status == 200:
                click.echo(url)
                click.echo("label: Ctrl-C ends it", err=True)
                return
        time.sleep(0.05)
