-- When another key signs receipts, the end of the old one is recorded: it stays listed, so that what
-- it signed verifies for ever. Nothing else of a key changes, and none is deleted.
grant update (valid_until) on receipt_key to tm_app;
