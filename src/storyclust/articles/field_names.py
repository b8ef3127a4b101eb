"""Names under which the fields of articles are found in the records of crawlers, services and archives."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from storyclust.errors import InputError

# Names of each field, the most specific first, in the form of `normal_name`: `articlebody` is articleBody.
FIELD_NAMES: dict[str, tuple[str, ...]] = {
    "text": (
        *("text", "body", "content", "maintext", "articletext", "articlebody", "fulltext", "bodytext"),
        *("plaintext", "textcontent", "contenttext", "articlecontent", "fullcontent", "cleanedtext"),
        *("cleantext", "textbody", "textplain", "maincontent", "newstext", "newsbody", "newscontent"),
        *("posttext", "postcontent", "postbody", "storytext", "storybody", "pagetext", "pagecontent"),
        *("extractedtext", "contentplain", "contentvalue", "contentrendered", "contentencoded", "contents"),
        *("textvalue", "bodyvalue", "fieldsbodytext", "fieldsbody", "bodyhtml", "contenthtml", "texthtml"),
        *("articlehtml", "htmlbody", "htmlcontent", "rawtext", "rawcontent", "paragraphs", "selftext"),
        *("article", "document", "transcript", "html", "rawhtml"),
    ),
    "title": (
        *("title", "headline", "articletitle", "posttitle", "newstitle", "storytitle", "maintitle"),
        *("titlerendered", "titlevalue", "titletext", "headlinemain", "webtitle", "headlinetext", "dctitle"),
        *("articleheadline", "heading", "pagetitle", "titlepage", "titlerss", "ogtitle", "metatitle"),
    ),
    "id": (
        *("id", "uuid", "guid", "identifier", "articleid", "docid", "documentid", "postid", "newsid"),
        *("itemid", "recordid", "gkgrecordid", "warcrecordid", "uri"),
        *("url", "link", "permalink", "canonicalurl", "articleurl", "weburl"),
    ),
    "published": (
        *("published", "publishedat", "datepublish", "datepublished", "publishdate", "publisheddate"),
        *("publicationdate", "datepublication", "pubdate", "publishedon", "publishedtime"),
        *("articlepublishedtime", "publishtime", "publishedparsed", "datetimepub", "webpublicationdate"),
        *("firstpublished", "firstpublicationdate", "dategmt", "postdategmt", "datetime", "date"),
        *("articledate", "newsdate", "storydate", "postdate", "dateposted", "postedat", "displaydate"),
        *("releasedate", "issued", "dcdate", "dcissued", "dctermsissued", "timestamp", "seendate"),
        *("createdat", "datecreated", "created", "createdutc", "pub", "time"),
        *("updated", "updatedat", "updatedparsed", "datemodified", "modified", "modifiedgmt", "lastmod"),
    ),
    "source": (
        *("source", "sourcedomain", "domain", "publisher", "sourcename", "sourcetitle", "publishername"),
        *("sitename", "publication", "publicationname", "outlet", "newsoutlet", "mediaoutlet", "newspaper"),
        *("newssource", "provider", "providername", "ogsitename", "sourcecommonname", "medianame"),
        *("sourcehostname", "hostname", "host", "website", "feedtitle", "agency"),
        *("sourceuri", "sourceurl", "pub"),
    ),
    "lang": (
        *("lang", "language", "inlanguage", "langcode", "languagecode", "languageiso", "detectedlanguage"),
        *("detectedlang", "contentlanguage", "dclanguage"),
    ),
    "url": (
        *("url", "link", "permalink", "canonicalurl", "canonicallink", "weburl", "articleurl", "newsurl"),
        *("pageurl", "originalurl", "finalurl", "warctargeturi", "targeturi", "documentidentifier"),
        *("mainentityofpage", "href"),
    ),
}

# Names of previews, which are the text only where there is no body.
PREVIEWS = (
    *("summary", "description", "abstract", "excerpt", "snippet", "contentsnippet", "leadparagraph", "lead"),
    *("teaser", "standfirst", "trailtext", "postexcerpt", "excerptrendered", "metadescription"),
    *("ogdescription", "intro"),
)

# Names that also number or label articles: a value without spaces is no text.
PERHAPS_TEXTS = frozenset({"article", "document"})

# Names so usual that nobody needs a warning of them in Python.
USUAL_NAMES: dict[str, frozenset[str]] = {
    "text": frozenset({"text", "body", "content", "maintext", "articletext"}),
    "title": frozenset({"title", "headline"}),
    "id": frozenset({"id", "url", "link", "guid", "uuid", "uri"}),
    "published": frozenset(
        {"published", "publishedat", "date", "datepublish", "pubdate", "datetime", "timestamp"}
    ),
    "source": frozenset({"source", "sourcedomain", "domain", "publisher"}),
    "lang": frozenset({"lang", "language"}),
    "url": frozenset({"url", "link"}),
}


@lru_cache(maxsize=10_000)
def normal_name(name: str) -> str:
    """Return the form in which names are compared: lower case, without `_`, `-`, `.`, `:` and spaces.

    Examples
    --------
    >>> from storyclust.articles.field_names import normal_name
    >>> {normal_name(name) for name in ("publishedAt", "published_at", "Published-At", " PUBLISHED AT ")}
    {'publishedat'}
    """
    return re.sub(r"[\W_]+", "", name.lower()) or name


class Plan(NamedTuple):
    """Where the fields of records with the same names are looked for.

    Attributes
    ----------
    keys : dict of str to list
        The keys that can hold each field, the preferred one first.
    others : list
        Keys that hold none of the fields, previews among them only where they are no text.
    """

    keys: dict[str, list[Any]]
    others: list[Any]


def make_plan(record_keys: Iterable[Any], named: Mapping[str, str]) -> Plan:
    """Find the keys that can hold each field; `named` has the names that the user gave."""
    names = [*record_keys]
    by_name: dict[str, list[Any]] = {}
    for key in names:
        by_name.setdefault(normal_name(str(key)), []).append(key)
    keys = {}
    for field, usual in FIELD_NAMES.items():
        if field in named:
            keys[field] = _given(named[field], names)
            continue
        wanted = (*usual, *(PREVIEWS if field == "text" else ()))
        # Of `_id`, `ID` and `id`, the exact name comes first, then the others in the order of the record.
        keys[field] = [
            key for name in wanted for key in sorted(by_name.get(name, ()), key=lambda key: key != name)
        ]
    planned = {str(key) for found in keys.values() for key in found}
    known = {*PREVIEWS, *(name for usual in FIELD_NAMES.values() for name in usual)}
    unknown = [key for key in names if str(key) not in planned and normal_name(str(key)) not in known]
    bodies = [key for key in keys["text"] if normal_name(str(key)) not in PREVIEWS]
    return Plan(keys, [*unknown, *(bodies if "text" not in named else ())])


def _given(name: str, keys: list[Any]) -> list[Any]:
    """Keys of a name that the user gave: the exact one, or else those that differ in case and punctuation."""
    for form in (str, lambda text: str(text).strip().lower(), lambda text: normal_name(str(text))):
        if found := [key for key in keys if form(key) == form(name)]:
            return found[:1]
    return []


def checked_names(fields: Mapping[str, str] | None) -> dict[str, str]:
    """Return the names that the user gave for fields, after a check of the fields."""
    for name in fields or {}:
        if name not in FIELD_NAMES:
            raise InputError(f"fields has no key {name!r}; its keys are {', '.join(FIELD_NAMES)}.")
    return dict(fields or {})
