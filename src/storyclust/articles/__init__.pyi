from .article import Article as Article
from .dates import parse_date as parse_date
from .markup import plain_text as plain_text
from .records import article_from_record as article_from_record
from .records import as_articles as as_articles
