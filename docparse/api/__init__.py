"""The service: ``docparse serve``. Jobs that survive restarts, one engine for all requests, limits, keys.

job.py       values: what is asked for, a job, its pages, what happens to it
ports.py     what the parts ask of each other: the store, the files, the readers, the service
records.py   jobs as the stores write them
store*.py    jobs on a SQLite file, or in Redis
queue.py     which job is next: huey on the same
files.py     uploads and results in the data directory
readers.py   pages of all requests, read fairly by one engine or one pool
running.py   a job from its upload to its result
app.py       HTTP: routes, answers, errors
"""
