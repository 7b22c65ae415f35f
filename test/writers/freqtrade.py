"""Stands in for a freqtrade bot: its tables, its pragmas, its way of writing (a trade and its order in one transaction), until SIGTERM.

Writes one line "ready" when its first trade is committed, and the number of each committed trade into --witness, if one is given.
"""
import argparse
import os
import signal
import sqlite3
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("--db", required=True)
parser.add_argument("--witness")
parser.add_argument("--rate", type=float, default=20.0)
arguments = parser.parse_args()

running = True


def stop(_signal, _frame):
    global running
    running = False


signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)

database = sqlite3.connect(arguments.db, isolation_level=None)
database.execute("PRAGMA journal_mode=WAL")
if database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'trades'").fetchone()[0] == 0:
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "freqtrade.sql"), encoding="utf8") as schema:
        database.executescript(schema.read())
witness = open(arguments.witness, "a", encoding="utf8") if arguments.witness else None

while running:
    now = time.strftime("%Y-%m-%d %H:%M:%S.000000", time.gmtime())
    database.execute("BEGIN")
    trade = database.execute(
        "INSERT INTO trades (exchange, pair, is_open, fee_open, fee_close, open_rate, stake_amount, amount, open_date,"
        " is_stop_loss_trailing, is_short, interest_rate, strategy) VALUES ('binance', 'ETH/USDT', 1, 0.001, 0.001, 2000.5, 100, 0.05, ?, 0, 0, 0, 'Sample')",
        (now,),
    ).lastrowid
    database.execute(
        "INSERT INTO orders (ft_trade_id, ft_order_side, ft_pair, ft_is_open, ft_amount, ft_price, order_id, status, side, order_date)"
        " VALUES (?, 'buy', 'ETH/USDT', 0, 0.05, 2000.5, ?, 'closed', 'buy', ?)",
        (trade, f"order-{trade}", now),
    )
    if trade > 3:
        database.execute("UPDATE trades SET is_open = 0, close_date = ?, close_rate = 2001 WHERE id = ?", (now, trade - 3))
    database.execute("COMMIT")
    if witness is not None:
        witness.write(f"{trade}\n")
        witness.flush()
    if trade == 1:
        print("ready", flush=True)
    time.sleep(1 / arguments.rate)
database.close()
sys.exit(0)
