-- The tables of a hummingbot that its orders are kept in, for tests: names and types as hummingbot has them.
CREATE TABLE "Order" (
  id TEXT NOT NULL PRIMARY KEY, config_file_path TEXT NOT NULL, strategy TEXT NOT NULL, market TEXT NOT NULL, symbol TEXT NOT NULL,
  base_asset TEXT NOT NULL, quote_asset TEXT NOT NULL, creation_timestamp BIGINT NOT NULL, order_type TEXT NOT NULL, amount BIGINT NOT NULL,
  leverage INTEGER NOT NULL, price BIGINT NOT NULL, last_status TEXT NOT NULL, last_update_timestamp BIGINT NOT NULL,
  exchange_order_id TEXT, position TEXT
);
CREATE TABLE OrderStatus (
  id INTEGER NOT NULL PRIMARY KEY, order_id TEXT NOT NULL REFERENCES "Order" (id), timestamp BIGINT NOT NULL, status TEXT NOT NULL
);
CREATE TABLE TradeFill (
  config_file_path TEXT NOT NULL, strategy TEXT NOT NULL, market TEXT NOT NULL, symbol TEXT NOT NULL, base_asset TEXT NOT NULL,
  quote_asset TEXT NOT NULL, timestamp BIGINT NOT NULL, order_id TEXT NOT NULL REFERENCES "Order" (id), trade_type TEXT NOT NULL,
  order_type TEXT NOT NULL, price BIGINT NOT NULL, amount BIGINT NOT NULL, leverage INTEGER NOT NULL, trade_fee JSON NOT NULL,
  trade_fee_in_quote BIGINT, exchange_trade_id TEXT NOT NULL, position TEXT, PRIMARY KEY (market, order_id, exchange_trade_id)
);
CREATE TABLE Metadata (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL);
