from .deduplicator import Deduplicator as Deduplicator
from .evidence import Evidence as Evidence
from .evidence import explain as explain
from .groups import DuplicateGroup as DuplicateGroup
from .lsh import choose_bands as choose_bands
from .minhash import MinHasher as MinHasher
