from .summarizer import Summary as Summary
from .summarizer import summarize as summarize
