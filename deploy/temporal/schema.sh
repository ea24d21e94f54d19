#!/bin/sh
# Temporal's own tables in PostgreSQL: made on the first start, brought up to date on every later one.
# Runs in temporalio/admin-tools. POSTGRES_HOST, POSTGRES_USER and SQL_PASSWORD come from docker-compose.yml.
set -eu

tool() {
    database=$1
    shift
    temporal-sql-tool --plugin postgres12 --ep "$POSTGRES_HOST" -p 5432 -u "$POSTGRES_USER" --db "$database" "$@"
}

for database in temporal temporal_visibility; do
    versions=/etc/temporal/schema/postgresql/v12/${database#temporal_}/versioned
    tool "$database" create
    # An update of a database that has no schema yet fails: then this is the first start.
    tool "$database" update-schema -d "$versions" || {
        tool "$database" setup-schema -v 0.0
        tool "$database" update-schema -d "$versions"
    }
done
