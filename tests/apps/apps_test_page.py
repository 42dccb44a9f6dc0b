"""Run by somebody who may not write the database: presses a level, and tells what the page says."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def draw():
    from apps.label_page import draw_label_page

    draw_label_page()


def press_in_a_read_only_place() -> str:
    test = AppTest.from_function(draw, default_timeout=60)
    test.query_params["annotator"] = "Bob"
    test.run()
    next(one for one in test.button if (one.key or "").startswith("level_weakly")).click()
    test.run()
    return " | ".join(one.value for one in test.error) + str(test.exception)
