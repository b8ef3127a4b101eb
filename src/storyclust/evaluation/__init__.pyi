from .metrics import Scores as Scores
from .metrics import evaluate as evaluate
from .tuning import Tuning as Tuning
from .tuning import tune as tune
