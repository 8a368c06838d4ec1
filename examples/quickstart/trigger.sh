#!/usr/bin/env bash
# Publishes one event with curl and openssl, to show what a signed request is made of.
# Usage: trigger.sh CHANNEL EVENT DATA
set -euo pipefail
channel=${1:?channel} event=${2:?event} data=${3:?data}
id=${PUSHER_APP_ID:-12345}
key=${PUSHER_APP_KEY:-scada_dashboard_key_2024}
secret=${PUSHER_APP_SECRET:-development-secret-do-not-deploy}
url=http://${KULKUL_HOST:-127.0.0.1}:${KULKUL_PORT:-6001}

# `data` is a string that holds JSON, so its quotes and backslashes are escaped.
escaped=$(printf '%s' "$data" | sed 's/[\\"]/\\&/g')
body="{\"name\":\"$event\",\"channel\":\"$channel\",\"data\":\"$escaped\"}"
md5=$(printf '%s' "$body" | openssl md5 -r | cut -d' ' -f1)
params="auth_key=$key&auth_timestamp=$(date +%s)&auth_version=1.0&body_md5=$md5"
signature=$(printf 'POST\n/apps/%s/events\n%s' "$id" "$params" | openssl sha256 -r -hmac "$secret" | cut -d' ' -f1)

curl -sS --fail-with-body -H 'Content-Type: application/json' -d "$body" \
  "$url/apps/$id/events?$params&auth_signature=$signature"
echo
