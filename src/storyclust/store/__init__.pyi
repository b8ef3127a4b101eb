from .adding import Added as Added
from .models import Change as Change
from .models import SearchHit as SearchHit
from .models import StoredArticle as StoredArticle
from .models import StoredEvent as StoredEvent
from .models import StoredThread as StoredThread
from .store import NewsStore as NewsStore
from .store import Similar as Similar
