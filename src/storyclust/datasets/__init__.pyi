from .newswire import make_newswire as make_newswire
