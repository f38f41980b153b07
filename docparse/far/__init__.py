"""Files that lie elsewhere, by the URLs of fsspec: ``s3://bucket/folder``, ``gs://…``, ``https://…``, ``zip://*::…``.

    url      what is a URL, what of it may be shown, and what to say when it does not answer
    find     the documents in a folder, of a pattern, or one by name
    fetch    a file to this machine, for as long as it is read
    folder   where results are put

fsspec is imported when there is a URL, not before. What this is not: a door for clients of the service; nothing of
``docparse.api`` comes here, and a URL that a stranger names is never followed.
"""
