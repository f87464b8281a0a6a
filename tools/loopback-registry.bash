# shellcheck shell=bash
# To be sourced: Debian's docker-registry on a free port of 127.0.0.1, for as long as the sourcing script runs.

# Starts a registry over a storage directory. Sets registry_address and registry_pid; registry_log names its log, where requests are
# listed when registry_access_log is true.
start_registry() { # directory for configuration, log and storage
  local port attempt disabled=true
  [[ ${registry_access_log:-false} == false ]] || disabled=false
  registry_log=$1/log
  for attempt in 1 2 3 4 5; do
    port=$((12000 + (RANDOM * 32768 + RANDOM) % 20000))
    mkdir -p "$1/storage"
    printf '%s\n' "version: 0.1" "log: {level: warn, accesslog: {disabled: $disabled}}" \
      "storage: {filesystem: {rootdirectory: $1/storage}, delete: {enabled: true}}" \
      "http: {addr: '127.0.0.1:$port', secret: not-a-secret}" >"$1/config.yml"
    docker-registry serve "$1/config.yml" >"$registry_log" 2>&1 </dev/null &
    registry_pid=$!
    while kill -0 "$registry_pid" 2>/dev/null; do
      if curl --silent --fail --noproxy '*' "http://127.0.0.1:$port/v2/" >/dev/null &&
        kill -0 "$registry_pid" 2>/dev/null; then
        # shellcheck disable=SC2034  # for the sourcing script
        registry_address=127.0.0.1:$port
        return 0
      fi
      sleep 0.05
    done
    echo "Port $port is taken (try $attempt of 5)." >&2
  done
  cat "$registry_log" >&2
  return 1
}

# Stops the registry by its pid and waits for its end.
stop_registry() {
  [[ -n ${registry_pid:-} ]] || return 0
  kill "$registry_pid" 2>/dev/null || true
  wait "$registry_pid" 2>/dev/null || true
  registry_pid=
}

# Puts an OCI layout with one entry into the registry's storage, as hard links where possible, and prints the entry's digest.
# Every blob is made known both as a blob and as a manifest; which of them are manifests is for the client to find out.
add_layout() { # directory of the registry, layout, repository, tag
  local root=$1/storage/docker/registry/v2 blob hex target digest
  local repository=$root/repositories/$3
  for blob in "$2"/blobs/sha256/*; do
    hex=$(basename "$blob")
    target=$root/blobs/sha256/${hex:0:2}/$hex
    mkdir -p "$target" "$repository/_layers/sha256/$hex" "$repository/_manifests/revisions/sha256/$hex"
    cp --force --link "$blob" "$target/data" 2>/dev/null || cp --force "$blob" "$target/data"
    printf 'sha256:%s' "$hex" >"$repository/_layers/sha256/$hex/link"
    printf 'sha256:%s' "$hex" >"$repository/_manifests/revisions/sha256/$hex/link"
  done
  digest=$(grep --only-matching 'sha256:[0-9a-f]*' "$2/index.json" | head -n 1)
  target=$repository/_manifests/tags/$4
  mkdir -p "$target/current" "$target/index/sha256/${digest#sha256:}"
  printf '%s' "$digest" >"$target/current/link"
  printf '%s' "$digest" >"$target/index/sha256/${digest#sha256:}/link"
  printf '%s\n' "$digest"
}
