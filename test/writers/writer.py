#!/usr/bin/env python3
"""A writer that is not Node: python3's own sqlite3 on one table, every acknowledged commit noted in a witness file.

Each witness line is one JSON object, written by one write() after COMMIT returned: {"seq": 7, "atMs": 1700000000000, "sum": 1234}.
`seq` is the row's key; `sum` is the sum of all `amount` up to it, which the table holds too, so that a reader can prove a prefix.
Seq and sum go on from what the database holds, so it may be killed, and the database be replaced by a restored one, at any moment.
SIGTERM ends it with 0 after the transaction at hand; an error of SQLite is printed as python prints it and ends it with 1.
"""
import argparse
import json
import os
import random
import signal
import sqlite3
import sys
import time
import traceback

parser = argparse.ArgumentParser(description="Writes a SQLite database as a bot would.")
parser.add_argument("--db", required=True)
parser.add_argument("--witness", help="file that acknowledged commits are appended to; required unless --no-write")
parser.add_argument("--rate", type=float, default=100, help="transactions a second, 0 for as many as possible")
parser.add_argument("--limit", type=int, default=0, help="end with 0 after so many transactions")
parser.add_argument("--page-size", type=int, default=4096, help="of a database that does not exist yet")
parser.add_argument("--payload", type=int, default=200, help="largest size of a row's payload in bytes")
parser.add_argument("--autocheckpoint", type=int, default=1000, help="in pages, 0 for never")
parser.add_argument("--synchronous", default="NORMAL")
parser.add_argument("--vacuum-every", type=float, default=0, help="seconds; deletes and vacuums")
parser.add_argument("--reconnect-every", type=float, default=0, help="seconds; closes, as the last one with a checkpoint, and opens again")
parser.add_argument("--checkpoint-every", type=float, default=0, help="seconds; through a second connection, as a foreign tool would")
parser.add_argument("--checkpoint-mode", default="TRUNCATE")
parser.add_argument("--no-write", action="store_true", help="only checkpoint, vacuum and reconnect: a storm from another process")
parser.add_argument("--seed", type=int, default=1)
options = parser.parse_args()

if not options.no_write and options.witness is None:
    parser.error("--witness is required")

chance = random.Random(options.seed)
stopping = False


def stop(*_):
    global stopping
    stopping = True


signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)


def connect():
    database = sqlite3.connect(options.db, timeout=5, isolation_level=None)
    database.execute("PRAGMA page_size = %d" % options.page_size)
    database.execute("PRAGMA journal_mode = WAL").fetchone()
    database.execute("PRAGMA synchronous = %s" % options.synchronous)
    database.execute("PRAGMA wal_autocheckpoint = %d" % options.autocheckpoint)
    return database


def read_position(database):
    database.execute(
        "CREATE TABLE IF NOT EXISTS ticks (seq INTEGER PRIMARY KEY, amount INTEGER NOT NULL, sum INTEGER NOT NULL, payload BLOB)"
    )
    row = database.execute("SELECT seq, sum FROM ticks ORDER BY seq DESC LIMIT 1").fetchone()
    return row if row is not None else (0, 0)


class Timer:
    """Says true once in every `every` seconds; never when that is 0."""

    def __init__(self, every):
        self.every = every
        self.next = time.monotonic() + every

    def due(self):
        if self.every == 0 or time.monotonic() < self.next:
            return False
        self.next = time.monotonic() + self.every
        return True


def tolerant(database, statement):
    """A busy database only postpones housekeeping."""
    try:
        database.execute(statement).fetchall()
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise


def main():
    database = connect()
    witness = None if options.no_write else os.open(options.witness, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    foreign = connect() if options.checkpoint_every else None
    vacuum, reconnect, checkpoint = Timer(options.vacuum_every), Timer(options.reconnect_every), Timer(options.checkpoint_every)
    seq, total = (0, 0) if options.no_write else read_position(database)
    print("ready, pid %d, next seq %d" % (os.getpid(), seq + 1), flush=True)
    due = time.monotonic()
    done = 0
    while not stopping and (options.limit == 0 or done < options.limit):
        if not options.no_write:
            amount = chance.randrange(-1000, 1000)
            database.execute("BEGIN IMMEDIATE")
            database.execute(
                "INSERT INTO ticks VALUES (?, ?, ?, ?)",
                (seq + 1, amount, total + amount, chance.randbytes(chance.randrange(options.payload + 1))),
            )
            if chance.random() < 0.3 and seq > 10:
                database.execute("UPDATE ticks SET payload = zeroblob(length(payload)) WHERE seq = ?", (chance.randrange(1, seq),))
            database.execute("COMMIT")
            seq, total, done = seq + 1, total + amount, done + 1
            line = json.dumps({"seq": seq, "atMs": int(time.time() * 1000), "sum": total}) + "\n"
            os.write(witness, line.encode())
        if vacuum.due():
            tolerant(database, "UPDATE ticks SET payload = NULL WHERE seq % 3 = 0")
            tolerant(database, "VACUUM")
        if checkpoint.due():
            tolerant(foreign, "PRAGMA wal_checkpoint(%s)" % options.checkpoint_mode)
        if reconnect.due():
            if foreign is not None:
                foreign.close()
            database.close()
            database = connect()
            foreign = connect() if options.checkpoint_every else None
        if options.rate or options.no_write:
            due += 1 / (options.rate or 100)
            pause = due - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            elif pause < -1:
                due = time.monotonic()
    if foreign is not None:
        foreign.close()
    database.close()
    print("ended after %d transactions, seq %d" % (done, seq), flush=True)


try:
    main()
except sqlite3.Error:
    traceback.print_exc()
    sys.exit(1)
