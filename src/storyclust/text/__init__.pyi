from .background import Background as Background
from .furniture import find_furniture as find_furniture
from .vectorize import NewsVectorizer as NewsVectorizer
