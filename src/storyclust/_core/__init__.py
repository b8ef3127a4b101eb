"""Execution of kernels: compilation, threads, progress, memory, temporary files; and parameter checks.

In: functions over arrays and ranges of rows. Out: their results, independent of the number of threads.
Nothing here depends on articles.
"""
