"""The labelling app: `cca-tools label` runs it with Streamlit."""

from __future__ import annotations

import streamlit as st

from apps.adjudicate_page import draw_adjudicate_page
from apps.agreement_page import draw_agreement_page
from apps.frames_page import draw_frames_page
from apps.label_page import draw_label_page
from apps.overview_page import draw_overview_page
from apps.style import draw_style, icon

PAGES = (
    (draw_label_page, "Label", "label", ":material/label:"),
    (draw_frames_page, "Frames", "frames", ":material/image:"),
    (draw_agreement_page, "Agreement", "agreement", ":material/balance:"),
    (draw_adjudicate_page, "Adjudicate", "adjudicate", ":material/gavel:"),
    (draw_overview_page, "Overview", "overview", ":material/table_chart:"),
)


def main() -> None:
    """Draw the page that the address names."""
    st.set_page_config("cca-tools labels", icon(), layout="wide")
    draw_style()
    pages = [
        st.Page(draw, title=title, url_path=path, icon=icon, default=path == "label")
        for draw, title, path, icon in PAGES
    ]
    st.navigation(pages, position="top").run()


main()
