-- Those who were there before their changes were counted. Whatever else is written meanwhile is exact: one statement sees
-- one snapshot, of the clients and of the differences that were counted since, and takes these off.
INSERT INTO client_counts (kind, value, opted_out, clients)
SELECT kind, value, opted_out, sum(clients)
FROM (
    SELECT v.kind, v.value, c.suppression_id IS NOT NULL AS opted_out, 1 AS clients
    FROM clients c CROSS JOIN LATERAL (
        VALUES ('timezone', c.timezone), ('operator_code', c.operator_code), ('tag', c.tag)
        UNION ALL SELECT 'tag', unnest(c.further_tags)
    ) AS v (kind, value)
    WHERE c.deleted_at IS NULL
    UNION ALL
    SELECT kind, value, opted_out, -clients FROM client_counts
) AS found
GROUP BY 1, 2, 3
HAVING sum(clients) <> 0;
