"""Who is here: a name chosen once, or Streamlit's own login where OIDC is configured."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from apps.text import as_markdown, one_line
from cca_tools.labels.people import ROLES, not_listed
from cca_tools.labels.store import LabelStore

NAME = "annotator"  # in the address, so that a name stays when the page is loaded anew
_LONGEST = 80


@dataclass(frozen=True)
class Person:
    """Who is here.

    Args:
        name: As it stands with every label.
        may_label: Whether his labels are taken.
        may_adjudicate: Whether his decisions are.
    """

    name: str
    may_label: bool
    may_adjudicate: bool


def uses_login() -> bool:
    """Return whether a login is configured: there is a section ``[auth]`` among the secrets."""
    try:
        return "auth" in st.secrets
    except FileNotFoundError:
        return False


def find_person(store: LabelStore) -> Person | None:
    """Return who is here, or None where nobody has said so yet.

    Raises:
        WorkspaceError: The database cannot be read.
    """
    name = _logged_in() if uses_login() else _chosen()
    if not name:
        return None
    roles = roles_of(store, name)
    return Person(name, "label" in roles, "adjudicate" in roles)


def roles_of(store: LabelStore, name: str) -> tuple[str, ...]:
    """Return what somebody may do now; with a login, nobody may where nobody is listed.

    Raises:
        WorkspaceError: The database cannot be read.
    """
    return tuple(role for role in ROLES if store.allowed(name, role, listed_only=uses_login()))


def check_may(store: LabelStore, name: str, role: str) -> None:
    """Refuse what somebody may not do, whatever his page offers.

    Raises:
        UsageError: He is not listed for it.
        WorkspaceError: The database cannot be read.
    """
    if role not in roles_of(store, name):
        raise not_listed(name, role)


def _logged_in() -> str:
    """Return the address that the provider vouches for, else nothing."""
    user = st.user
    if not user.is_logged_in or user.get("email_verified") is False:
        return ""
    return str(user.get("email") or "")


def _chosen() -> str:
    if NAME not in st.session_state and NAME in st.query_params:
        st.session_state[NAME] = clean_name(st.query_params[NAME])
    name = str(st.session_state.get(NAME, ""))
    if name:
        st.query_params[NAME] = name
    return name


def clean_name(text: str) -> str:
    """Return a name on one line, at most 80 letters long."""
    return one_line(text)[:_LONGEST].strip()


def ask_who(store: LabelStore) -> None:
    """Draw the page on which one says who one is."""
    _, middle, _ = st.columns([1, 2, 1])
    with middle, st.container(border=True, key="welcome"):
        st.subheader("Does the sound have to do with the picture?", anchor=False)
        if uses_login():
            _ask_login()
        else:
            _ask_name(store)


def _ask_login() -> None:
    if st.user.is_logged_in:
        st.warning("Your address is not verified by the provider, so it cannot stand for you.")
        st.button("Log out", on_click=st.logout)
        return
    st.write("Labels stand under your name. Log in to begin.")
    st.button("Log in", type="primary", on_click=st.login, key="login")


def _ask_name(store: LabelStore) -> None:
    st.write(
        "Watch, listen, and say for each class whether its sounds have to do with what one sees. "
        "Your labels stand under your name; others' are hidden from you."
    )
    with st.form("who", border=False):
        name = st.text_input("Your name", max_chars=_LONGEST, key="who_name")
        if st.form_submit_button("Begin", type="primary"):
            _begin(clean_name(name))
    known = store.annotators()
    if known:
        st.caption("Been here before?")
        with st.container(horizontal=True):
            for position, old in enumerate(known[:12]):
                label = as_markdown(old)
                st.button(label, key=f"who_{position}", on_click=_take, args=(clean_name(old),))


def _begin(name: str) -> None:
    if not name:
        st.error("Please give a name.")
        return
    _take(name)
    st.rerun()


def _take(name: str) -> None:
    st.session_state[NAME] = name


def leave() -> None:
    """Forget who is here."""
    if uses_login():
        st.logout()
        return
    st.session_state.clear()
    st.query_params.clear()
