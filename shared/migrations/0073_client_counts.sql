-- How many clients the directory has by time zone, operator code and tag, those on the stop list apart. The figure of a value
-- is the sum of its rows, in every snapshot: whoever changes clients adds rows with the differences, and so waits for nobody
-- else. The planner replaces the rows of a value by their sum.
CREATE TABLE client_counts (
    kind text NOT NULL CHECK (kind IN ('timezone', 'operator_code', 'tag')),
    value text NOT NULL,
    opted_out boolean NOT NULL,
    clients bigint NOT NULL
);
CREATE INDEX client_counts_of ON client_counts (kind, value, opted_out);

CREATE FUNCTION count_clients_added() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO client_counts (kind, value, opted_out, clients)
    SELECT v.kind, v.value, c.suppression_id IS NOT NULL, count(*)
    FROM added c CROSS JOIN LATERAL (
        VALUES ('timezone', c.timezone), ('operator_code', c.operator_code), ('tag', c.tag)
        UNION ALL SELECT 'tag', unnest(c.further_tags)
    ) AS v (kind, value)
    WHERE c.deleted_at IS NULL
    GROUP BY 1, 2, 3;
    RETURN NULL;
END
$$;

CREATE FUNCTION count_clients_changed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO client_counts (kind, value, opted_out, clients)
    SELECT v.kind, v.value, c.suppression_id IS NOT NULL, sum(c.difference)
    FROM (
        SELECT 1 AS difference, timezone, operator_code, tag, further_tags, suppression_id, deleted_at FROM changed
        UNION ALL
        SELECT -1, timezone, operator_code, tag, further_tags, suppression_id, deleted_at FROM before
    ) AS c CROSS JOIN LATERAL (
        VALUES ('timezone', c.timezone), ('operator_code', c.operator_code), ('tag', c.tag)
        UNION ALL SELECT 'tag', unnest(c.further_tags)
    ) AS v (kind, value)
    WHERE c.deleted_at IS NULL
    GROUP BY 1, 2, 3
    HAVING sum(c.difference) <> 0;
    RETURN NULL;
END
$$;

CREATE FUNCTION count_clients_gone() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO client_counts (kind, value, opted_out, clients)
    SELECT v.kind, v.value, c.suppression_id IS NOT NULL, -count(*)
    FROM before c CROSS JOIN LATERAL (
        VALUES ('timezone', c.timezone), ('operator_code', c.operator_code), ('tag', c.tag)
        UNION ALL SELECT 'tag', unnest(c.further_tags)
    ) AS v (kind, value)
    WHERE c.deleted_at IS NULL
    GROUP BY 1, 2, 3;
    RETURN NULL;
END
$$;

CREATE FUNCTION forget_client_counts() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM client_counts;
    RETURN NULL;
END
$$;

CREATE TRIGGER clients_added_counted AFTER INSERT ON clients
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION count_clients_added();
CREATE TRIGGER clients_changed_counted AFTER UPDATE ON clients
REFERENCING OLD TABLE AS before NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_clients_changed();
CREATE TRIGGER clients_gone_counted AFTER DELETE ON clients
REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION count_clients_gone();
CREATE TRIGGER clients_emptied_counted AFTER TRUNCATE ON clients
FOR EACH STATEMENT EXECUTE FUNCTION forget_client_counts();
