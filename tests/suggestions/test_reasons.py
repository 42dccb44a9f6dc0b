from __future__ import annotations

import numpy as np
import pandas as pd

from cca_tools.suggestions.features import Meaning, Nearest
from cca_tools.suggestions.reasons import Evidence, reasons

HEARD = pd.DataFrame(
    {
        "class_name": "PlayingCello",
        "rank": [1, 2, 3],
        "tag": ["Music", "Cello", "Speech"],
        "share": [0.9, 0.75, 0.3],
        "lift": [1.1, 12.345, 0.5],
        "log_odds_z": [0.2, 6.54, -2.0],
        "class_share": [0.8, 0.02, 1.0],
    }
)
MEANING = Meaning((Nearest("Cello", 0.91), Nearest("Music", 0.3)), 0, 527)
AUDIO = pd.Series({"videos": 20, "accuracy": 0.85, "accuracy_low": 0.6, "accuracy_high": 0.95,
                   "ten_way": 0.9})  # fmt: skip


def test_every_family_is_told_with_its_numbers() -> None:
    contributions = {"meaning": 3.04, "distinctiveness": 0.02, "audio": -0.5}
    said = reasons(Evidence("PlayingCello", HEARD, MEANING, AUDIO, 51, contributions), {})
    assert len(said) == 3
    meaning, own, audio = said
    assert "'playing cello': Cello (0.91), Music (0.30)" in meaning
    assert "none of the other 526 audio classes" in meaning
    assert meaning.endswith("this speaks for a correlation (+3.0).")
    assert own.startswith("Distinctive: Cello (75% of its videos, lift 12.3, log-odds z 6.5);")
    assert "Music (" not in own
    assert "on average its 3 audio classes are heard in 61% of classes" in own
    assert own.endswith("neither for nor against.")
    assert "85% of its 20 videos among 51 classes (95 % interval 60% to 95%; chance 2%)" in audio
    assert "90% among 10" in audio
    assert audio.endswith("against a correlation (-0.5).")


def test_what_is_not_used_is_said_and_why() -> None:
    heard = HEARD.assign(share=np.nan, lift=np.nan, log_odds_z=np.nan)
    evidence = Evidence("PlayingCello", heard, None, None, 0, {"distinctiveness": -1.0})
    said = reasons(evidence, {"meaning": "no text encoder was wanted"})
    assert said[0].startswith("Distinctive: Cello (heard in 2% of classes);")
    assert "Not used is what names mean: no text encoder was wanted." in said
    assert any(
        "how well audio alone tells it: it is not known of this class" in one for one in said
    )


def test_where_nothing_is_heard_it_says_so() -> None:
    said = reasons(Evidence("Yoga", HEARD.head(0), None, None, 0, {}), {})
    assert len(said) == 1
    assert said[0].startswith("Nothing is heard")


def test_names_that_look_like_markup_stay_text() -> None:
    name = "=cmd|<b>*x*"
    evidence = Evidence(name, HEARD, MEANING, None, 0, {"meaning": 1.0, "distinctiveness": 1.0})
    assert all(isinstance(one, str) and "\n" not in one for one in reasons(evidence, {}))
