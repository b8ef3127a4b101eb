from .reading import ReadReport as ReadReport
from .reading import Reject as Reject
from .reading import iter_articles as iter_articles
from .reading import read_articles as read_articles
from .writing import open_output as open_output
from .writing import write_records as write_records
