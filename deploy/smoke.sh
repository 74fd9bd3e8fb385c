#!/usr/bin/env bash
# Tests the containers: builds the image, starts the whole stack with three dispatchers, sends a mailing to 1,000 clients
# while each service is killed and started again, compares the statistics with the sandbox's ledger, runs the bench,
# stops and starts everything, and checks that the data is still there. Exits with 0 only if every step succeeds.
#
# It uses a compose project of its own, so it does not affect a running Herald. It removes everything that it created,
# takes a few minutes, and stops after twenty. It needs only Docker with Compose 2.23.1 or newer.
#
#   deploy/smoke.sh [--broker URL [--restart-broker COMMAND]]
#
#   --broker            use a RabbitMQ elsewhere, with an empty virtual host, as in deploy/compose/external-broker.yml
#   --restart-broker    command that kills and starts it during the mailing; without it, the broker keeps running
#
#   SMOKE_API_PORT, SMOKE_MANAGEMENT_PORT   ports on 127.0.0.1 (18080, 18672)

set -Eeuo pipefail

[ -n "${SMOKE_BOUNDED-}" ] || SMOKE_BOUNDED=1 exec timeout --foreground --kill-after 120 1200 "$0" "$@"

cd "$(dirname "$0")/.."

# Settings of the user must not affect the test, above all not the URL of a real provider.
for name in "${!HERALD_@}" "${!POSTGRES_@}" "${!RABBITMQ_@}" "${!COMPOSE_@}"; do unset "$name"; done

export HERALD_IMAGE=herald:smoke
export HERALD_API_PORT=${SMOKE_API_PORT:-18080} RABBITMQ_MANAGEMENT_PORT=${SMOKE_MANAGEMENT_PORT:-18672}
# Slow enough that every service can be killed before the mailing is finished.
export HERALD_PROVIDER_RATE=4

broker="" restart_broker=""
while [ $# -gt 0 ]; do
  case $1 in
    --broker) broker=${2:?--broker needs a URL} ;;
    --restart-broker) restart_broker=${2:?--restart-broker needs a command} ;;
    *) sed -n 's/^#   deploy/usage: deploy/p' "$0" >&2; exit 2 ;;
  esac
  shift 2
done

readonly DISPATCHERS=3 CLIENTS=1000 REFUSED=10 FEW=150 LASTS_SECONDS=420
# The file is named, so that docker compose does not read an override of the user.
files=(--file docker-compose.yml)
containers=9
if [ -n "$broker" ]; then
  export HERALD_EXTERNAL_RABBITMQ_URL=$broker HERALD_INSECURE_TRANSPORT=database,broker,provider
  files+=(--file deploy/compose/external-broker.yml)
  containers=8
fi
readonly command=(docker compose --project-name herald-smoke --env-file /dev/null "${files[@]}")

compose() { "${command[@]}" "$@"; }
# Runs a Python program from standard input in the container of the API, with Herald's modules.
inside() { timeout 60 "${command[@]}" exec -T api python - "$@"; }
log() { printf '%4d s  %s\n' "$SECONDS" "$*"; }
fail() { log "FAILED: $*" >&2; exit 1; }

healthy() { docker ps --quiet --filter label=com.docker.compose.project=herald-smoke --filter health=healthy | wc -l; }

# compose's --wait fails at the first unhealthy container, but without a broker all are unhealthy for a while.
up() {
  local deadline
  timeout 420 "${command[@]}" up --detach \
    --scale dispatcher="$DISPATCHERS" "$@" >"$work/up.log" 2>&1 ||
    { tail -n 20 "$work/up.log" >&2; fail "the stack did not start"; }
  deadline=$((SECONDS + 120))
  until [ "$(healthy)" -eq "$containers" ]; do
    [ "$SECONDS" -lt "$deadline" ] || fail "only $(healthy) of $containers containers are healthy"
    sleep 1
  done
}

clean() { compose --profile bench down --volumes --remove-orphans --timeout 30 >"$work/down.log" 2>&1 ||
  { cat "$work/down.log" >&2; return 1; }; }

finish() {
  local code=$?
  trap - EXIT
  if [ "$code" -ne 0 ]; then
    compose ps --all >&2 || true
    compose logs --no-color --tail 15 >&2 || true
  fi
  clean || code=1
  docker image rm --force "$HERALD_IMAGE" >/dev/null 2>&1 || true
  rm -rf "$work"
  exit "$code"
}

# Prints the status line of the answer of http://127.0.0.1:$1$2.
status_line() (
  exec 3<>"/dev/tcp/127.0.0.1/$1"
  printf 'GET %s HTTP/1.0\r\n\r\n' "$2" >&3
  IFS= read -r -t 10 line <&3
  printf '%s\n' "$line"
)

expect_status() {
  local line
  line=$(status_line "$2" "$3") || fail "nothing answers on 127.0.0.1:$2"
  case $line in *" $1 "*) ;; *) fail "127.0.0.1:$2$3 answers: $line" ;; esac
}

# Prints the clients as CSV. The sandbox rejects phones that end in 0400.
clients() {
  local number
  printf 'phone,tag\n'
  for ((number = 0; number < REFUSED; number++)); do printf '7902%03d0400,smoke\n' "$number"; done
  for ((number = 0; number < CLIENTS - REFUSED; number++)); do printf '7901000%04d,smoke\n' $((1000 + number)); done
  for ((number = 0; number < FEW; number++)); do printf '7901001%04d,few\n' $((1000 + number)); done
}

import() { timeout 60 "${command[@]}" exec -T api \
  sh -c 'cat >/tmp/clients.csv && herald clients import /tmp/clients.csv' < <(clients); }

# Creates a mailing to the clients with tag $1, and prints its id.
create_mailing() {
  inside "$LASTS_SECONDS" "$1" <<'PY'
import asyncio, sys
from datetime import UTC, datetime, timedelta
import aiohttp
from cli.connections.api import open_api

async def main() -> None:
    # With slow replies some requests are open when a dispatcher is killed.
    async with aiohttp.ClientSession("http://sandbox:8090") as sandbox:
        (await sandbox.put("/faults", json={"latency_ms": 300})).raise_for_status()
    end_at = datetime.now(UTC) + timedelta(seconds=int(sys.argv[1]))
    body = {"text": "A smoke test.", "end_at": end_at.isoformat(), "filter": {"tags": [sys.argv[2]]}}
    async with open_api() as api:
        print((await api.post("/mailings", body))["id"])

asyncio.run(main())
PY
}

# Prints "STATUS TOTAL FINAL SENT REJECTED" of mailing $1.
progress() {
  inside "$1" <<'PY'
import asyncio, sys
from cli.connections.api import open_api

async def main() -> None:
    async with open_api() as api:
        found = await api.get(f"/mailings/{sys.argv[1]}/statistics")
    count = found["by_status"]
    final = sum(count.values()) - count["pending"] - count["retrying"]
    print(found["status"], found["total"], final, count["sent"], count["rejected"])

asyncio.run(main())
PY
}

# Compares the statistics of mailing $1 with the ledger, message by message.
compare_with_ledger() {
  inside "$1" <<'PY'
import asyncio, sys
import aiohttp
from cli.connections.api import open_api

async def sent_messages(mailing: str) -> set[int]:
    found, params = set(), {"status": "sent", "limit": "1000"}
    async with open_api() as api:
        while True:
            page = await api.get(f"/mailings/{mailing}/messages", params)
            found |= {message["id"] for message in page["items"]}
            if page["next"] is None:
                return found
            params["cursor"] = page["next"]

async def main() -> int:
    async with aiohttp.ClientSession("http://sandbox:8090") as sandbox:
        accepted = await (await sandbox.get("/ledger/messages?limit=10000")).json()
        ledger = await (await sandbox.get("/ledger")).json()
    sent, listed = await sent_messages(sys.argv[1]), {message["id"] for message in accepted["items"]}
    print(f"sent {len(sent)}, in the ledger {len(listed)}, different {len(sent ^ listed)}; accepted twice: "
          f"{ledger['duplicates']} (of a killed dispatcher's open requests)")
    return int(sent != listed)

sys.exit(asyncio.run(main()))
PY
}

require_unfinished() {
  local found
  found=$(progress "$1")
  log "$2 (now: $found)"
  [ "${found%% *}" = running ] || fail "the mailing was finished before everything was killed: $found"
}

restart_elsewhere() {
  [ -n "$restart_broker" ] || { log "the broker elsewhere keeps running"; return 0; }
  require_unfinished "$1" "killing and starting the broker elsewhere"
  sh -c "$restart_broker" >"$work/broker.log" 2>&1 || fail "$(tail -n 1 "$work/broker.log")"
}

# Kills the sandbox, and with it its ledger, during a mailing: every message must be sent nevertheless.
kill_sandbox() {
  local mailing result
  mailing=$(create_mailing few)
  sleep 3
  require_unfinished "$mailing" "killing sandbox"
  compose kill sandbox >/dev/null 2>&1
  sleep 2
  up --no-recreate
  result=$(await_end "$mailing")
  [ "$result" = "finished $FEW $FEW $FEW 0" ] || fail "expected $FEW to be sent: $result"
}

bench() {
  timeout 300 "${command[@]}" --profile bench run --rm --no-deps -T bench --messages 100 >"$work/bench.log" 2>&1 ||
    { tail -n 20 "$work/bench.log" >&2; fail "the bench failed"; }
}

kill_in_turn() {
  local mailing=$1 service victim
  read -r victim < <(compose ps --quiet dispatcher)
  require_unfinished "$mailing" "killing one dispatcher"
  docker kill "$victim" >/dev/null
  sleep 3
  docker start "$victim" >/dev/null
  # The sandbox is left out, because its ledger is in memory; kill_sandbox kills it in a mailing of its own.
  for service in reporter planner dispatcher rabbitmq postgres api; do
    if [ "$service" = rabbitmq ] && [ -n "$broker" ]; then
      restart_elsewhere "$mailing"
      continue
    fi
    require_unfinished "$mailing" "killing $service"
    compose kill "$service" >/dev/null 2>&1
    sleep 2
    up --no-recreate
  done
}

await_end() {
  local found="" deadline=$((SECONDS + LASTS_SECONDS))
  while [ "${found%% *}" != finished ]; do
    [ "$SECONDS" -lt "$deadline" ] || fail "the mailing did not end: $found"
    sleep 3
    found=$(progress "$1")
  done
  printf '%s\n' "$found"
}

work=$(mktemp -d)
trap finish EXIT
trap 'log "failed in line $LINENO: $BASH_COMMAND" >&2' ERR
trap 'fail "stopped from outside, or not done in 20 minutes"' TERM INT

log "building the image and starting the stack"
clean
up --build
log "the stack is up: $(healthy) healthy containers"
expect_status 401 "$HERALD_API_PORT" /api/v1/statistics
ports=("$HERALD_API_PORT")
if [ -z "$broker" ]; then
  expect_status 200 "$RABBITMQ_MANAGEMENT_PORT" /
  ports+=("$RABBITMQ_MANAGEMENT_PORT")
fi
published=$(compose ps --format '{{.Ports}}' | grep -o '[^ ]*->' | sort)
[ "$published" = "$(printf '127.0.0.1:%s->\n' "${ports[@]}" | sort)" ] ||
  fail "other ports are published: $published"

import
mailing=$(create_mailing smoke)
log "mailing $mailing is being sent"
sleep 5
kill_in_turn "$mailing"

result=$(await_end "$mailing")
log "finished: $result"
expected="finished $CLIENTS $CLIENTS $((CLIENTS - REFUSED)) $REFUSED"
[ "$result" = "$expected" ] || fail "expected: $expected"
compare_with_ledger "$mailing" || fail "the statistics and the ledger disagree"

kill_sandbox
log "running the bench"
bench

log "stopping everything, keeping the volumes, and starting it again"
compose down --timeout 30 >"$work/down.log" 2>&1 || fail "$(tail -n 1 "$work/down.log")"
up
found=$(progress "$mailing")
[ "$found" = "$expected" ] || fail "after the restart: $found"

log "every step succeeded"
