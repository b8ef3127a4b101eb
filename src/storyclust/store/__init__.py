"""The living index: articles, their copies, events and threads in one SQLite file."""
