"""Figures show what the formulas say."""

import doctest
import sys

import numpy as np
import pytest

from storyclust import InputError, MissingExtraError, choose_bands, figures
from storyclust.figures import plot_s_curve
from storyclust.lsh import collision_probability


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


def test_it_draws_where_it_is_told_to_and_else_on_a_figure_of_its_own(plt):
    _, (left, right) = plt.subplots(1, 2)
    assert plot_s_curve(ax=right) is right
    assert not left.lines
    assert plot_s_curve().figure is not right.figure


def test_the_example_says_what_is_drawn(plt):
    source = plot_s_curve.__doc__.replace("  # doctest: +SKIP", "")
    example = doctest.DocTestParser().get_doctest(source, {}, "plot_s_curve", None, 0)
    runner = doctest.DocTestRunner()
    runner.run(example)
    assert (runner.tries, runner.failures) == (3, 0)


def test_without_matplotlib_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r'python -m pip install "storyclust\[plot\]"'):
        figures.plot_s_curve()


@pytest.mark.parametrize("wrong", [{"threshold": 0}, {"threshold": 1.5}, {"num_perm": 0}])
def test_parameters_are_checked(wrong):
    with pytest.raises(InputError):
        plot_s_curve(**wrong)
