"""Sign-off by people: what they are asked to score, the sheets they fill in, and how far they agree.

::

    picks       which turns: failed, disputed, and a random control
    key         opaque row ids, and the file that maps them back
    sheets      CSV and XLSX: cells that compute nothing, files read back
    form        the sheet that people see, and what they wrote in it
    agreement   people against each other and against the judges
"""
