"""A view of the process as a picture, drawn by matplotlib: PNG for paper, SVG for pages. The same view gives the same
bytes. Text of the wire is text: no mathematics, nothing that the font has no picture of."""

from __future__ import annotations

import io
import textwrap
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from sensor.report import Figure
from sensor.textwidth import latin, safe

if TYPE_CHECKING:
    from sensor.forensics.process import Mark, Panel, View

_WIDTH, _PANEL, _LINE, _HEAD = 11.5, 1.4, 0.17, 0.85  # inches
_DPI = 130
_INK, _SOFT, _BLUE, _RED, _GREEN = "#1b2733", "#5b6b7a", "#1f5fa8", "#b3261e", "#1f6f43"
_TONES = {"critical": "#b3261e", "high": "#b3261e", "medium": "#b26a00", "": "#6a3fa0"}
_GRAVE = ("info", "low", "", "medium", "high", "critical")  # drift has no severity of its own
_STYLE: Any = {
    "font.family": "DejaVu Sans", "font.size": 8, "text.parse_math": False, "svg.fonttype": "none",
    "svg.hashsalt": "driftspan", "axes.edgecolor": "#aab6c0", "axes.labelcolor": _INK, "text.color": _INK,
    "xtick.color": _SOFT, "ytick.color": _SOFT, "axes.grid": True, "grid.color": "#e6ebef", "grid.linewidth": 0.6,
    "axes.axisbelow": True, "axes.unicode_minus": False,
}  # fmt: skip
_NEAR = 0.03  # of the width: closer numbers share a label
_FEW = 10  # commands of which each has its value beside it
_COLUMNS = 200  # characters of a line of the list of events
_SECOND = 10**9


def drawn(view: View, name: str) -> Figure:
    """`name`: of the figure in its report."""
    with mpl.rc_context(_STYLE):
        listed = [line for number, mark in enumerate(view.marks, 1) for line in _told(number, mark)]
        if view.left_out:
            listed.append(f"    and {view.left_out} more of lesser weight; driftspan timeline tells of all")
        foot = 0.5 + _LINE * len(listed)
        height = _HEAD + _PANEL * max(1, len(view.panels)) + foot
        canvas = Canvas(figsize=(_WIDTH, height), dpi=_DPI, facecolor="white")
        FigureCanvasAgg(canvas)
        axes = canvas.subplots(max(1, len(view.panels)), 1, sharex=True, squeeze=False)[:, 0]
        canvas.subplots_adjust(
            left=0.075, right=0.985, top=1 - _HEAD / height, bottom=foot / height, hspace=0.42
        )  # fmt: skip
        for ax, panel in zip(axes, view.panels, strict=False):
            _panel(ax, panel, view)
        _events(axes, view)
        _times(axes[-1], view)
        canvas.text(0.012, 1 - 0.2 / height, _text(view.title), fontsize=9.5, fontweight="bold", va="center")
        below = (foot - 0.42) / height
        canvas.text(0.012, below, "\n".join(listed), fontsize=7.2, va="top", linespacing=1.55)
        return Figure(name, _svg(canvas), _png(canvas), _text(view.title))


def _panel(ax: Any, panel: Panel, view: View) -> None:
    unit = f" [{_text(panel.unit)}]" if panel.unit else ""
    ax.set_title(_text(panel.title) + unit, fontsize=8, loc="left", pad=3)
    if panel.reported:
        times = [_day(ts) for ts, _ in panel.reported]
        values = [value for _, value in panel.reported]
        if panel.output:
            ax.plot(times, values, color=_GREEN, linewidth=0.9, marker=".", markersize=2, label="what the model said")
        else:  # a value holds until the next one
            ax.step(
                [*times, _day(view.until)], [*values, values[-1]], where="post", color=_BLUE, linewidth=1.0,
                label="reported",
            )  # fmt: skip
    if panel.commanded:
        times, values = [_day(ts) for ts, _, _ in panel.commanded], [value for _, value, _ in panel.commanded]
        ax.plot(times, values, linestyle="", marker="v", markersize=5.5, color=_RED, label="commanded", zorder=5)
        _values_beside(ax, panel)
    for ts, version in panel.changes:
        ax.axvline(_day(ts), color=_GREEN, linewidth=0.8, linestyle=":")
        ax.annotate(
            f" {_text(version)}", (_day(ts), 1), xycoords=("data", "axes fraction"), va="top", fontsize=7, color=_GREEN
        )
    ax.yaxis.set_major_locator(MaxNLocator(4))
    ax.ticklabel_format(axis="y", useOffset=False, style="plain")
    ax.margins(y=0.14)
    if panel.reported or panel.commanded:
        ax.legend(loc="lower right", bbox_to_anchor=(1, 0.98), ncols=2, frameon=False, fontsize=7, borderaxespad=0.1)


def _values_beside(ax: Any, panel: Panel) -> None:
    if len(panel.commanded) > _FEW:
        return
    several = len({by for _, _, by in panel.commanded}) > 1
    for ts, value, by in panel.commanded:
        told = f"{value:g}" + (f" by {_text(by)}" if several else "")
        ax.annotate(told, (_day(ts), value), xytext=(5, 3), textcoords="offset points", fontsize=6.5, color=_RED)


def _events(axes: Any, view: View) -> None:
    """A line through all panels, and its number above the first; what would lie on each other has one label."""
    near, groups = (view.until - view.since) * _NEAR, list[list[int]]()
    for number, mark in enumerate(view.marks):
        for ax in axes:
            ax.axvline(_day(mark.ts), color=_tone(mark), linewidth=0.9, linestyle="--", alpha=0.75)
        if groups and mark.ts - view.marks[groups[-1][0]].ts < near:
            groups[-1].append(number)
        else:
            groups.append([number])
    for group in groups:
        first, last = view.marks[group[0]], view.marks[group[-1]]
        told = f"{group[0] + 1}" if len(group) == 1 else f"{group[0] + 1}-{group[-1] + 1}"
        worst = max((view.marks[at] for at in group), key=lambda mark: _GRAVE.index(mark.severity))
        axes[0].annotate(
            told, ((_day(first.ts) + _day(last.ts)) / 2, 1), xycoords=("data", "axes fraction"), xytext=(0, 22),
            textcoords="offset points", ha="center", va="center", fontsize=7, color="white", annotation_clip=False,
            bbox={"boxstyle": "round,pad=0.22", "facecolor": _tone(worst), "edgecolor": "none"},
        )  # fmt: skip


def _tone(mark: Mark) -> str:
    return _TONES.get(mark.severity, _SOFT)


def _times(ax: Any, view: View) -> None:
    locator: Any = AutoDateLocator(tz=UTC, minticks=5, maxticks=12)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC, show_offset=False))
    ax.set_xlim(_day(view.since), _day(view.until))
    ax.set_xlabel(f"UTC, from {_when(view.since)} to {_when(view.until)}", fontsize=7.5, labelpad=2)


def _told(number: int, mark: Mark) -> list[str]:
    head = f"{number:>3}  {_when(mark.ts)[11:]}  {mark.severity}".rstrip()
    return textwrap.wrap(
        f"{head}  {_text(mark.text)}", _COLUMNS, subsequent_indent=" " * 8, max_lines=2, placeholder=" …"
    )


def _day(ts: int) -> float:
    return float(date2num(datetime.fromtimestamp(ts / _SECOND, UTC)))


def _when(ts: int) -> str:
    return datetime.fromtimestamp(ts // _SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _text(text: str) -> str:
    return latin(" ".join(safe(part) for part in text.split()))


def _png(canvas: Canvas) -> bytes:
    out = io.BytesIO()
    canvas.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def _svg(canvas: Canvas) -> str:
    out = io.StringIO()
    canvas.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()
