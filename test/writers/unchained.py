#!/usr/bin/env python3
"""
A bot whose SQLite commits with frames that no recovery finds: a savepoint that is larger than the page cache, written twice, and rolled back,
before a small commit. It says on stdout {"chained": false} when a copy of the database, opened anew, lacks what was committed ("chained": true
with a SQLite that does not do this), and then does what each line of stdin says in SQL, answering with one line.
"""
import json
import os
import shutil
import sqlite3
import sys

path = sys.argv[1]
database = sqlite3.connect(path, isolation_level=None)
for pragma in ["journal_mode = WAL", "wal_autocheckpoint = 0", "cache_size = 10"]:
    database.execute("PRAGMA " + pragma).fetchone()
database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, x BLOB)")
database.execute("CREATE TABLE n (n)")
database.execute("INSERT INTO n VALUES (0)")
for number in range(1, 101):
    database.execute("INSERT INTO t VALUES (?, randomblob(3000))", (number,))


def unchained():
    database.execute("BEGIN")
    database.execute("SAVEPOINT undone")
    database.execute("UPDATE t SET x = randomblob(3000) WHERE id <= 60")
    database.execute("UPDATE t SET x = randomblob(3000) WHERE id BETWEEN 30 AND 60")
    database.execute("ROLLBACK TO undone")
    database.execute("RELEASE undone")
    database.execute("UPDATE n SET n = n + 1")
    database.execute("COMMIT")


def recovered():
    """What is found in a copy, as after a crash of the machine that lost no byte."""
    for suffix in ["", "-wal"]:
        shutil.copy(path + suffix, path + ".copy" + suffix)
    copy = sqlite3.connect(path + ".copy")
    (found,) = copy.execute("SELECT n FROM n").fetchone()
    copy.close()
    os.remove(path + ".copy")
    return found


print("ready", flush=True)
for line in sys.stdin:
    if line.strip() == "unchained":
        unchained()
        print(json.dumps({"chained": recovered() == database.execute("SELECT n FROM n").fetchone()[0]}), flush=True)
    else:
        print(json.dumps(database.execute(line).fetchall()), flush=True)
