"""Figures show what the formulas say, and what was found."""

import doctest
import io
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len
from scipy.cluster import hierarchy

import storyclust as sc
from storyclust import InputError, MissingExtraError, choose_bands, figures
from storyclust.dedup.lsh import collision_probability
from storyclust.figures.axes import TITLE_COLUMNS, short_title
from storyclust.figures.curves import plot_s_curve
from storyclust.figures.similarities import plot_similarities
from storyclust.figures.timelines import plot_timeline
from storyclust.figures.trees import MAX_LEAVES, plot_dendrogram

NEWSDESK = Path(__file__).parents[2] / "examples" / "newsdesk.jsonl"
HOSTILE = [
    "$\\frac{$",
    "$",
    "\\$x$ \\$",
    "a_$^{_",
    "\x1b[31m\x00\ud800",
    "予算成立" * 20,
    "\U0001f468\u200d\U000e0041",
    "%",
    "",
]


@pytest.fixture(scope="module")
def articles():
    return sc.read_articles(NEWSDESK)


@pytest.fixture(scope="module")
def stories(articles):
    return sc.StoryClusterer().fit(articles)


def drawn(ax):
    """Draw for real: what matplotlib cannot draw fails here."""
    file = io.BytesIO()
    ax.figure.savefig(file, format="png")
    return file.getvalue()


def names(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def marked(ax):
    return [
        line.get_xdata()[0]
        for line in ax.lines
        if len(set(line.get_xdata())) == 1 and line.get_label()[0] != "_"
    ]


@pytest.fixture
def plt():
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


@pytest.mark.parametrize(("threshold", "num_perm"), [(0.8, 128), (0.5, 64), (1.0, 16), (0.05, 8)])
def test_the_curve_is_the_formula(plt, threshold, num_perm):
    ax = plot_s_curve(threshold, num_perm)
    bands = choose_bands(threshold, num_perm)
    similarity, probability = ax.lines[0].get_data()
    assert (similarity[0], similarity[-1]) == (0, 1)
    np.testing.assert_array_equal(probability, collision_probability(similarity, bands))
    assert ax.lines[0].get_label() == f"{bands.bands} bands of {bands.rows} rows"


def test_the_threshold_is_marked_where_the_curve_stands(plt):
    ax = plot_s_curve(0.7, 64)
    assert set(ax.lines[1].get_xdata()) == {0.7}
    (x,), (y,) = ax.lines[2].get_data()
    assert (x, y) == (0.7, collision_probability(0.7, choose_bands(0.7, 64)))
    assert f"{100 * y:.1f}% found" in ax.lines[1].get_label()


def test_it_plots_on_given_axes_or_else_on_a_new_figure(plt):
    _, (left, right) = plt.subplots(1, 2)
    assert plot_s_curve(ax=right) is right
    assert not left.lines
    assert plot_s_curve().figure is not right.figure


@pytest.mark.parametrize("figure", [plot_s_curve, plot_similarities, plot_timeline, plot_dendrogram])
def test_the_examples_say_what_is_drawn(plt, figure):
    source = figure.__doc__.replace("  # doctest: +SKIP", "")
    example = doctest.DocTestParser().get_doctest(source, {}, figure.__name__, None, 0)
    runner = doctest.DocTestRunner()
    runner.run(example)
    assert runner.tries >= 3
    assert runner.failures == 0


# What was found


def test_pairs_of_copies_are_all_there_and_the_threshold_is_marked(plt, articles):
    dedup = sc.Deduplicator(threshold=0.3).fit(articles)
    ax = plot_similarities(dedup)
    drawn(ax)
    assert marked(ax) == [0.3]
    counts = [bar.get_height() for bar in ax.patches]
    assert sum(counts) == len(dedup.similarities_) > 10
    np.testing.assert_array_equal(counts, np.histogram(dedup.similarities_, len(counts), (0, 1))[0])


def test_pairs_of_stories_by_what_became_of_them(plt, articles, stories):
    ax = plot_similarities(stories)
    drawn(ax)
    assert marked(ax) == [1 - stories.event_distance]
    sizes = [sum(bar.get_height() for bar in group) for group in ax.containers]
    said = [label.split(" pairs ") for label in ax.get_legend_handles_labels()[1] if "pair" in label]
    assert [int(count) for count, _ in said] == sizes
    assert [kind for _, kind in said] == ["inside events", "between events of one thread", "between threads"]
    inside = sum(
        len(event.independent) * (len(event.independent) - 1) // 2
        for thread in stories.threads_
        for event in thread.events
    )
    assert 0.8 * inside < sizes[0] <= inside
    assert plot_similarities(sc.StoryClusterer().fit(articles[::-1])).containers[2].datavalues.tolist() == (
        ax.containers[2].datavalues.tolist()
    )


def test_similarities_of_anything_else_are_an_error(plt):
    with pytest.raises(InputError, match="got list"):
        plot_similarities([0.5])


def test_a_timeline_has_a_bar_for_each_event_and_a_dot_for_each_article(plt, articles, stories):
    ax = plot_timeline(stories, n_threads=5)
    drawn(ax)
    threads = stories.threads_[:5]
    assert [len(bars) for bars in ax.containers] == [len(thread.events) for thread in threads]
    dots = ax.lines[1::2]
    assert [len(line.get_xdata()) for line in dots] == [len(thread) for thread in threads]
    assert ax.get_ylim() == (4.5, -0.5)  # the biggest stands above
    assert names(ax)[0].startswith(threads[0].headline[:20])
    assert names(ax)[0].endswith(f"({len(threads[0])})")
    num = plt.matplotlib.dates.date2num
    for thread, bars, line in zip(threads, ax.containers, dots, strict=True):
        assert (line.get_xdata()[0], line.get_xdata()[-1]) == (num(thread.start), num(thread.end))
        for event, bar in zip(thread.events, bars, strict=True):
            assert bar.get_x() <= num(event.start) <= num(event.end) <= bar.get_x() + bar.get_width() + 1e-9


def test_a_dendrogram_is_the_linkage_of_the_thread(plt, stories):
    for thread in stories.threads_[:6]:
        ax = plot_dendrogram(stories, thread.label)
        drawn(ax)
        heights = sorted(max(line.get_xdata()) for line in ax.lines if line.get_label()[0] == "_")
        assert heights == sorted(thread.linkage()[:, 2].tolist())
        assert marked(ax) == [stories.event_distance, stories.thread_distance]
        order = hierarchy.leaves_list(thread.linkage())
        for name, row in zip(names(ax), thread.independent[order], strict=True):
            assert name == short_title(stories._articles[row].title) or "\u25a1" in name


def test_of_a_big_thread_the_closest_stand_together(plt):
    texts = [
        "The ferry Selka struck the pier in Aldmouth "
        + " ".join(f"w{n + k * (n % 12 + 1) % 71}" for k in range(70))
        for n in range(120)
    ]
    stories = sc.StoryClusterer(event_distance=1, thread_distance=1, clean=False).fit(texts)
    ax = plot_dendrogram(stories)
    drawn(ax)
    n = len(stories.threads_[0].independent)
    assert n > MAX_LEAVES == len(names(ax))
    together = [int(name.split()[0]) for name in names(ax) if name.endswith(" articles")]
    assert sum(together) + MAX_LEAVES - len(together) == n


@pytest.mark.parametrize("hostile", HOSTILE, ids=ascii)
def test_hostile_titles_are_drawn_as_text(plt, hostile):
    body = "The ferry Selka struck the pier in Aldmouth on Monday and nobody on board was hurt"
    records = [
        {
            "id": f"{n}",
            "title": hostile,
            "text": f"{body} {' '.join(f'w{n}x{k}' for k in range(20))}",
            "published": f"2024-01-0{n}",
        }
        for n in (1, 2, 3)
    ]
    stories = sc.StoryClusterer().fit(records)
    for figure in (plot_timeline, plot_dendrogram):
        ax = figure(stories)
        assert drawn(ax) == drawn(figure(stories))
        shown = names(ax)[0].replace("\u200d", "")
        if hostile.isascii() and hostile.isprintable() and hostile:
            assert shown.startswith(hostile)
        assert all(char.isprintable() for char in shown)


def test_nothing_to_draw(plt):
    stories = sc.StoryClusterer().fit([])
    assert plot_timeline(stories).texts[0].get_text() == "no dated articles"
    drawn(plot_timeline(stories))
    drawn(plot_similarities(stories))
    drawn(plot_similarities(sc.Deduplicator().fit([])))
    with pytest.raises(InputError, match="no thread 0"):
        plot_dendrogram(stories)
    alone = sc.StoryClusterer().fit(["The ferry Selka struck the pier."])
    assert names(plot_dendrogram(alone)) == ["The ferry Selka struck the pier."]
    assert plot_timeline(alone).texts  # it has no date
    drawn(plot_dendrogram(alone))


@pytest.mark.parametrize("figure", [plot_timeline, plot_dendrogram, plot_similarities])
def test_they_plot_on_given_axes(plt, stories, figure):
    _, (left, right) = plt.subplots(1, 2)
    assert figure(stories, ax=right) is right
    assert not left.has_data()
    assert len(plt.get_fignums()) == 1


@pytest.mark.parametrize("text", [*HOSTILE, "word " * 40, "x" * 100])
def test_a_short_title_fits(text):
    assert cell_len(short_title(text)) <= TITLE_COLUMNS
    assert short_title("予算") == "予算"


def test_without_matplotlib_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r'python -m pip install "storyclust\[plot\]"'):
        figures.plot_s_curve()
    with pytest.raises(MissingExtraError, match="timeline"):
        plot_timeline(sc.StoryClusterer().fit([]))


@pytest.mark.parametrize("wrong", [{"threshold": 0}, {"threshold": 1.5}, {"num_perm": 0}])
def test_parameters_are_checked(wrong):
    with pytest.raises(InputError):
        plot_s_curve(**wrong)
