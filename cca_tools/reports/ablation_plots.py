"""Pictures of an ablation: accuracies, differences, class by class gains, gains by evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cca_tools.associations.table import shown_class
from cca_tools.reports.ablation import PUBLISHED, AblationReport
from cca_tools.reports.figures import figure_style, plain, save_figure

BASELINE = "baseline"
_LEVEL_ORDER = ("highly", "weakly", "not")
_LEVEL_COLOURS = dict(zip(_LEVEL_ORDER, sns.color_palette("colorblind")[:3], strict=True))
_OTHER_LEVEL, _OTHER_COLOUR = "no level", "0.6"
_MOST_CLASSES = 60  # in the picture of gains: beyond, the largest and the smallest
_KINDS = {"audio_accuracy": "accuracy from the sound alone (%)", "level": "level"}


def draw_accuracies(report: AblationReport) -> Figure | None:
    """Draw each run as a point, means over seeds, and published figures as open diamonds.

    Returns:
        None where no run is done.
    """
    if report.rows.empty:
        return None
    strata = _strata(report)
    with figure_style():
        figure = _figure(max(3.0, 1.0 + 0.42 * len(report.rows)), 3.2)
        axes = figure.subplots(1, len(strata), sharey=True, squeeze=False)[0]
        for place, (split, stratum) in zip(axes, strata, strict=True):
            _draw_stratum(place, report, split, stratum)
        axes[0].set_ylabel("top-1 accuracy (%)")
        figure.suptitle("Accuracy: a dot a seed, a line their mean, 95 % over recordings")
    return figure


def _draw_stratum(axes: Axes, report: AblationReport, split: str, stratum: str) -> None:
    rows, seeds = (_of(frame, split, stratum) for frame in (report.rows, report.seeds))
    methods = list(rows["method"])
    for place, row in enumerate(rows.to_dict("records")):
        axes.vlines(place, 100 * row["accuracy_low"], 100 * row["accuracy_high"], color="0.75",
                    linewidth=6, zorder=1)  # fmt: skip
        axes.hlines(100 * row["accuracy"], place - 0.28, place + 0.28, color="black", zorder=2)
    dots = seeds.assign(place=seeds["method"].map(methods.index), percent=100 * seeds["accuracy"])
    spread = _side_by_side(dots)
    colour = sns.color_palette("colorblind")[0]
    axes.scatter(dots["place"] + spread, dots["percent"], s=12, color=colour, zorder=3)
    published = report.published.get(split, {}) if split == stratum else {}
    shown = [(methods.index(m), 100 * v) for m, v in published.items() if m in methods]
    if shown:
        places, values = zip(*shown, strict=True)
        axes.scatter(
            places, values, s=26, marker="D", color="none", edgecolors="tab:red", label=PUBLISHED,
            zorder=4,
        )  # fmt: skip
        axes.legend(frameon=False, loc="lower right")
    axes.set_xticks(range(len(methods)), [plain(m) for m in methods], rotation=60, ha="right")
    axes.set_xlim(-0.6, len(methods) - 0.4)
    axes.set_title(plain(_stratum_name(split, stratum)), fontsize=8)


def _side_by_side(dots: pd.DataFrame) -> pd.Series:
    order = dots.groupby("method").cumcount()
    number = dots.groupby("method")["method"].transform("size")
    return (order - (number - 1) / 2) * 0.1


def draw_differences(report: AblationReport) -> Figure | None:
    """Draw each method's difference to the baseline with both of its intervals.

    Returns:
        None where no method can be compared with a baseline.
    """
    rows = report.rows[report.rows["difference"].notna()]
    if rows.empty:
        return None
    names = [
        f"{row['method']} | {_stratum_name(row['split'], row['stratum'])}"
        for row in rows.to_dict("records")
    ]
    with figure_style():
        figure = _figure(5.6, 1.2 + 0.22 * len(rows))
        axes = figure.subplots()
        places = np.arange(len(rows))
        for low, high, width, colour, label in (
            ("method_low", "method_high", 1.2, "0.55", "recordings and seeds"),
            ("runs_low", "runs_high", 4.0, "0.8", "recordings, for these runs"),
        ):
            axes.hlines(places, 100 * rows[low], 100 * rows[high], linewidth=width, color=colour,
                        label=label, zorder=1 if width > 2 else 2)  # fmt: skip
        axes.scatter(100 * rows["difference"], places, s=16, color="black", zorder=3)
        axes.axvline(0, color="0.3", linewidth=0.6)
        axes.set_yticks(places, [plain(name) for name in names])
        axes.invert_yaxis()
        axes.set_xlabel("difference to the baseline (points), 95 % intervals")
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def draw_gains(report: AblationReport) -> Figure | None:
    """Draw the gain of each class, the largest on top, coloured by level.

    With more than 60 classes only the 30 with the largest and the 30 with the smallest gain are
    shown, by their mean over the methods.

    Returns:
        None where no method can be compared with a baseline.
    """
    gains = _distilled(report)
    if gains.empty:
        return None
    mean = gains.groupby(["split", "class_name"])["gain"].mean().sort_values(ascending=False)
    if len(mean) > _MOST_CLASSES:
        half = _MOST_CLASSES // 2
        mean = pd.concat([mean.head(half), mean.tail(half)])
    place = {key: number for number, key in enumerate(mean.index)}
    columns = list(dict.fromkeys(gains["method"]))
    with figure_style():
        figure = _figure(1.8 + 1.7 * len(columns), 1.3 + 0.16 * len(place))
        axes = figure.subplots(1, len(columns), sharey=True, sharex=True, squeeze=False)[0]
        for panel, method in zip(axes, columns, strict=True):
            own = gains[gains["method"] == method]
            keys = zip(own["split"], own["class_name"], strict=True)
            shown = own.assign(place=[place.get(key, -1) for key in keys]).query("place >= 0")
            _draw_class_gains(panel, shown)
            panel.set_title(plain(method), fontsize=8)
        names = [plain(shown_class(str(name))) for _, name in mean.index]
        axes[0].set_yticks(range(len(place)), names, fontsize=6)
        axes[0].set_ylim(len(place) - 0.4, -0.6)
        _legend_of_levels(axes[-1], gains)
        figure.supxlabel("gain over the baseline (points)", fontsize=8)
    return figure


def _draw_class_gains(axes: Axes, gains: pd.DataFrame) -> None:
    colours = [_colour(level) for level in gains["level"]]
    axes.hlines(gains["place"], 100 * gains["gain_low"], 100 * gains["gain_high"], color="0.85",
                linewidth=2, zorder=1)  # fmt: skip
    axes.scatter(100 * gains["gain"], gains["place"], c=colours, s=12, zorder=2)
    axes.axvline(0, color="0.3", linewidth=0.6)


def draw_evidence(report: AblationReport) -> Figure | None:
    """Draw gains against what the sound tells of each class, with Spearman's correlation.

    By how often a class is told from its sound alone, or by its level where that is not known.

    Returns:
        None where no class has both a gain and such evidence.
    """
    gains = _distilled(report)
    kind = _kind_of_evidence(gains)
    if kind is None:
        return None
    columns = list(dict.fromkeys(gains["method"]))
    with figure_style():
        figure = _figure(0.9 + 2.1 * len(columns), 2.7)
        axes = figure.subplots(1, len(columns), sharey=True, squeeze=False)[0]
        for panel, method in zip(axes, columns, strict=True):
            own = gains[gains["method"] == method]
            _draw_scatter(panel, own, kind)
            panel.axhline(0, color="0.3", linewidth=0.6)
            panel.set_title(f"{plain(method)}\n{_correlation(report, method, kind)}", fontsize=8)
        axes[0].set_ylabel("gain over the baseline (points)")
        figure.supxlabel(_KINDS[kind], fontsize=8)
        if kind == "audio_accuracy":
            _legend_of_levels(axes[-1], gains)
    return figure


def _draw_scatter(axes: Axes, gains: pd.DataFrame, kind: str) -> None:
    if kind == "level":
        known = gains[gains["level"].isin(_LEVEL_ORDER)]
        order = list(reversed(_LEVEL_ORDER))
        sns.stripplot(
            x=pd.Categorical(known["level"], order), y=100 * known["gain"].to_numpy(), ax=axes,
            hue=pd.Categorical(known["level"], order), palette=_LEVEL_COLOURS, size=4, legend=False,
            jitter=False,
        )  # fmt: skip
        return
    known = gains[gains["audio_accuracy"].notna()]
    colours = [_colour(level) for level in known["level"]]
    axes.scatter(100 * known["audio_accuracy"], 100 * known["gain"], c=colours, s=14)


def _kind_of_evidence(gains: pd.DataFrame) -> str | None:
    if gains.empty:
        return None
    if gains["audio_accuracy"].notna().any():
        return "audio_accuracy"
    return "level" if gains["level"].isin(_LEVEL_ORDER).any() else None


def _correlation(report: AblationReport, method: str, kind: str) -> str:
    """Tell the correlation over most classes that is known."""
    frame = report.evidence
    rows = frame[(frame["method"] == method) & (frame["evidence"] == kind) & frame["rho"].notna()]
    if rows.empty:
        return "too few classes to correlate"
    row = rows.sort_values("classes").iloc[-1]
    return (
        f"rho {row['rho']:+.2f} [{row['rho_low']:+.2f}, {row['rho_high']:+.2f}], "
        f"p {row['p_value']:.2f}"
    )


def _distilled(report: AblationReport) -> pd.DataFrame:
    frame = report.classes
    return frame if frame.empty else frame[frame["distilled"].astype(bool)]


def _strata(report: AblationReport) -> list[tuple[str, str]]:
    pairs = zip(report.rows["split"], report.rows["stratum"], strict=True)
    return list(dict.fromkeys((str(split), str(stratum)) for split, stratum in pairs))


def _stratum_name(split: str, stratum: str) -> str:
    return split if split == stratum else f"{stratum} (distilled: {split})"


def _of(frame: pd.DataFrame, split: str, stratum: str) -> pd.DataFrame:
    return frame[(frame["split"] == split) & (frame["stratum"] == stratum)]


def _colour(level: str) -> tuple[float, float, float] | str:
    return _LEVEL_COLOURS.get(level, _OTHER_COLOUR)


def _legend_of_levels(axes: Axes, gains: pd.DataFrame) -> None:
    present = [level for level in _LEVEL_ORDER if (gains["level"] == level).any()]
    others = [_OTHER_LEVEL] if (~gains["level"].isin(_LEVEL_ORDER)).any() else []
    for level in (*present, *others):
        axes.scatter([], [], color=_colour(level), s=14, label=level)
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), dpi=200, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


PICTURES: Mapping[str, Callable[[AblationReport], Figure | None]] = {
    "accuracies": draw_accuracies,
    "differences": draw_differences,
    "gains": draw_gains,
    "evidence": draw_evidence,
}


def write_pictures(report: AblationReport, folder: Path) -> list[Path]:
    """Write all pictures that can be drawn as PNG and PDF; remove those of before that cannot."""
    paths: list[Path] = []
    for name, draw in PICTURES.items():
        stem = folder / f"ablation-{report.name}-{name}"
        for old in folder.glob(f"{stem.name}.*"):
            old.unlink()
        figure = draw(report)
        paths += save_figure(figure, stem) if figure is not None else []
    return paths
