"""The scikit-learn estimator of events and story threads."""

from __future__ import annotations

from sklearn.base import BaseEstimator, ClusterMixin

from storyclust.dedup.estimators import Deduplicator
from storyclust.stories.clusterer import BaseStoryClusterer
from storyclust.text.estimators import NewsVectorizer


class StoryClusterer(ClusterMixin, BaseStoryClusterer, BaseEstimator):
    """Group articles into events and story threads.

    Parameters
    ----------
    event_distance : float in [0, 1], default=0.92
        Two groups of articles are merged into one event while the average distance between their members is
        below this value. The distance of two articles is 1 minus their corrected cosine similarity, which is
        divided by the days between them (see Notes). A larger value gives fewer, larger events.
    event_window : float or None, default=7.0
        Largest number of days between the first and the last dated article of an event. None means no
        limit. Articles without a date may join any event.
    thread_distance : float in [0, 1], default=0.93
        Two groups of events are merged into one thread while the average distance between their articles is
        below this value, whatever time lies between them. Here, the distance of two articles is 1 minus a
        tenth of the ratio of their corrected similarity to that of their nearest neighbours (see Notes): at
        0.93, articles of a thread are on average 0.7 times as similar as either is to its 20 nearest
        neighbours. It must not be less than `event_distance`.
    copy_threshold : float in (0, 1], default=0.8
        Jaccard similarity of word shingles from which articles are copies. A group of copies counts as one
        article.
    clean : bool, default=True
        Leave page furniture (newsletter boxes, inserted headlines of related articles, licence notes) and web
        addresses out of similarities and summaries; see `find_furniture`. Copies are found in whole texts.
    n_jobs : int or None, default=None
        Number of threads. None means 1, -1 means all cores. The result does not depend on it.
    memory_limit : int, str or None, default=None
        Memory to use besides the articles, in bytes or as a string like '4GB'. Hashes that exceed it are
        kept in temporary files. If the vectors would exceed it, `fit` raises an error before it computes
        them. None means three quarters of the free memory. The result does not depend on it.

    Attributes
    ----------
    labels_ : int64 array of shape (n_articles,)
        Thread of each article, copies included. ``threads_[labels_[i]]`` is the thread of article `i`. A
        singleton is a thread of one article.
    event_labels_ : int64 array of shape (n_articles,)
        Event of each article. Events are numbered by thread, and by time within a thread.
    threads_ : list of StoryThread
        Threads by decreasing number of articles; among equals, the one that began earlier comes first.
    furniture_ : list of tuple of (int, int)
        Spans of the text of each article that were left out as page furniture, as `find_furniture` returns
        them; none for copies, whose texts are not compared.
    deduplicator_ : Deduplicator
        The fitted estimator that found the copies.
    vectorizer_ : NewsVectorizer
        The fitted estimator that made the TF-IDF vectors.

    See Also
    --------
    Deduplicator : Find copies only.
    GraphAgglomerative : The same linkage for any feature matrix.
    coverage_links : Pairs of articles about the same happening, instead of groups.
    tune : Choose the distances for a collection of articles.
    NewsStore : Events and threads that grow as articles arrive.

    Notes
    -----
    Each group of copies is represented by its earliest article. The others receive its labels afterwards, so
    fifty prints of one agency report weigh as much as one.

    A cosine ``s`` of two articles is corrected for background similarity to ``(s - m) / (1 - m)``. Here ``m``
    is the larger of the two cosines that one in twenty of all articles of the language have with either, or
    its 50th nearest neighbour where these are fewer. Pairs whose corrected similarity is below 0.03 count as
    0.

    For threads, a corrected similarity is divided by the geometric mean of both articles' mean similarities
    with their 20 nearest neighbours, missing ones counting as 0, but each mean as at least 0.04. This local
    scaling [3]_ finds the same threads whether a few hundred or many thousand other articles surround them.

    Up to fifty articles of a language, which may all be about one story, have no such neighbours, and
    unrelated ones may be more similar than 0.03. Among `n` of them the limit is therefore ``0.09 + 0.2 / n``,
    and ``0.15 + 0.5 / n`` in languages other than English, for which there is no background of general news.
    It falls to 0.03 between 50 and 102 articles. A credit of several words at the end of texts of one or two
    sentences can still join them.

    Average linkage follows nearest-neighbour chains [2]_ on the sparse graph of the remaining pairs. Time and
    memory grow with the number of these pairs.

    Before articles are compared, they are sorted by hashes of their texts. The result therefore does not
    depend on the order of `X`, not even through rounding.

    References
    ----------
    .. [1] J. Allan et al., "Topic detection and tracking pilot study: final report", DARPA Broadcast News
       Transcription and Understanding Workshop, 1998. Defines events and topics.
    .. [2] F. Murtagh, "A survey of recent advances in hierarchical clustering algorithms", The Computer
       Journal 26 (1983).
    .. [3] L. Zelnik-Manor and P. Perona, "Self-tuning spectral clustering", Advances in Neural Information
       Processing Systems 17 (2004).

    Examples
    --------
    >>> import storyclust as sc
    >>> articles = [
    ...     {"title": "Ferry hits pier in Aldmouth", "text": "The ferry Selka hit the pier on Monday."},
    ...     {"title": "Aldmouth pier struck by ferry", "text": "On Monday the Selka struck a pier."},
    ...     {"title": "Carrow adopts its budget", "text": "Parliament in Carrow voted on Tuesday."},
    ... ]
    >>> stories = sc.StoryClusterer().fit(articles)
    >>> stories.labels_
    array([0, 0, 1])
    >>> stories.threads_[0].headline
    'Aldmouth pier struck by ferry'
    """

    _kinds = Deduplicator, NewsVectorizer
    deduplicator_: Deduplicator
    vectorizer_: NewsVectorizer
