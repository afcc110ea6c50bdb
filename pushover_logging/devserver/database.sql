-- The inbox in a file: the part of an account that DevServer(db=...) keeps.
CREATE TABLE IF NOT EXISTS message (
    number INTEGER PRIMARY KEY,
    received_at REAL NOT NULL,
    request TEXT NOT NULL,
    receipt TEXT,
    params TEXT NOT NULL,
    recipients TEXT NOT NULL,
    attachment_name TEXT,
    attachment_type TEXT,
    attachment BLOB
);
CREATE TABLE IF NOT EXISTS emergency (
    receipt TEXT PRIMARY KEY,
    fields TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS allowance (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    fields TEXT NOT NULL
);
