"""Views of results: terminal, Markdown, tables, records, HTML report.

In: fitted estimators and the articles they were fitted to. Out: text, records and files for people.
"""
