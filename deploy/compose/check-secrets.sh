#!/bin/sh
# Refuses the public secrets of .env.example, unless only this machine reaches the API and messages go to the sandbox.
# docker-compose.yml runs it before everything else; the secrets are in its environment, in the variables named below.
set -eu

public=""
for name in HERALD_ADMIN_TOKEN POSTGRES_PASSWORD POSTGRES_ADMIN_PASSWORD RABBITMQ_ADMIN_PASSWORD \
  RABBITMQ_TOPOLOGY_PASSWORD RABBITMQ_API_PASSWORD RABBITMQ_PLANNER_PASSWORD RABBITMQ_DISPATCHER_PASSWORD \
  RABBITMQ_REPORTER_PASSWORD HERALD_STOP_LIST_KEY; do
  eval "value=\${$name-}"
  case $value in
    "" | *-first-try) public="$public $name" ;;
  esac
done
[ -n "$public" ] || exit 0

reason=""
case $HERALD_PROVIDER_URL in
  http://sandbox:8090/*) ;;
  *) reason="HERALD_PROVIDER_URL is a real provider" ;;
esac
[ -z "${HERALD_PROVIDERS_FILE-}" ] || reason="HERALD_PROVIDERS_FILE names providers"
case $HERALD_PUBLISH_ADDRESS in
  127.* | ::1 | "[::1]" | localhost) ;;
  *) reason="HERALD_PUBLISH_ADDRESS=$HERALD_PUBLISH_ADDRESS is not this machine alone" ;;
esac
[ -z "${HERALD_TRUSTED_PROXIES-}" ] || reason="HERALD_TRUSTED_PROXIES names a proxy, which others reach"

if [ -n "$reason" ]; then
  echo "refused: $reason, and these secrets are missing or the public ones of .env.example:$public." \
    "Set secrets of your own in .env; openssl rand -hex 24 makes one." >&2
  exit 1
fi
echo "public secrets are in use, for a first try on this machine:$public" >&2
