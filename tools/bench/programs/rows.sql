-- Rows with text in memory, an index, a join, an ordered result, updates.
-- Parameter: @rows.
CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, price REAL, tag TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < @rows)
INSERT INTO item SELECT i, 'item ' || (i * 7919 % @rows), i * 0.25,
	printf('%x', i * 2654435761 % 4294967296) FROM n;
CREATE INDEX item_name ON item (name);
SELECT count(*), max(length(b.tag)) FROM item a JOIN item b
	ON b.name = 'item ' || a.id;
SELECT name, group_concat(tag) FROM item GROUP BY id % 1000 ORDER BY name
	LIMIT 5;
UPDATE item SET tag = upper(tag) || '-' || id WHERE id % 3 = 0;
DELETE FROM item WHERE id % 5 = 0;
SELECT count(*) FROM item;
