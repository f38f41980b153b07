"""How good the results of a run are, beside ground truth that people or publishers have made.

``truth`` reads ground truth, ``results`` finds what a run has written for a document, ``judge`` measures one document,
``summary`` adds documents up. The measures themselves are functions of values: ``text``, ``order``, ``blocks``,
``tables``, ``fields``, ``facts``. Their definitions are those of the literature where it has one (named in each file),
and stay as they are: figures of last year have to be comparable with those of today.
"""
