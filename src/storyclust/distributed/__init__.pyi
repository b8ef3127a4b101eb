from .pipeline import Report as Report
from .pipeline import run as run
from .story_stage import StorySettings as StorySettings
