#!/usr/bin/env python3
"""A bot in a storm: python3's own sqlite3 at full speed, with everything that SQLite allows a bot and its tools to do to a log.

Rows of all sizes come, change and go, in transactions of one row up to --big MiB, some of which are rolled back as a whole or to a savepoint,
with a cache so small that pages are written into the log before their commit. Between transactions it vacuums, checkpoints in all four ways
through its own or a second connection, closes its last connection, limits the size of the log, and tries to leave WAL mode.
The seed decides all of it, but for what busy locks refuse.

The table `head` holds one row, written by each transaction: how many were committed (seq), how many rows there are, and the sum of the crc32
of all rows. So a database proves by its own content which transaction was its last, and that it has all of it. The same numbers go to the
witness, one JSON line by one write() after COMMIT returned. It goes on from what the database holds, so it may be killed at any moment.
SIGTERM ends it with 0 after the transaction at hand; the last line on stdout is JSON: how often it did what, and the longest commit in ms.
"""
import argparse
import json
import os
import random
import re
import signal
import sqlite3
import sys
import time
import traceback
import zlib

parser = argparse.ArgumentParser(description="Writes a SQLite database as a bot in a storm would.")
parser.add_argument("--db", required=True)
parser.add_argument("--witness", required=True, help="file that acknowledged commits are appended to")
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--page-size", type=int, default=4096, help="of a database that does not exist yet")
parser.add_argument("--auto-vacuum", choices=["none", "full", "incremental"], default="none")
parser.add_argument("--rows", type=int, default=400, help="about so many stay")
parser.add_argument("--big", type=float, default=0, help="MiB of the largest transactions, which come once in 2,000; 0 for none")
parser.add_argument("--every", type=int, default=50, help="at most so many transactions between two events")
parser.add_argument("--tool", action="store_true", help="write nothing: only check points as another program, at any moment of the bot's")
parser.add_argument("--rate", type=float, default=0, help="transactions a second, 0 for as many as possible")
options = parser.parse_args()

MIB = 1024 * 1024
chance = random.Random(options.seed)
stopping = False
done = {}
longest_ms = 0.0


def stop(*_):
    global stopping
    stopping = True


signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)


def count(what):
    done[what] = done.get(what, 0) + 1


def connect():
    # Longer than the capture is ever suspended for: a commit may be slow then, and must not fail.
    database = sqlite3.connect(options.db, timeout=20, isolation_level=None)
    database.execute("PRAGMA page_size = %d" % options.page_size)
    database.execute("PRAGMA auto_vacuum = %s" % options.auto_vacuum)
    database.execute("PRAGMA journal_mode = WAL").fetchone()
    database.execute("PRAGMA synchronous = %s" % chance.choice(["OFF", "NORMAL", "FULL"]))
    database.execute("PRAGMA wal_autocheckpoint = %d" % chance.choice([0, 10, 100, 1000]))
    database.execute("PRAGMA cache_size = %d" % chance.choice([10, 2000]))
    return database


def crc(number, payload):
    return zlib.crc32(payload, zlib.crc32(b"%d" % number))


def ask(database, statement):
    """A busy lock only postpones what a tool wants."""
    name = re.sub(r" =.*|\d+\)$", "", statement)
    try:
        database.execute(statement).fetchall()
        count(name)
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        count("busy: " + name)


def foreign(*statements):
    """Another program comes, does it, and goes. It waits for no longer than it would hold up the storm."""
    tool = sqlite3.connect(options.db, timeout=0.02, isolation_level=None)
    for statement in statements:
        ask(tool, statement)
    tool.close()


def checkpoint():
    return "PRAGMA wal_checkpoint(%s)" % chance.choice(["PASSIVE", "FULL", "RESTART", "TRUNCATE"])


class Bot:
    def __init__(self):
        self.database = connect()
        self.witness = os.open(options.witness, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.make_tables()
        self.rows = {number: crc(number, payload) for number, payload in self.database.execute("SELECT id, payload FROM items")}
        self.seq, self.sum = self.database.execute("SELECT seq, sum FROM head").fetchone()
        self.next = max(self.rows, default=0) + 1
        # It was killed between COMMIT and the witness, or is new.
        self.note()

    def make_tables(self):
        self.database.execute("BEGIN IMMEDIATE")
        self.database.execute("CREATE TABLE IF NOT EXISTS head (seq INTEGER NOT NULL, sum INTEGER NOT NULL, rows INTEGER NOT NULL)")
        self.database.execute("CREATE TABLE IF NOT EXISTS items (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, payload BLOB NOT NULL)")
        self.database.execute("CREATE INDEX IF NOT EXISTS items_by_kind ON items (kind, length(payload))")
        self.database.execute("INSERT INTO head SELECT 0, 0, 0 WHERE NOT EXISTS (SELECT * FROM head)")
        self.database.execute("COMMIT")

    def note(self):
        line = json.dumps({"seq": self.seq, "atMs": int(time.time() * 1000), "sum": self.sum, "rows": len(self.rows)}) + "\n"
        os.write(self.witness, line.encode())

    def payload(self):
        """Mostly small; some need overflow pages at every page size."""
        size = chance.choice([20, 20, 200, 200, 2000, 2000, 70000 if chance.random() < 0.1 else 5000])
        size = chance.randrange(size)
        return chance.randbytes(size) if chance.random() < 0.5 else chance.randbytes(1) * size

    def insert(self, changes, payload=None):
        number, self.next = self.next, self.next + 1
        payload = self.payload() if payload is None else payload
        self.database.execute("INSERT INTO items VALUES (?, ?, ?)", (number, chance.choice("abc"), payload))
        changes[number] = crc(number, payload)
        return number

    def change(self, changes):
        """One row more, another content for one, or one less: about --rows stay."""
        known = [number for number in (chance.choice(self.numbers) for _ in range(4)) if number not in changes] if self.numbers else []
        if not known or chance.random() < (0.6 if len(self.rows) < options.rows else 0.2):
            return self.insert(changes)
        number = known[0]
        if chance.random() < 0.5:
            payload = self.payload()
            self.database.execute("UPDATE items SET payload = ? WHERE id = ?", (payload, number))
            changes[number] = crc(number, payload)
        else:
            self.database.execute("DELETE FROM items WHERE id = ?", (number,))
            changes[number] = None
        return number

    def transaction(self):
        global longest_ms
        self.numbers = list(self.rows) if self.seq % 20 == 0 or not hasattr(self, "numbers") else self.numbers
        self.numbers = [number for number in self.numbers if number in self.rows]
        what = chance.random()
        began = time.perf_counter()
        # It is heeded outside of transactions only.
        self.database.execute("PRAGMA cache_spill = %s" % ("OFF" if what < 0.03 else "ON"))
        self.database.execute("BEGIN IMMEDIATE")
        changes = {}
        for _ in range(chance.choice([1, 1, 1, 2, 5, 20])):
            self.change(changes)
        if what < 0.03:
            self.undone(60)
        if 0.03 <= what < 0.05:
            self.grow_and_free()
        if options.big and self.seq % 2000 == 1000:
            count("big")
            for _ in range(max(1, int(options.big))):
                self.insert(changes, chance.randbytes(1024) * 1024)
        if options.big and self.seq % 2000 == 1200:
            for number in [one for (one,) in self.database.execute("SELECT id FROM items WHERE length(payload) >= ?", (MIB,))]:
                self.database.execute("DELETE FROM items WHERE id = ?", (number,))
                changes[number] = None
        if 0.05 <= what < 0.08:
            count("rollback")
            self.database.execute("ROLLBACK")
            return
        rows = {**self.rows, **changes}
        rows = {number: value for number, value in rows.items() if value is not None}
        total = self.sum + sum((value or 0) - self.rows.get(number, 0) for number, value in changes.items())
        self.database.execute("UPDATE head SET seq = ?, sum = ?, rows = ?", (self.seq + 1, total, len(rows)))
        self.database.execute("COMMIT")
        longest_ms = max(longest_ms, (time.perf_counter() - began) * 1000)
        self.rows, self.sum, self.seq = rows, total, self.seq + 1
        self.note()

    def undone(self, changes):
        """
        Grows and takes it back, inside of a transaction that commits. Nothing is spilled meanwhile: SQLite 3.40 then may write the commit with
        frames that no recovery finds (see test/process/unchained-frames.test.ts).
        """
        count("savepoint")
        self.database.execute("SAVEPOINT undone")
        for _ in range(changes):
            self.insert({}, chance.randbytes(3000))
        self.database.execute("DELETE FROM items WHERE id %% %d = 0" % chance.randrange(2, 9))
        self.database.execute("ROLLBACK TO undone")
        self.database.execute("RELEASE undone")

    def grow_and_free(self):
        """Pages that are new and free at once: SQLite does not care what is on them."""
        count("grow and free")
        first = self.next
        for _ in range(chance.randrange(1, 40)):
            self.insert({}, chance.randbytes(4000))
        self.database.execute("DELETE FROM items WHERE id >= ?", (first,))

    def patiently(self, *statements):
        self.database.execute("PRAGMA busy_timeout = 20")
        for statement in statements:
            ask(self.database, statement)
        self.database.execute("PRAGMA busy_timeout = 20000")

    def reconnect(self):
        self.database.close()
        self.database = connect()
        count("reconnect")

    def housekeeping(self):
        what = chance.randrange(12)
        if what < 3:
            foreign(checkpoint())
        elif what < 6:
            self.patiently(checkpoint())
        elif what == 6:
            foreign(*[checkpoint()] * 3)
        elif what == 7:
            self.patiently("VACUUM")
        elif what == 8:
            ask(self.database, "PRAGMA incremental_vacuum(%d)" % chance.randrange(1, 40))
        elif what == 9:
            ask(self.database, "PRAGMA journal_size_limit = %d" % chance.choice([-1, 0, 32 + chance.randrange(1, 50) * (24 + options.page_size)]))
        elif what == 10:
            self.reconnect()
        elif chance.random() < 0.3:
            # The last one to have it open may leave WAL mode; beside a capture it is refused.
            self.patiently("PRAGMA journal_mode = DELETE", "PRAGMA journal_mode = WAL")


def be_a_tool():
    while not stopping:
        time.sleep(chance.random() * 0.1)
        foreign(*[checkpoint()] * chance.choice([1, 1, 3]))
    print(json.dumps({"done": done}), flush=True)


def main():
    bot = Bot()
    due = time.monotonic()
    until = bot.seq + chance.randrange(options.every)
    while not stopping:
        if bot.seq >= until:
            bot.housekeeping()
            until = bot.seq + chance.randrange(options.every)
        bot.transaction()
        if options.rate:
            due += 1 / options.rate
            time.sleep(max(0, due - time.monotonic()))
    bot.database.close()
    print(json.dumps({"seq": bot.seq, "longestMs": round(longest_ms), "done": done}), flush=True)


try:
    be_a_tool() if options.tool else main()
except sqlite3.Error:
    traceback.print_exc()
    sys.exit(1)
