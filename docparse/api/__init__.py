"""The service: ``docparse serve``. Jobs that survive restarts, one engine for all requests, limits, keys.

job.py       values: what is asked for, a job, its pages, what happens to it
ports.py     what the parts ask of each other: the store, the files, the readers, the service
records.py   jobs as the stores write them
store*.py    jobs on a SQLite file, or in Redis
queue.py     which job is next: huey on the same
files.py     uploads and results in the data directory
readers.py   pages of all requests, read fairly by one engine or one pool
running.py   a job from its upload to its result
service.py   all of that for one owner at a time; receiving.py: uploads on their way in
app.py       HTTP, from the outside in: envelope (ids, log, headers), door (names, keys), routes_*
answers.py   what it answers with; answered.py makes that of a job, a page, an event
upload.py    bodies as streams, refused early; asked.py: what they ask for, checked
openapi.py   what is said of all this to programs; docs_page.py: to people
"""
