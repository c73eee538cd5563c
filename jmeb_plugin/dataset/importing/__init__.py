"""Suites from other people's data.

::

    hub         hf://org/name[/path]: fetched, then a folder like any other
    sources     which files a source is, and their rows one by one: JSON, JSON Lines, CSV, Parquet
    json_text   one value after another out of a JSON file of any size
    mapping     which of a row's fields is which of ours; the presets in ``presets/``
    catalogue   the guidelines, strategies and languages that the rows name
    importing   rows in, a suite's folder out: whole or not at all
"""
