from .background import Background as Background
from .estimators import NewsVectorizer as NewsVectorizer
from .furniture import find_furniture as find_furniture
