#!/bin/sh
# Wait until the Temporal cluster has Waypost's namespace, and make it where it may be made (Temporal Cloud lets nobody do
# so from here). Runs in temporalio/admin-tools with the settings that Waypost has; the command would take a blank
# variable for a wish, so what is not set is not told.
set -eu

export TEMPORAL_ADDRESS="$WAYPOST_TEMPORAL_ADDRESS" TEMPORAL_NAMESPACE="$WAYPOST_TEMPORAL_NAMESPACE"
told() {
    [ -z "$2" ] || export "$1=$2"
}
told TEMPORAL_API_KEY "${WAYPOST_TEMPORAL_API_KEY:-}"
told TEMPORAL_TLS "${WAYPOST_TEMPORAL_TLS:-}"
told TEMPORAL_TLS_CLIENT_CERT_PATH "${WAYPOST_TEMPORAL_TLS_CLIENT_CERT:-}"
told TEMPORAL_TLS_CLIENT_KEY_PATH "${WAYPOST_TEMPORAL_TLS_CLIENT_KEY:-}"
told TEMPORAL_TLS_SERVER_CA_CERT_PATH "${WAYPOST_TEMPORAL_TLS_SERVER_CA:-}"
told TEMPORAL_TLS_SERVER_NAME "${WAYPOST_TEMPORAL_TLS_SERVER_NAME:-}"

tries=0
until temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; do
    said=$(temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 168h 2>&1) || :
    tries=$((tries + 1))
    [ "$tries" -lt 120 ] || { echo "no namespace $TEMPORAL_NAMESPACE at $TEMPORAL_ADDRESS: $said" >&2; exit 1; }
    sleep 1
done
