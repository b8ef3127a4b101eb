from .adding import Added as Added
from .models import Change as Change
from .models import SearchHit as SearchHit
from .models import StoredArticle as StoredArticle
from .models import StoredEvent as StoredEvent
from .models import StoredThread as StoredThread
from .similar_articles import Similar as Similar
from .store import NewsStore as NewsStore
