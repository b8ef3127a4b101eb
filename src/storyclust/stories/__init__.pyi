from .coverage import Link as Link
from .coverage import coverage_links as coverage_links
from .estimators import StoryClusterer as StoryClusterer
from .evidence import StoryEvidence as StoryEvidence
from .threads import Event as Event
from .threads import StoryThread as StoryThread
