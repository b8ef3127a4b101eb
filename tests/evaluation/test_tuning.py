"""Tuning: figures against slow twins, what is recommended when, and the command."""

import json
import math
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_stories import b_cubed, partition
from scipy import sparse

import storyclust as sc
from storyclust.cli.app import main
from storyclust.evaluation import parameter_search
from storyclust.evaluation.borderline import MARGIN
from storyclust.evaluation.parameter_search import DEFAULTS, Trial
from storyclust.evaluation.tuning import from_labels, from_within, plateau
from storyclust.evaluation.tuning_report import command_line
from storyclust.stories.grouping import find_events, find_threads, prepare

NEWSDESK = Path(__file__).parents[2] / "examples" / "newsdesk.jsonl"


@pytest.fixture(scope="module")
def articles():
    return sc.read_articles(NEWSDESK)


@pytest.fixture(scope="module")
def ready(articles):
    return prepare(articles)


@pytest.fixture(scope="module")
def unlabelled(articles):
    return sc.tune(articles)


@pytest.fixture(scope="module")
def stories(articles):
    return [article.record["story"] for article in articles]


@pytest.fixture(scope="module")
def threads(articles, stories):
    return sc.tune(articles, stories, level="thread")


# Figures


def plain_separation(S, labels):
    """Mean over articles not alone of (own - next) / max, group by group."""
    shares = []
    for i, label in enumerate(labels):
        means = {}
        for other in set(labels):
            rows = [j for j in range(len(labels)) if labels[j] == other and j != i]
            if rows:
                means[other] = sum(S[i][j] for j in rows) / len(rows)
        if label not in means:
            continue
        own = means.pop(label)
        best = max(means.values(), default=0.0)
        shares.append((own - best) / max(own, best) if max(own, best) > 0 else 0.0)
    return sum(shares) / len(shares) if shares else 0.0


@given(st.integers(1, 12), st.integers(1, 5), st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_separation_is_that_of_the_twin(n, groups, seed):
    rng = np.random.default_rng(seed)
    S = np.triu(rng.random((n, n)) * (rng.random((n, n)) < 0.5), 1)
    S += S.T
    labels = np.unique(rng.integers(0, groups, n), return_inverse=True)[1]
    found = parameter_search.separation(sparse.csr_array(S), labels)
    assert found == pytest.approx(plain_separation(S.tolist(), labels.tolist()))


def test_separation_of_extremes():
    two = sparse.csr_array(np.kron(np.eye(2), 1 - np.eye(3)))
    assert parameter_search.separation(two, np.array([0, 0, 0, 1, 1, 1])) == 1.0
    assert parameter_search.separation(two, np.arange(6)) == 0.0
    everything = sparse.csr_array(1 - np.eye(6))
    assert parameter_search.separation(everything, np.array([0, 0, 0, 1, 1, 1])) == 0.0


def test_stability_is_that_of_the_twin(ready):
    whole = parameter_search.cut_all(ready.graph, ready.times, "event", 7.0)
    found = parameter_search.stability(ready, whole, "event", 7.0, seed=3)
    rng = np.random.default_rng(3)
    n, dense = len(ready.kept), ready.graph.toarray()
    totals = np.zeros(len(whole))
    for _ in range(parameter_search.ROUNDS):
        rows = sorted(rng.permutation(n).tolist()[: int(0.8 * n)])
        part = sparse.csr_array(dense[np.ix_(rows, rows)])
        for number in (0, 19, 29):
            distance = parameter_search.DISTANCES["event"][number]
            again = find_events(part, ready.times[rows], distance, 7.0).tolist()
            precision, recall = b_cubed(whole[number][rows].tolist(), again)
            totals[number] += 2 * precision * recall / (precision + recall) / parameter_search.ROUNDS
    for number in (0, 19, 29):
        assert found[number] == pytest.approx(totals[number])


@pytest.mark.parametrize("level", ["event", "thread"])
def test_cuts_of_one_dendrogram_are_what_the_clusterer_makes(ready, articles, level):
    made = parameter_search.cut_all(ready.graph, ready.times, level, 3.0)
    for number in (0, 5, 9, 15, -1):
        distance = parameter_search.DISTANCES[level][number]
        model = sc.StoryClusterer(**parameter_search.settings_of(level, distance, 3.0)).fit(articles)
        labels = model.event_labels_ if level == "event" else model.labels_
        assert partition(made[number][ready.place].tolist()) == partition(labels.tolist())


def test_threads_are_cut_from_events_that_lie_inside(ready):
    made = parameter_search.cut_all(ready.graph, ready.times, "thread", None)
    events = find_events(ready.graph, ready.times, 0.92, math.inf)
    at = parameter_search.DISTANCES["thread"].index(0.96)
    assert partition(made[at].tolist()) == partition(find_threads(ready.graph, events, 0.96).tolist())


# Folds


def test_a_story_is_in_one_fold_and_folds_are_of_like_size():
    truth = np.repeat(np.arange(7), [9, 8, 7, 6, 5, 1, 1])
    folds = parameter_search.assign_folds(truth, np.arange(len(truth)))
    assert len(folds) == 7
    assert sorted(np.bincount(folds[truth]).tolist()) == [6, 7, 7, 8, 9]


def test_scores_of_folds_are_those_of_articles_in_them():
    truth = np.array([0, 0, 0, 1, 1, 2])
    labels = [np.array([0, 0, 1, 1, 1, 0]), truth]
    gold = parameter_search.GoldStories(np.arange(6), truth)
    folds = parameter_search.assign_folds(truth, np.arange(6))[truth]
    scores = parameter_search.fold_scores(labels, np.arange(6), gold)
    for fold in range(3):
        precision, recall = [], []
        for i in np.flatnonzero(folds == fold):
            together, belonging = labels[0] == labels[0][i], truth == truth[i]
            precision.append((together & belonging).sum() / together.sum())
            recall.append((together & belonging).sum() / belonging.sum())
        p, r = np.mean(precision), np.mean(recall)
        assert scores[0, fold] == pytest.approx(2 * p * r / (p + r))
    assert scores[1].tolist() == [1.0, 1.0, 1.0]


# Recommendations


def made_trials(separations, stabilities=None, alone=0.1, level="event"):
    return [
        Trial(
            **parameter_search.settings_of(level, distance, 7.0),
            groups=10,
            alone=alone,
            separation=separations(distance),
            stability=0.9 if stabilities is None else stabilities(distance),
            change=0.05,
        )
        for distance in parameter_search.DISTANCES[level]
    ]


def test_groups_well_apart_keep_the_defaults():
    advice = from_within(made_trials(lambda d: d - 0.23), 100, "event")
    assert advice.settings == DEFAULTS
    assert "well apart (0.69, where 0.6 is enough)" in advice.reasons[0]


def test_groups_hardly_apart_move_to_the_nearest_that_are():
    advice = from_within(made_trials(lambda d: 0.7 if d >= 0.96 or d <= 0.75 else 0.4), 100, "event")
    assert advice.settings == {"event_distance": 0.96, "event_window": 7.0, "thread_distance": 0.96}
    advice = from_within(made_trials(lambda d: 0.7 if d >= 0.99 or d <= 0.86 else 0.4), 100, "event")
    assert advice.settings["event_distance"] == 0.86
    advice = from_within(made_trials(lambda d: 0.7 if d >= 0.98 else 0.4), 100, "event")
    assert advice.settings == {"event_distance": 0.98, "event_window": 7.0, "thread_distance": 0.98}
    advice = from_within(made_trials(lambda d: 0.7 if d <= 0.85 else 0.4, level="thread"), 100, "thread")
    assert advice.settings == {"event_distance": 0.85, "event_window": 7.0, "thread_distance": 0.85}


def test_what_costs_stability_or_is_not_clear_keeps_the_defaults():
    apart = {"separations": lambda d: 0.7 if d >= 0.94 else 0.4}
    for reason, advice in {
        "too few to tell": from_within(made_trials(**apart), 19, "event"),
        "too few to judge": from_within(made_trials(**apart, alone=0.95), 100, "event"),
        "agree by 0.75": from_within(
            made_trials(**apart, stabilities=lambda d: 0.9 if d < 0.93 else 0.75), 100, "event"
        ),
        "nor at any other": from_within(made_trials(lambda d: 0.4), 100, "event"),
    }.items():
        assert advice.settings == DEFAULTS
        assert reason in advice.reasons[0]


def test_a_plateau_is_reported():
    def steps(*changes):
        return [
            Trial(d, 7.0, 0.96, 1, 0.0, change=change)
            for d, change in zip(parameter_search.DISTANCES["event"], changes, strict=False)
        ]

    assert plateau(steps(math.nan, 0.1, 0.0, 0.0, 0.2, 0.001), "event") == (
        "From 0.71 to 0.73 groups hardly change: between these it matters little.",
    )
    assert plateau(steps(math.nan, 0.1, 0.0, 0.2), "event") == ()


def test_labels_move_only_by_a_gain_that_is_no_accident():
    tried = made_trials(lambda _: 0.5)
    usual = next(number for number, trial in enumerate(tried) if trial.settings == DEFAULTS)
    scores = np.full((len(tried), 5), 0.5)
    advice = from_labels(tried, scores, "event")
    assert (advice.settings, advice.gain, advice.gain_spread) == (DEFAULTS, 0.0, 0.0)
    assert "no setting scores better" in advice.reasons[0]
    scores[usual + 3] = [0.6, 0.61, 0.6, 0.62, 0.6]
    advice = from_labels(tried, scores, "event")
    assert advice.settings["event_distance"] == 0.95
    assert advice.gain == pytest.approx(0.106)
    scores[usual + 3] = [1.0, 0.5, 0.5, 0.49, 0.49]  # one story likes it
    advice = from_labels(tried, scores, "event")
    assert advice.settings == DEFAULTS
    assert "the defaults are kept" in advice.reasons[0]


def test_well_made_articles_keep_the_defaults(unlabelled):
    assert unlabelled.settings == DEFAULTS
    assert [trial.event_distance for trial in unlabelled.trials] == parameter_search.DISTANCES["event"]
    assert all(0 <= trial.stability <= 1 and -1 <= trial.separation <= 1 for trial in unlabelled.trials)


def test_labels_find_a_better_setting(articles, stories, threads):
    # As events: as threads, the stories of the examples are found best at the defaults.
    tuning = sc.tune(articles, stories, level="event")
    before, after = (
        sc.evaluate(stories, sc.StoryClusterer(**chosen).fit(articles).event_labels_.tolist()).f1
        for chosen in ({}, tuning.settings)
    )
    assert after > before
    assert tuning.gain > tuning.gain_spread > 0
    assert {trial.event_window for trial in threads.trials} == {7.0}


def test_windows_are_tried_where_there_are_labels_and_dates(articles):
    gold = [article.record["event"] for article in articles]
    tuning = sc.tune(articles, gold)
    assert {trial.event_window for trial in tuning.trials} == set(parameter_search.WINDOWS)
    assert len(tuning.curve) == len(parameter_search.DISTANCES["event"])
    undated = [{"title": a.title, "text": a.text} for a in articles]
    assert {trial.event_window for trial in sc.tune(undated, gold).trials} == {7.0}


def test_articles_without_a_label_are_not_scored(articles, stories):
    few = [story if row % 3 else (None, math.nan)[row % 2] for row, story in enumerate(stories)]
    tuning = sc.tune(articles, few, level="thread")
    model = sc.StoryClusterer().fit(articles)
    usual = next(trial for trial in tuning.trials if trial.settings == DEFAULTS)
    assert usual.f1 == pytest.approx(sc.evaluate(few, model.labels_.tolist()).f1, abs=0.05)
    renamed = sc.tune(articles, [None if s is None or s != s else ("x", s) for s in few], level="thread")  # noqa: PLR0124
    assert renamed == tuning


# What does not matter


def test_the_same_twice_and_with_more_threads(articles, unlabelled):
    assert sc.tune(articles, n_jobs=2) == unlabelled
    other = sc.tune(articles, random_state=1)
    assert [t.separation for t in other.trials] == [t.separation for t in unlabelled.trials]
    assert [t.stability for t in other.trials] != [t.stability for t in unlabelled.trials]


def test_the_order_does_not_matter(articles, stories, unlabelled, threads):
    order = np.random.default_rng(5).permutation(len(articles))
    shuffled = [articles[row] for row in order]
    for one, other in (
        (unlabelled, sc.tune(shuffled)),
        (threads, sc.tune(shuffled, [stories[row] for row in order], "thread")),
    ):
        assert repr(one.trials) == repr(other.trials)  # NaN is itself there
        assert (one.settings, one.reasons, one.gain) == (other.settings, other.reasons, other.gain)
        pairs = [
            [({listed[p.a].id, listed[p.b].id}, p.joined, p.distance) for p in tuning.borderline]
            for tuning, listed in ((one, articles), (other, shuffled))
        ]
        assert pairs[0] == pairs[1]


# Borderline pairs


def test_borderline_pairs_are_joined_just_so(articles, stories, threads):
    model = sc.StoryClusterer(**threads.settings).fit(articles)
    assert threads.borderline
    for pair in threads.borderline:
        assert pair.a < pair.b
        assert (model.labels_[pair.a] == model.labels_[pair.b]) == pair.joined
        assert (pair.distance < threads.settings["thread_distance"]) == pair.joined
        assert abs(pair.distance - threads.settings["thread_distance"]) <= MARGIN + 0.001
        assert pair.titles == (articles[pair.a].title, articles[pair.b].title)
        assert pair.shared_terms
        times = [articles[row].published for row in (pair.a, pair.b)]
        assert pair.days_apart == pytest.approx(abs((times[0] - times[1]).total_seconds()) / 86_400)
        assert f"groups of {pair.sizes[0]} and {pair.sizes[1]}" in str(pair)


def test_a_pair_without_titles_and_dates_is_named_by_its_text(articles):
    bare = [{"text": a.text} for a in articles]
    pairs = sc.tune(bare).borderline
    assert pairs
    for pair in pairs:
        assert pair.days_apart is None
        assert " ".join(articles[pair.a].text.split()).startswith(pair.titles[0].removesuffix("..."))
        assert 0 < len(pair.titles[0]) <= 93


# Small and wrong input


@pytest.mark.parametrize("corpus", [[], ["One text."], ["A ferry.", "A ferry."], ["", "", "x"]])
@pytest.mark.parametrize("level", ["event", "thread"])
def test_few_articles_keep_the_defaults(corpus, level):
    tuning = sc.tune(corpus, level=level)
    assert tuning.settings == DEFAULTS
    assert "too few" in tuning.reasons[0]
    assert tuning.borderline == []
    assert str(tuning).startswith("StoryClusterer(event_distance=0.92")


def test_what_is_wrong_is_named():
    texts = ["a ferry", "a pier", "a budget"]
    for words, arguments in {
        "level must be one of 'event', 'thread', got 'story'": {"level": "story"},
        "gold must have a label or None for each of 3 articles, got 2": {"gold": ["a", "b"]},
        "gold must name two stories or more, got 1": {"gold": ["a", "a", None]},
        "gold must name two stories or more, got 0": {"gold": [None] * 3},
        "random_state must be 0 or more, got -1": {"random_state": -1},
    }.items():
        with pytest.raises(sc.InputError, match=words):
            sc.tune(texts, **arguments)


# Shown


def test_it_reads_as_text(threads):
    lines = str(threads).splitlines()
    assert lines[0] == threads.call
    assert lines[1] == threads.reasons[0]
    assert sum(line.endswith("recommended") for line in lines) == 1
    assert sum("default" in line.replace(",", " ").split() for line in lines) >= 1
    assert "Judge by eye:" in lines
    made = eval(threads.call, {"StoryClusterer": sc.StoryClusterer})  # noqa: S307 - it is Python
    assert threads.settings.items() <= made.get_params().items()


@pytest.mark.parametrize("name", ["curve.png", "curve.svg"])
def test_it_is_drawn(threads, tmp_path, name):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    threads.plot(tmp_path / name)
    assert (tmp_path / name).stat().st_size > 1000


def test_pairs_are_those_of_the_groups_recommended(threads, articles):
    inside, between = threads.pairs.values()
    assert list(threads.pairs) == ["inside threads", "between threads"]
    ready = prepare(articles)
    assert sum(inside) + sum(between) == ready.graph.nnz // 2
    events = find_events(ready.graph, ready.times, threads.settings["event_distance"], 7.0)
    labels = find_threads(ready.graph, events, threads.settings["thread_distance"])
    pairs = ready.graph.tocoo()
    assert sum(inside) == (labels[pairs.row] == labels[pairs.col]).sum() // 2
    again = sc.tune(articles[::-1], [article.record["story"] for article in articles[::-1]], level="thread")
    assert again.pairs == threads.pairs


def test_plotting_reports_what_is_missing(threads, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    with pytest.raises(sc.InputError, match=r"curve\.doc: a figure ends in one of .*png"):
        threads.plot(tmp_path / "curve.doc")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(sc.MissingExtraError, match=r"storyclust\[plot\]"):
        threads.plot(tmp_path / "curve.png")
    assert not list(tmp_path.iterdir())


# The command


@pytest.fixture
def run(capsys):
    def call(*arguments):
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_the_command_prints_what_the_library_finds(run, threads):
    code, out, err = run("tune", NEWSDESK, "--gold", "story", "--level", "thread", "--quiet")
    assert (code, err) == (0, "")
    assert out.startswith(str(threads))
    line = next(line for line in out.splitlines() if line.startswith("At the shell:"))
    assert shlex.split(line)[3:6] == ["storyclust", "threads", str(NEWSDESK)]
    assert f"--thread-distance {threads.settings['thread_distance']:g}" in line
    assert out.endswith(f"sc.{threads.call}\n")


def test_the_command_line_it_recommends_is_one(run, threads, tmp_path):
    words = shlex.split(command_line(threads, [str(NEWSDESK)]))
    assert run(*words[1:], "-o", tmp_path / "threads.jsonl")[0] == 0
    assert (tmp_path / "threads.jsonl").read_text(encoding="utf-8").count("\n") == next(
        trial.groups for trial in threads.trials if trial.settings == threads.settings
    )
    open_window = threads.settings | {"event_window": None}
    other = type(threads)("thread", open_window, [], [], [])
    assert "--event-window inf" in command_line(other, ["a file.jsonl"])
    assert "'a file.jsonl'" in command_line(other, ["a file.jsonl"])


def test_the_command_as_json_and_drawn(run, articles, threads, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    curve = tmp_path / "curve.png"
    code, out, _ = run(
        "tune", NEWSDESK, "--gold", "story", "--level", "thread", "--format", "json", "--plot", curve
    )
    record = json.loads(out)
    assert code == 0
    assert curve.exists()
    assert record["settings"] == threads.settings
    assert len(record["trials"]) == len(threads.trials)
    assert {record["borderline"][0][end] for end in "ab"} <= {article.id for article in articles}
    assert record["command"].startswith("storyclust threads ")


def test_the_command_on_a_terminal_has_a_table(unlabelled):
    import io

    from rich.console import Console

    from storyclust.evaluation.tuning_report import print_tuning

    page = io.StringIO()
    print_tuning(unlabelled, ["week.jsonl"], Console(file=page, force_terminal=True, width=100))
    shown = page.getvalue()
    assert "\x1b[" in shown
    assert "separation" in shown
    assert "Judge by eye:" in shown
    assert "0.92" in shown


def test_the_command_names_a_field_that_is_not_there(run):
    code, out, err = run("tune", NEWSDESK, "--gold", "nix")
    assert (code, out) == (1, "")
    assert "no article has a field 'nix'; the fields are: " in err


# Answers


def test_answers_move_the_distance_to_where_they_agree(unlabelled):
    pairs = unlabelled.borderline
    assert pairs
    assert unlabelled.learn([None] * len(pairs)) == unlabelled
    for verdict in (True, False):
        learnt = unlabelled.learn([verdict] * len(pairs))
        assert all(pair.joined == verdict for pair in learnt.borderline)
        beyond = [pair.distance for pair in pairs]
        now = learnt.settings["event_distance"]
        assert now > max(beyond) if verdict else now <= min(beyond)
        assert now <= learnt.settings["thread_distance"]
        assert learnt.reasons[-1].startswith(f"{len(pairs)} of your {len(pairs)} answers agree")
    same = unlabelled.learn([pair.joined for pair in pairs])
    assert same.settings == unlabelled.settings
    assert same.reasons[-1].endswith("it is kept.")
    with pytest.raises(sc.InputError, match=f"each of {len(pairs)} borderline pairs, got 0"):
        unlabelled.learn([])


def test_the_command_asks_and_learns(run, monkeypatch, unlabelled):
    import io

    n = len(unlabelled.borderline)
    monkeypatch.setattr("sys.stdin", io.StringIO("perhaps\n" + "y\n" * (n - 1) + "q\n"))
    code, out, err = run("tune", NEWSDESK, "--ask", "--format", "json")
    assert code == 0
    assert err.count("Is this one event?") == n
    assert "Please answer y, n, s or q." in err
    assert json.loads(out)["settings"]["event_distance"] > unlabelled.settings["event_distance"]
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    code, out, _ = run("tune", NEWSDESK, "--ask", "--format", "json")
    assert json.loads(out)["settings"] == unlabelled.settings
    assert "from files" in run("tune", "-", "--ask")[2]
