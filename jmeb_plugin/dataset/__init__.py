"""How a suite is made and checked.

::

    build, check            a suite of written sources; likeness, repetition, scripts: what a check looks at
    importing               a suite of other people's data
    workshop, records       where a suite is made by models, and what its stages hand on
    seeds … dialogues       stages 1 to 4: requests, refusals, strategies, conversations
    drawing, assemble       stage 5: quotas, and the suite's folder
    bias, review            stages 6 and 7: the paper's checks; professionals accept or strike
    plan                    what each stage can be told, and several of them in one file
"""
