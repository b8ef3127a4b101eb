from .datasketch import from_datasketch as from_datasketch
from .redis_index import open_index as open_index
from .redis_index import publish as publish
