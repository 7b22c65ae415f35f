#!/usr/bin/env python3
"""A writer that measures itself: one row per transaction at a steady rate, or as fast as it can.

Afterwards, so that nothing but the database is written meanwhile, two float64 per transaction go to --out: the wall clock when COMMIT had
returned (ms since the epoch), and how long the transaction took (ms). Row n is transaction n. Deadlines are absolute: a late transaction
does not move those after it. One JSON line on stdout says how many there were and in how long.
"""
import argparse
import array
import gc
import json
import random
import sqlite3
import time

parser = argparse.ArgumentParser(description="Writes trades and measures each commit.")
parser.add_argument("--db", required=True)
parser.add_argument("--out", help="where the measurements go; without it only the table is made")
parser.add_argument("--rate", type=float, default=200, help="transactions a second, 0 for as many as possible")
parser.add_argument("--seconds", type=float, default=5)
options = parser.parse_args()

SYMBOLS = ["BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT", "ADA/USDT"]
INSERT = "INSERT INTO trades (symbol, side, price, quantity, order_id, at) VALUES (?, ?, ?, ?, ?, ?)"
chance = random.Random(1)


def connect():
    database = sqlite3.connect(options.db, timeout=10, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL").fetchone()
    database.execute("PRAGMA synchronous = NORMAL")
    return database


def make_table(database):
    database.execute(
        "CREATE TABLE IF NOT EXISTS trades (id INTEGER PRIMARY KEY, symbol TEXT NOT NULL, side TEXT NOT NULL, price TEXT NOT NULL,"
        " quantity TEXT NOT NULL, order_id TEXT NOT NULL, at INTEGER NOT NULL)"
    )
    database.execute("CREATE INDEX IF NOT EXISTS trades_by_symbol ON trades (symbol, at)")


def row(seq):
    return (
        SYMBOLS[seq % len(SYMBOLS)],
        "buy" if chance.random() < 0.5 else "sell",
        "%.8f" % chance.uniform(0.1, 70000),
        "%.8f" % chance.uniform(0.001, 10),
        "%032x" % chance.getrandbits(128),
        int(time.time() * 1000),
    )


def write(database):
    walls, took = array.array("d"), array.array("d")
    began = time.perf_counter()
    ends = began + options.seconds
    due = began
    seq = 0
    while True:
        if options.rate:
            due += 1 / options.rate
            pause = due - time.perf_counter()
            if pause > 0:
                time.sleep(pause)
        values = row(seq)
        before = time.perf_counter()
        if before >= ends or (options.rate and due > ends):
            break
        database.execute("BEGIN IMMEDIATE")
        database.execute(INSERT, values)
        database.execute("COMMIT")
        after = time.perf_counter()
        walls.append(time.time() * 1000)
        took.append((after - before) * 1000)
        seq += 1
    return walls, took, time.perf_counter() - began


connection = connect()
make_table(connection)
if options.out is not None:
    gc.disable()
    walls, took, seconds = write(connection)
    with open(options.out, "wb") as file:
        for pair in zip(walls, took):
            array.array("d", pair).tofile(file)
    print(json.dumps({"transactions": len(took), "seconds": seconds}), flush=True)
