"""Views of results: terminal, Markdown, tables, records, a page of HTML.

In: fitted estimators and the articles they were fitted to. Out: text, records and files for people.
"""
