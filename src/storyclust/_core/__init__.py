"""How work is run: compiled kernels, threads, progress, memory, temporary files; and checks of parameters.

In: functions over arrays and ranges of rows. Out: their results, whatever the number of threads. Nothing here
knows what an article is.
"""
