from .estimators import Deduplicator as Deduplicator
from .estimators import MinHasher as MinHasher
from .evidence import Evidence as Evidence
from .evidence import explain as explain
from .groups import DuplicateGroup as DuplicateGroup
from .lsh import choose_bands as choose_bands
